/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PBKDF2 with HMAC-SHA-256, one block of 32 bytes, a slice at a time. Spec: RFC 8018 5.2 "PBKDF2".
 *
 * Slow on purpose, so whoever calls it decides how much of it is done in one go. It is on our own
 * SHA-256, not on Mbed TLS's: that one works out a whole key in one call, and hashes the padded
 * password again in each round where a copy of the state will do.
 */
#ifndef SOCLE_MGMT_PBKDF2_H
#define SOCLE_MGMT_PBKDF2_H

#include "core/lib/compiler.h"
#include "core/lib/sha256.h"
#include "core/lib/types.h"

/* Under way; as secret as the password. */
struct pbkdf2 {
    struct sha256 inner; /* with the padded password in it */
    struct sha256 outer;
    u8 last[SHA256_BYTES]; /* U_i */
    u8 sum[SHA256_BYTES];  /* U_1 ^ … ^ U_i */
    u32 left;              /* rounds */
};

/* iterations: at least 1, of which the first is done here. */
void pbkdf2_begin(struct pbkdf2 *work, const void *password, size_t password_bytes,
                  const void *salt, size_t salt_bytes, u32 iterations);

/* Goes on by that many rounds. Return: true when none is left. */
bool pbkdf2_step(struct pbkdf2 *work, u32 rounds) must_check;

/* The key, when no round is left; the work is wiped. */
void pbkdf2_end(struct pbkdf2 *work, u8 key[SHA256_BYTES]);

#endif
