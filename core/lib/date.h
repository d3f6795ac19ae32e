/* SPDX-License-Identifier: BSD-2-Clause */
/* Days since 1970-01-01 and dates of the Gregorian calendar, by 400-year eras that begin on 1
 * March. */
#ifndef SOCLE_LIB_DATE_H
#define SOCLE_LIB_DATE_H

#include "core/lib/types.h"

struct date {
    u32 year;  /* 1970 … */
    u32 month; /* 1 … 12 */
    u32 day;   /* 1 … 31 */
};

struct date date_from_days(u64 days);
u64 date_to_days(struct date date);

#endif
