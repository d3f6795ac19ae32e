/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a terminal or keyboard into keys, pure.
 *
 * A terminal sends Esc, and also sequences that begin with it (ECMA-48 "Control sequences"; cursor
 * keys): these are swallowed, and Esc is a key when nothing follows it. What is no person, a noisy
 * line or a modem, is known by keys that mean nothing: after TYPING_SENSELESS_MAX of them in a row
 * the line is not listened to until it has been silent for TYPING_SILENCE_NS.
 */
#ifndef SOCLE_MGMT_TYPING_H
#define SOCLE_MGMT_TYPING_H

#include "core/kern/timer.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define TYPING_ENTER     '\n'
#define TYPING_BACKSPACE '\b'
#define TYPING_ESC       0x1b
#define TYPING_OTHER     '\0' /* a key without any meaning */

#define TYPING_ESC_NS        (50 * NS_PER_MS) /* a sequence follows at once or not at all */
#define TYPING_SILENCE_NS    (5 * NS_PER_S)
#define TYPING_SENSELESS_MAX 16u

struct typing {
    enum { TYPING_PLAIN, TYPING_AFTER_ESC, TYPING_SEQUENCE, TYPING_SINGLE } state;
    u64 heard_ns; /* the last byte */
    bool was_return;
    bool is_deaf;
    u32 senseless; /* keys in a row */
};

/* A byte of core/kern/keys.h. Return: true and *key: printable ASCII in lower case, or TYPING_...
 */
bool typing_byte(struct typing *t, u8 byte, u64 now_ns, char *key) must_check;

/* No byte has come. Return: true if the last one was the key Esc. */
bool typing_pause(struct typing *t, u64 now_ns) must_check;

/* What the last key was for. Return: false if nobody is listened to from now on. */
bool typing_made_sense(struct typing *t, bool is_sense) must_check;

#endif
