/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/console/scancode.c */
/* Keys of a PS/2 keyboard: what is typed, and what is not. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/kern/keys.h"
#include "drivers/console/scancode.h"

static struct scancode_state s;

/* The keys that these codes give, as a text. */
static const char *typed(const char *codes, size_t count)
{
    static char text[64];
    size_t length = 0;

    memset(&s, 0, sizeof(s));
    for (size_t i = 0; i < count; i++) {
        int key = scancode_key(&s, (u8)codes[i]);

        if (key != KEYS_NOTHING)
            text[length++] = (char)key;
    }
    text[length] = '\0';
    return text;
}

#define TYPED(codes) typed(codes, sizeof(codes) - 1)

TEST(letters_digits_and_signs)
{
    CHECK_STR(TYPED("\x02\x82\x03\x0a\x0b"), "1290");
    CHECK_STR(TYPED("\x1f\x9f\x16\x96\x13\x93\x12\x92\x1c\x9c"), "sure\r");
    CHECK_STR(TYPED("\x10\x19\x1e\x26\x2c\x32"), "qpalzm");
    CHECK_STR(TYPED("\x34\x35\x39\x0e"), "./ \b");
    CHECK_EQ(scancode_key(&s, 0x01), KEY_BACK);
    CHECK_EQ(scancode_key(&s, 0x81), KEYS_NOTHING);
}

TEST(the_keypad)
{
    CHECK_STR(TYPED("\x47\x48\x49\x4b\x4c\x4d\x4f\x50\x51\x52\x53"), "7894561230.");
    CHECK_STR(TYPED("\xe0\x35\xe0\xb5\xe0\x1c\xe0\x9c"), "/\r");
}

TEST(shift_and_other_keyboards)
{
    CHECK_STR(TYPED("\x2a\x27\xaa\x27"), ":;");
    CHECK_STR(TYPED("\x36\x08\xb6\x08"), "/7"); /* German */
    CHECK_STR(TYPED("\x2a\x33\x34\xaa"), "./"); /* French */
    CHECK_STR(TYPED("\x2a\x1e\xaa"), "a");
}

TEST(keys_nobody_needs)
{
    CHECK_STR(TYPED("\xe0\x48\xe0\xc8\xe0\x53"), "");              /* cursor, delete */
    CHECK_STR(TYPED("\xe0\x2a\xe0\x48\xe0\xc8\xe0\xaa\x08"), "7"); /* no shift */
    CHECK_STR(TYPED("\x3b\x44\x57\x58\x38\x1d\x3a\x45\x46"), "");  /* F1, Alt, … */
    CHECK_STR(TYPED("\xe1\x1d\x45\xe1\x9d\xc5\x1e"), "a");         /* Pause */
    CHECK_STR(TYPED("\xfa\xfe\xaa\x54\x55\x7f\xff"), "");          /* answers, unknown */
}

TEST(any_bytes_are_survived)
{
    u32 seed = 1;

    memset(&s, 0, sizeof(s));
    for (u32 i = 0; i < 100000; i++) {
        int key;

        seed = seed * 1103515245u + 12345u;
        key = scancode_key(&s, (u8)(seed >> 16));
        CHECK(key == KEYS_NOTHING || (key > 0 && key <= KEY_BACK));
    }
}
