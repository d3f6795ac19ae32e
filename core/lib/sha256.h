/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256, piece by piece. Spec: FIPS 180-4 "SHA-256". */
#ifndef SOCLE_LIB_SHA256_H
#define SOCLE_LIB_SHA256_H

#include "core/lib/types.h"

#define SHA256_BYTES 32

struct sha256 {
    u32 state[8];
    u64 total_bytes;
    u8 block[64];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t bytes);

/* Ends the computation; the structure must be initialised again before another. */
void sha256_final(struct sha256 *s, u8 digest[SHA256_BYTES]);

/* All three, of what is in one piece and no secret. */
void sha256_of(const void *data, size_t bytes, u8 digest[SHA256_BYTES]);

#endif
