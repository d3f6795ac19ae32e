/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tests/fakes/assert.c */
/* Tags are never shared, never zero, and a full round costs one flush. */
#include "tests/unit/harness.h"

#include "core/x86/tlb_tag.h"

TEST(first_use_flushes)
{
    struct tlb_tags tags;
    struct tlb_tag a = {0}, b = {0};

    tlb_tags_init(&tags, 8);
    CHECK(tlb_tag_assign(&a, &tags, 0)); /* whatever firmware left */
    CHECK_EQ(a.value, 1);
    CHECK(!tlb_tag_assign(&b, &tags, 0));
    CHECK_EQ(b.value, 2);
    CHECK(!tlb_tag_assign(&a, &tags, 0));
    CHECK_EQ(a.value, 1);
}

TEST(dropping_gives_a_new_one)
{
    struct tlb_tags tags;
    struct tlb_tag a = {0};
    u32 flushes = 0;

    tlb_tags_init(&tags, 4);
    for (unsigned i = 0; i < 9; i++) {
        flushes += tlb_tag_assign(&a, &tags, 0);
        CHECK_EQ(a.value, i % 3 + 1);
        tlb_tag_drop(&a);
    }
    CHECK_EQ(flushes, 3);
}

TEST(a_new_generation_ends_all_old_ones)
{
    struct tlb_tags tags;
    struct tlb_tag a = {0}, b = {0}, c = {0};

    tlb_tags_init(&tags, 3);
    (void)tlb_tag_assign(&a, &tags, 0);
    (void)tlb_tag_assign(&b, &tags, 0);
    CHECK(tlb_tag_assign(&c, &tags, 0));
    CHECK_EQ(c.value, 1);
    CHECK(!tlb_tag_assign(&a, &tags, 0)); /* its 1 is c's now */
    CHECK_EQ(a.value, 2);
}

TEST(tags_belong_to_a_pcpu)
{
    struct tlb_tags tags[2];
    struct tlb_tag a = {0};

    tlb_tags_init(&tags[0], 8);
    tlb_tags_init(&tags[1], 8);
    (void)tlb_tag_assign(&a, &tags[0], 0);
    CHECK(tlb_tag_assign(&a, &tags[1], 1));
    CHECK_EQ(a.pcpu, 1);
}
