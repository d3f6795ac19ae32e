/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/uploads.c core/lib/str.c */
/* Uploads that were cut off stay as long as promised, and never more than there is room for. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "mgmt/api/uploads.h"

static struct upload_table table;
static u8 images[UPLOADS_MAX + 2]; /* stand for images: only their addresses count */

static struct image *image(u32 i)
{
    return (struct image *)(void *)&images[i];
}

static struct upload *add(u32 i, struct image **dropped)
{
    char name[16];

    snprintf(name, sizeof name, "i%u", i);
    return upload_add(&table, image(i), name, dropped);
}

TEST(one_that_rests_is_found_until_its_time_is_over)
{
    struct image *dropped;
    struct upload *upload;
    u64 begin = 77 * NS_PER_S;

    memset(&table, 0, sizeof table);
    upload = add(0, &dropped);
    CHECK(upload && !dropped && upload->is_busy);
    CHECK(upload_find(&table, "i0") == upload);
    CHECK(upload_find(&table, "i1") == NULL);
    CHECK(upload_overdue(&table, begin + 10 * UPLOAD_KEEP_NS) == NULL); /* it is being sent */
    upload_rest(upload, begin);
    CHECK(upload_overdue(&table, begin + UPLOAD_KEEP_NS - 1) == NULL);
    CHECK(upload_overdue(&table, begin + UPLOAD_KEEP_NS) == upload);
    CHECK(upload_remove(upload) == image(0));
    CHECK(upload_find(&table, "i0") == NULL);
    CHECK(upload_overdue(&table, begin + UPLOAD_KEEP_NS) == NULL);
}

TEST(the_longest_idle_one_makes_room_and_busy_ones_never)
{
    struct image *dropped;

    memset(&table, 0, sizeof table);
    for (u32 i = 0; i < UPLOADS_MAX; i++)
        CHECK(add(i, &dropped) && !dropped);
    CHECK(add(UPLOADS_MAX, &dropped) == NULL);
    CHECK(dropped == NULL);
    upload_rest(upload_find(&table, "i5"), 200);
    upload_rest(upload_find(&table, "i9"), 100);
    CHECK(add(UPLOADS_MAX, &dropped) != NULL);
    CHECK(dropped == image(9));
    CHECK(upload_find(&table, "i9") == NULL);
    CHECK(upload_find(&table, "i5") != NULL);
    CHECK(add(UPLOADS_MAX + 1, &dropped) != NULL);
    CHECK(dropped == image(5));
    CHECK(add(0, &dropped) == NULL);
}
