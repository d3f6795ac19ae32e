/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many wrong guesses an address may make: a bucket for each of the last LIMITER_SOURCES that
 * guessed wrong, in fixed memory.
 *
 * Of tokens and codes only failures cost anything, and only their own source: a right one always
 * passes, so nobody can lock the owner out, not even from the same address. What keeps guesses from
 * being right is the size of the secrets; this bounds the work and the log lines they cause. A
 * password can be guessed: mgmt/auth/login.h asks before it is looked at. When more
 * sources fail than there are buckets, the one with the fewest recent failures is forgotten.
 */
#ifndef SOCLE_MGMT_LIMITER_H
#define SOCLE_MGMT_LIMITER_H

#include "core/lib/types.h"

#define LIMITER_SOURCES 256u
#define LIMITER_BURST   10u
#define LIMITER_EACH_S  6u /* one more guess in this time */

struct limiter_source {
    u64 key;    /* of the address */
    u64 due_ns; /* when its bucket is full again; 0: never used */
};

struct limiter {
    struct limiter_source sources[LIMITER_SOURCES];
};

/* Notes one failure. now_ns: uptime. Return: 0, or in how many seconds the source may guess again.
 */
u32 limiter_fail(struct limiter *limiter, u64 key, u64 now_ns);

/* Takes back one failure that was none. */
void limiter_forgive(struct limiter *limiter, u64 key);

#endif
