/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/auth/audit.c */
/* The audit log keeps the last entries, in order, and counts what one client repeats. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "mgmt/auth/audit.h"

#define S 1000000000ull

static struct audit audit;
static struct audit_entry read;

static bool add(const char *user, const char *path, u16 status, u64 uptime_ns)
{
    struct audit_entry entry = {.uptime_ns = uptime_ns, .status = status, .method = "PUT"};

    snprintf(entry.user, sizeof(entry.user), "%s", user);
    snprintf(entry.path, sizeof(entry.path), "%s", path);
    return audit_add(&audit, &entry);
}

TEST(entries_come_back_in_order)
{
    u64 seq = 0;

    memset(&audit, 0, sizeof(audit));
    CHECK(!audit_read(&audit, &seq, &read));
    CHECK(add("a", "/1", 201, 1));
    CHECK(add("b", "/1", 201, 2));
    CHECK(add("a", "/1", 409, 3));
    seq = 0;
    CHECK(audit_read(&audit, &seq, &read));
    CHECK_STR(read.user, "a");
    CHECK_EQ(read.seq, 1);
    CHECK_EQ(read.count, 1);
    CHECK(audit_read(&audit, &seq, &read));
    CHECK_STR(read.user, "b");
    CHECK(audit_read(&audit, &seq, &read));
    CHECK_EQ(read.status, 409);
    CHECK(!audit_read(&audit, &seq, &read));
    CHECK(add("c", "/2", 204, 4));
    CHECK(audit_read(&audit, &seq, &read));
    CHECK_EQ(read.seq, 4);
}

TEST(repetitions_are_counted)
{
    u64 seq = 0;

    memset(&audit, 0, sizeof(audit));
    for (u64 i = 0; i < 1000; i++) {
        CHECK_EQ(add("a", "/input", 204, i), i == 0);
        CHECK_EQ(add("b", "/input", 204, i), i == 0);
    }
    CHECK(audit_read(&audit, &seq, &read));
    CHECK_EQ(read.count, 1000);
    CHECK(audit_read(&audit, &seq, &read));
    CHECK(!audit_read(&audit, &seq, &read));
    CHECK(add("a", "/input", 204, 61 * S)); /* a minute later it is news */
}

TEST(the_oldest_go_first)
{
    char path[16];
    u64 seq = 0;

    memset(&audit, 0, sizeof(audit));
    for (unsigned i = 1; i <= AUDIT_ENTRIES + 10; i++) {
        snprintf(path, sizeof(path), "/%u", i);
        CHECK(add("a", path, 201, i));
    }
    CHECK(audit_read(&audit, &seq, &read));
    CHECK_EQ(read.seq, 11);
    CHECK_STR(read.path, "/11");
    for (unsigned i = 1; i < AUDIT_ENTRIES; i++)
        CHECK(audit_read(&audit, &seq, &read));
    CHECK(!audit_read(&audit, &seq, &read));
}
