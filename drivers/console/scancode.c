/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of keys. */
#include "drivers/console/scancode.h"

#include "core/kern/keys.h"
#include "core/lib/string.h"

#define CODE_EXTENDED 0xe0
#define CODE_PAUSE    0xe1 /* five more bytes follow, all at once */
#define PAUSE_BYTES   5
#define CODE_RELEASED 0x80
#define CODE_SHIFT_L  0x2a
#define CODE_SHIFT_R  0x36
#define CODE_SLASH    0x35 /* E0 35: that of the keypad */
#define CODE_ENTER    0x1c /* E0 1C: that of the keypad */
#define CODE_KEYPAD   0x47
#define CODE_LAST     0x53

/* From code 0 on; '\0': a key nobody needs. What follows CODE_KEYPAD are digits without E0h, else
 * cursor keys. */
static const char plain[CODE_LAST + 1] = "\0\0"
                                         "1234567890-=\b\0"
                                         "qwertyuiop[]\r\0"
                                         "asdfghjkl;\0\0\0\0"
                                         "zxcvbnm,./\0*\0 \0"
                                         "\0\0\0\0\0\0\0\0\0\0\0\0"
                                         "789-456+1230.";

static char shifted(u8 code)
{
    switch (code) {
    case 0x08: /* 7, German: / */
    case 0x34: /* ., French: / */
        return '/';
    case 0x33: /* comma, French: . */
        return '.';
    case 0x27:
        return ':';
    default:
        return plain[code];
    }
}

static int press(const struct scancode_state *s, u8 code, bool is_extended)
{
    char key;

    if (code == 0x01)
        return KEY_BACK;
    if (code > CODE_LAST || (is_extended && code != CODE_ENTER && code != CODE_SLASH))
        return KEYS_NOTHING;
    key = s->has_shift && !is_extended ? shifted(code) : plain[code];
    return key != '\0' ? key : KEYS_NOTHING;
}

int scancode_key(struct scancode_state *s, u8 code)
{
    bool is_extended = s->is_extended, is_released = (code & CODE_RELEASED) != 0;

    if (s->skip > 0) {
        s->skip--;
        return KEYS_NOTHING;
    }
    s->is_extended = code == CODE_EXTENDED;
    s->skip = code == CODE_PAUSE ? PAUSE_BYTES : 0;
    if (s->is_extended || s->skip > 0)
        return KEYS_NOTHING;
    code &= (u8)~CODE_RELEASED;
    if (code == CODE_SHIFT_L || code == CODE_SHIFT_R) {
        if (!is_extended) /* E0 2A is no shift: it comes with cursor keys */
            s->has_shift = !is_released;
        return KEYS_NOTHING;
    }
    return is_released ? KEYS_NOTHING : press(s, code, is_extended);
}
