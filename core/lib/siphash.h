/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4: a keyed hash for tables whose keys come from outside, and for numbers nobody
 * guesses. */
#ifndef SOCLE_LIB_SIPHASH_H
#define SOCLE_LIB_SIPHASH_H

#include "core/lib/types.h"

struct siphash_key {
    u64 word[2];
};

u64 siphash(const struct siphash_key *key, const void *data, size_t bytes);

/* The hash of two words, as of their 16 bytes in memory. */
u64 siphash_words(const struct siphash_key *key, u64 first, u64 second);

#endif
