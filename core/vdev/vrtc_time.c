/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calendar arithmetic. Years are counted from March, which puts the leap day last, and eras have
 * 400 years.
 */
#include "core/vdev/vrtc_time.h"

#define SECONDS_PER_DAY    86400u
#define SECONDS_PER_HOUR   3600u
#define SECONDS_PER_MINUTE 60u
#define DAYS_PER_ERA       146097u /* 400 years */
#define DAYS_TO_1970       719468u /* from 0000-03-01 */
#define WEEKDAY_1970       4u      /* Thursday, Sunday being 0 */

struct rtc_time rtc_time_from_unix(u64 unix_s)
{
    u64 days = unix_s / SECONDS_PER_DAY;
    u32 rest = (u32)(unix_s % SECONDS_PER_DAY);
    u64 era = (days + DAYS_TO_1970) / DAYS_PER_ERA;
    u32 day_of_era = (u32)((days + DAYS_TO_1970) % DAYS_PER_ERA);
    u32 year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    u32 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    u32 march_month = (5 * day_of_year + 2) / 153;
    u32 month = march_month < 10 ? march_month + 3 : march_month - 9;

    return (struct rtc_time){
        .second = rest % SECONDS_PER_MINUTE,
        .minute = rest / SECONDS_PER_MINUTE % SECONDS_PER_MINUTE,
        .hour = rest / SECONDS_PER_HOUR,
        .weekday = (u32)((days + WEEKDAY_1970) % 7 + 1),
        .day = day_of_year - (153 * march_month + 2) / 5 + 1,
        .month = month,
        .year = (u32)(year_of_era + era * 400 + (month <= 2 ? 1 : 0)),
    };
}

u64 rtc_time_to_unix(const struct rtc_time *t)
{
    u32 month = t->month >= 1 && t->month <= 12 ? t->month : 1;
    u32 year = t->year - (month <= 2 ? 1 : 0);
    u32 march_month = month > 2 ? month - 3 : month + 9;
    u64 era = year / 400;
    u32 year_of_era = year % 400;
    u32 day_of_year = (153 * march_month + 2) / 5 + (t->day >= 1 ? t->day - 1 : 0);
    u64 day_of_era = year_of_era * 365ull + year_of_era / 4 - year_of_era / 100 + day_of_year;
    u64 days = era * DAYS_PER_ERA + day_of_era;

    if (t->year < 1970)
        return 0;
    return (days - DAYS_TO_1970) * SECONDS_PER_DAY + t->hour * (u64)SECONDS_PER_HOUR +
           t->minute * (u64)SECONDS_PER_MINUTE + t->second;
}
