/* SPDX-License-Identifier: BSD-2-Clause */
/* Escape sequences, and who is not listened to. */
#include "mgmt/console/typing.h"

#include "core/kern/keys.h"

#define CTRL_C 0x03 /* goes back, too: there is no doubt about it */
#define DELETE 0x7f /* what most terminals send for Backspace */

static char plain_key(u8 byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte - 'A' + 'a');
    if (byte == '\r' || byte == '\n')
        return TYPING_ENTER;
    if (byte == '\b' || byte == DELETE)
        return TYPING_BACKSPACE;
    if (byte == KEY_BACK || byte == CTRL_C)
        return TYPING_ESC;
    return byte >= ' ' && byte < DELETE ? (char)byte : TYPING_OTHER;
}

static bool is_final(u8 byte)
{
    return byte >= '@' && byte <= '~';
}

/* Return: true if the byte belongs to an escape sequence. */
static bool swallow(struct typing *t, u8 byte)
{
    switch (t->state) {
    case TYPING_PLAIN:
        if (byte == TYPING_ESC)
            t->state = TYPING_AFTER_ESC;
        return byte == TYPING_ESC;
    case TYPING_AFTER_ESC:
        t->state = byte == '[' ? TYPING_SEQUENCE : byte == 'O' ? TYPING_SINGLE : TYPING_PLAIN;
        return true;
    case TYPING_SEQUENCE:
        if (is_final(byte))
            t->state = TYPING_PLAIN;
        return true;
    case TYPING_SINGLE:
        t->state = TYPING_PLAIN;
        return true;
    }
    return false;
}

/* Return: true if the byte is to be looked at. */
static bool listens(struct typing *t, u64 now_ns)
{
    u64 silence_ns = now_ns - t->heard_ns;

    t->heard_ns = now_ns;
    if (t->is_deaf && silence_ns < TYPING_SILENCE_NS)
        return false;
    t->is_deaf = false;
    if (silence_ns >= TYPING_ESC_NS)
        t->state = TYPING_PLAIN; /* a sequence that was never ended */
    return true;
}

bool typing_byte(struct typing *t, u8 byte, u64 now_ns, char *key)
{
    bool is_second = byte == '\n' && t->was_return; /* of CR LF, which is one Enter */

    if (!listens(t, now_ns))
        return false;
    t->was_return = byte == '\r';
    if (is_second || swallow(t, byte))
        return false;
    *key = plain_key(byte);
    return true;
}

bool typing_pause(struct typing *t, u64 now_ns)
{
    if (t->state != TYPING_AFTER_ESC || now_ns - t->heard_ns < TYPING_ESC_NS)
        return false;
    t->state = TYPING_PLAIN;
    return true;
}

bool typing_made_sense(struct typing *t, bool is_sense)
{
    t->senseless = is_sense ? 0 : t->senseless + 1;
    if (t->senseless < TYPING_SENSELESS_MAX)
        return true;
    t->senseless = 0;
    t->is_deaf = true;
    t->state = TYPING_PLAIN;
    return false;
}
