/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/time_text.c core/lib/date.c */
/* Times in UTC, exact; nothing that is nearly one. */
#include "tests/unit/harness.h"

#include <time.h>

#include "core/lib/date.h"
#include "core/lib/errno.h"
#include "mgmt/time_text.h"

static u64 parsed(const char *text)
{
    u64 ns = 0;

    CHECK_EQ(time_parse(text, &ns), 0);
    return ns;
}

TEST(times_are_read)
{
    CHECK_EQ(parsed("1970-01-01T00:00:00Z"), 0);
    CHECK_EQ(parsed("1970-01-01T00:00:00.000000001Z"), 1);
    CHECK_EQ(parsed("2000-02-29T23:59:59.5Z"), 951868799500000000ull);
    CHECK_EQ(parsed("2038-01-19T03:14:08Z"), 2147483648000000000ull);
    CHECK_EQ(parsed("2500-12-31T23:59:59Z"), 16756761599000000000ull);
}

TEST(nonsense_is_refused)
{
    static const char *const texts[] = {
        "",
        "Z",
        "2030",
        "2030-01-31",
        "2030-01-31T12:00:00",
        "2030-01-31T12:00:00z",
        "2030-01-31T12:00:00+00:00",
        "2030-01-31 12:00:00Z",
        "2030-1-31T12:00:00Z",
        "2030-13-01T12:00:00Z",
        "2030-00-01T12:00:00Z",
        "2030-02-29T12:00:00Z",
        "2030-04-31T12:00:00Z",
        "2030-01-00T12:00:00Z",
        "2030-01-32T12:00:00Z",
        "2030-01-31T24:00:00Z",
        "2030-01-31T12:60:00Z",
        "2030-01-31T12:00:60Z",
        "2030-01-31T12:00:00.Z",
        "2030-01-31T12:00:00.1234567890Z",
        "2030-01-31T12:00:00ZZ",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "-030-01-31T12:00:00Z",
    };
    u64 ns;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK_EQ(time_parse(texts[i], &ns), -EINVAL);
}

TEST(dates_agree_with_the_c_library)
{
    for (u64 day = 0; day < 200000; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct date date = date_from_days(day);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        if (date.year != (u32)tm.tm_year + 1900 || date.month != (u32)tm.tm_mon + 1 ||
            date.day != (u32)tm.tm_mday || date_to_days(date) != day) {
            CHECK_EQ(day, UINT64_MAX);
            return;
        }
    }
}
