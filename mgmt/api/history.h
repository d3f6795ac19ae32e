/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last hour of a few figures, one sample a second.
 *
 * Samples are kept as short floating-point numbers (11 bits of mantissa: one part in a thousand),
 * and in chunks of four minutes that come from the caller when something is put into them: a VM
 * that does not run costs nothing. Where there is no chunk, all is zero. Plain data without a lock;
 * seconds are those since boot.
 */
#ifndef SOCLE_MGMT_HISTORY_H
#define SOCLE_MGMT_HISTORY_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define HISTORY_SECONDS       3600u /* that can be asked for */
#define HISTORY_COLUMNS       8u
#define HISTORY_CHUNK_SECONDS 256u
#define HISTORY_CHUNKS        16u

struct history_chunk {
    u16 samples[HISTORY_CHUNK_SECONDS][HISTORY_COLUMNS];
};

struct history {
    u64 end; /* the second behind the newest sample; 0: there is none */
    u64 first;
    struct history_chunk *chunks[HISTORY_CHUNKS];
};

/* Where chunks come from: zeroed, or NULL if there is no memory; and where they go. */
struct history_memory {
    void *(*alloc)(size_t bytes);
    void (*free)(void *p);
};

/* The same figures for the seconds from `second` on, `count` of them; seconds never go back. What
 * was skipped is zero; what does not find memory, too. values NULL: zeroes. */
void history_add(struct history *history, const struct history_memory *memory, u64 second,
                 u64 count, const u64 values[HISTORY_COLUMNS]);

/* Gives all chunks back. */
void history_clear(struct history *history, const struct history_memory *memory);

/* The oldest second that is kept. */
u64 history_begin(const struct history *history);

/* The mean of a column from `second` on over `count` seconds, rounded down. */
u64 history_mean(const struct history *history, u32 column, u64 second, u64 count);

/* A value's short form and back: equal up to 2048, then less by one part in 1024 at most. Above
 * 2^42 it is cut. */
u16 history_pack(u64 value);
u64 history_unpack(u16 compact);

#endif
