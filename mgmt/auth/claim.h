/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The claim code: what the first administrator reads on the host's console and sends back once.
 *
 * 12 letters and digits of Crockford's base 32: 60 random bits, so that it cannot be guessed in the
 * life of the host whatever the rate. Hyphens, blanks and case make no difference, and letters
 * that look like digits are taken for them.
 */
#ifndef SOCLE_MGMT_CLAIM_H
#define SOCLE_MGMT_CLAIM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define CLAIM_CODE_MIN  12u /* of letters and digits */
#define CLAIM_CODE_MAX  64u
#define CLAIM_CODE_TEXT (CLAIM_CODE_MIN + 2u) /* as shown: XXXX-XXXX-XXXX */

struct claim {
    char code[CLAIM_CODE_MAX + 1];   /* as compared; "": there is none */
    char shown[CLAIM_CODE_TEXT + 1]; /* for the console; "" if the code was given */
};

/* Makes a new code. random fills with random bytes or fails. Return: 0; -EIO: there is none. */
int claim_make(struct claim *claim, int (*random)(void *dst, size_t bytes)) must_check;

/* Takes a code from the configuration. Return: 0; -EINVAL (too short, too long, or other
 * characters). */
int claim_set(struct claim *claim, const char *code) must_check;

/* True if text is the code. Takes a time that does not depend on where they differ. */
bool claim_matches(const struct claim *claim, const char *text);

/* The code is used up. */
void claim_end(struct claim *claim);

#endif
