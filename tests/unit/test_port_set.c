/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: */
/* Sets of ports: what is added is taken once, whatever is added meanwhile. */
#include "tests/unit/harness.h"

#include "drivers/net/port_set.h"

static struct port_set set;

/* Takes all there is. Return: how many; *sum: of their indices. */
static u32 take_all(u32 *sum)
{
    u32 count = 0;

    *sum = 0;
    for (u64 words = port_set_words(&set); words; words &= words - 1) {
        u32 word = (u32)__builtin_ctzll(words);

        for (u64 bits = port_set_take(&set, word); bits; bits &= bits - 1, count++)
            *sum += word * 64 + (u32)__builtin_ctzll(bits);
    }
    return count;
}

TEST(every_port_has_a_place)
{
    u32 sum;

    CHECK(port_set_is_empty(&set));
    for (u32 i = 0; i < PORT_SET_MAX; i++) {
        CHECK(port_set_add(&set, i));
        CHECK(!port_set_add(&set, i));
        CHECK(!port_set_is_empty(&set));
        CHECK_EQ(take_all(&sum), 1);
        CHECK_EQ(sum, i);
        CHECK(port_set_is_empty(&set));
    }
    for (u32 i = 0; i < PORT_SET_MAX; i++)
        CHECK(port_set_add(&set, i));
    CHECK_EQ(take_all(&sum), PORT_SET_MAX);
    CHECK_EQ(sum, PORT_SET_MAX * (PORT_SET_MAX - 1) / 2);
    CHECK_EQ(take_all(&sum), 0);
}

TEST(removed_ports_are_not_taken)
{
    u32 sum;

    CHECK(port_set_add(&set, 3));
    CHECK(port_set_add(&set, 700));
    port_set_remove(&set, 3);
    port_set_remove(&set, 4);
    CHECK_EQ(take_all(&sum), 1);
    CHECK_EQ(sum, 700);
    CHECK(port_set_add(&set, 3)); /* and comes back like any other */
    CHECK_EQ(take_all(&sum), 1);
}

/* What is added to a word that has been announced, but not taken yet, is taken with it, and
 * announced once more for nothing. */
TEST(adding_while_it_is_emptied)
{
    u32 sum;

    CHECK(port_set_add(&set, 10));
    CHECK_EQ(port_set_words(&set), 1);
    CHECK(port_set_add(&set, 11));
    CHECK_EQ(port_set_take(&set, 0), BIT(10) | BIT(11));
    CHECK(!port_set_is_empty(&set));
    CHECK_EQ(take_all(&sum), 0);
    CHECK(port_set_is_empty(&set));
}
