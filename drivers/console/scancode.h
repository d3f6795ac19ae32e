/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scan codes of set 1 into keys, pure: letters, digits and what else the console's pages need, as
 * on a US keyboard. Spec: IBM PS/2 Technical Reference "Keyboard", scan code set 1.
 *
 * Three more shifted keys give '.' and '/', where German and French keyboards have them.
 */
#ifndef SOCLE_CONSOLE_SCANCODE_H
#define SOCLE_CONSOLE_SCANCODE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct scancode_state {
    bool has_shift;
    bool is_extended; /* E0h was before */
    u8 skip;          /* bytes of the Pause key to come */
};

/* Return: ASCII in lower case or KEY_BACK; KEYS_NOTHING (core/kern/keys.h). */
int scancode_key(struct scancode_state *s, u8 code) must_check;

#endif
