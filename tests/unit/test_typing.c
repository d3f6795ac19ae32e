/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/console/typing.c */
/* Bytes into keys: escape sequences, Esc alone, and lines that are no person. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/kern/keys.h"
#include "mgmt/console/typing.h"

static struct typing t;
static u64 now;

static void begin(void)
{
    memset(&t, 0, sizeof(t));
    now = 100 * NS_PER_S;
}

static const char *keys_of(const char *bytes)
{
    static char text[64];
    size_t length = 0;
    char key;

    for (; *bytes != '\0'; bytes++) {
        now += NS_PER_MS;
        if (typing_byte(&t, (u8)*bytes, now, &key))
            text[length++] = key;
    }
    text[length] = '\0';
    return text;
}

TEST(plain_keys)
{
    begin();
    CHECK_STR(keys_of("aZ9./ "), "az9./ ");
    CHECK_STR(keys_of("a\rb\nc\r\nd\n\n"), "a\nb\nc\nd\n\n");
    CHECK_STR(keys_of("\b\x7f"), "\b\b");
    CHECK_STR(keys_of("\x80\x03"), "\x1b\x1b");
    CHECK_STR(keys_of("\x01\xff"), ""); /* TYPING_OTHER ends the text here */
}

TEST(sequences_are_no_keys)
{
    begin();
    CHECK_STR(keys_of("\x1b[A\x1b[1;5Cx"), "x");
    CHECK_STR(keys_of("\x1bOPy\x1b[200~z\x1b[201~"), "yz");
    CHECK_STR(keys_of("\x1bqr"), "r"); /* Alt+q */
    CHECK(!typing_pause(&t, now + NS_PER_S));
}

TEST(esc_alone_is_a_key)
{
    begin();
    CHECK_STR(keys_of("\x1b"), "");
    CHECK(!typing_pause(&t, now + TYPING_ESC_NS - 1));
    CHECK(typing_pause(&t, now + TYPING_ESC_NS));
    CHECK(!typing_pause(&t, now + TYPING_ESC_NS));
    CHECK_STR(keys_of("n"), "n");
}

TEST(a_sequence_without_end_is_forgotten)
{
    begin();
    CHECK_STR(keys_of("\x1b[1"), "");
    now += TYPING_ESC_NS;
    CHECK_STR(keys_of("n"), "n");
}

TEST(who_makes_no_sense_is_not_listened_to)
{
    begin();
    for (u32 i = 0; i < TYPING_SENSELESS_MAX - 1; i++)
        CHECK(typing_made_sense(&t, false));
    CHECK(typing_made_sense(&t, true)); /* a person who tried */
    for (u32 i = 0; i < TYPING_SENSELESS_MAX - 1; i++)
        CHECK(typing_made_sense(&t, false));
    CHECK_STR(keys_of("n"), "n");
    CHECK(!typing_made_sense(&t, false));
    for (u32 i = 0; i < 100; i++) { /* and goes on: never */
        now += TYPING_SILENCE_NS - 2 * NS_PER_MS;
        CHECK_STR(keys_of("n"), "");
    }
    now += TYPING_SILENCE_NS;
    CHECK_STR(keys_of("n"), "n");
}
