/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversion between days and dates. */
#include "core/lib/date.h"

#define DAYS_TO_1970 719468u /* from 1 March of year 0 */
#define DAYS_IN_ERA  146097u

struct date date_from_days(u64 days)
{
    u64 z = days + DAYS_TO_1970;
    u64 era = z / DAYS_IN_ERA;
    u64 doe = z % DAYS_IN_ERA;
    u64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    u64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    u64 mp = (5 * doy + 2) / 153;
    u32 month = (u32)(mp < 10 ? mp + 3 : mp - 9);

    return (struct date){
        .year = (u32)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (u32)(doy - (153 * mp + 2) / 5 + 1),
    };
}

u64 date_to_days(struct date date)
{
    u64 y = date.month <= 2 ? date.year - 1 : date.year;
    u64 m = date.month <= 2 ? date.month + 9 : date.month - 3; /* March is 0 */

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + date.day - 1 - DAYS_TO_1970;
}
