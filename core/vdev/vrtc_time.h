/* SPDX-License-Identifier: BSD-2-Clause */
/* Calendar arithmetic of the real-time clock: Unix seconds ⇄ date and time of day, proleptic
 * Gregorian, UTC. */
#ifndef SOCLE_VDEV_VRTC_TIME_H
#define SOCLE_VDEV_VRTC_TIME_H

#include "core/lib/types.h"

struct rtc_time {
    u32 second;
    u32 minute;
    u32 hour;    /* 0–23 */
    u32 weekday; /* 1–7, Sunday is 1 */
    u32 day;     /* 1–31 */
    u32 month;   /* 1–12 */
    u32 year;    /* four digits */
};

struct rtc_time rtc_time_from_unix(u64 unix_s);

/* Accepts fields out of their ranges (a guest writes what it likes); before 1970 gives 0. */
u64 rtc_time_to_unix(const struct rtc_time *t);

#endif
