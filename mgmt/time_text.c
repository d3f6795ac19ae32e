/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading of times. */
#include "mgmt/time_text.h"

#include "core/lib/date.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"

#define YEAR_MAX     2500u /* nanoseconds of later ones would soon not fit into 64 bits */
#define FRACTION_MAX 9u

/* Exactly `digits` digits; *at moves behind them. */
static bool number(const char **at, u32 digits, u32 *value)
{
    *value = 0;
    for (u32 i = 0; i < digits; i++) {
        char c = **at;

        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (u32)(c - '0');
        ++*at;
    }
    return true;
}

static bool literal(const char **at, char c)
{
    if (**at != c)
        return false;
    ++*at;
    return true;
}

static bool fraction(const char **at, u64 *ns)
{
    u64 unit = NS_PER_S / 10;
    u32 digits = 0;

    *ns = 0;
    if (!literal(at, '.'))
        return true;
    for (; **at >= '0' && **at <= '9' && digits < FRACTION_MAX; digits++, unit /= 10)
        *ns += (u64)(*(*at)++ - '0') * unit;
    return digits > 0;
}

/* A day that does not exist has another date when it comes back. */
static bool exists(struct date date)
{
    struct date back;

    if (date.year < 1970 || date.year > YEAR_MAX || date.month < 1 || date.month > 12 ||
        date.day < 1 || date.day > 31)
        return false;
    back = date_from_days(date_to_days(date));
    return back.month == date.month && back.day == date.day;
}

int time_parse(const char *text, u64 *unix_ns)
{
    const char *at = text;
    struct date date;
    u32 hour, minute, second;
    u64 ns;

    if (!number(&at, 4, &date.year) || !literal(&at, '-') || !number(&at, 2, &date.month) ||
        !literal(&at, '-') || !number(&at, 2, &date.day) || !literal(&at, 'T') ||
        !number(&at, 2, &hour) || !literal(&at, ':') || !number(&at, 2, &minute) ||
        !literal(&at, ':') || !number(&at, 2, &second) || !fraction(&at, &ns) ||
        strcmp(at, "Z") != 0)
        return -EINVAL;
    if (!exists(date) || hour > 23 || minute > 59 || second > 59)
        return -EINVAL;
    *unix_ns = (date_to_days(date) * 86400 + hour * 3600u + minute * 60u + second) * NS_PER_S + ns;
    return 0;
}
