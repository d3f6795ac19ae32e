/* SPDX-License-Identifier: BSD-2-Clause */
/* The last hour in a ring of chunks. */
#include "mgmt/api/history.h"

#include "core/lib/string.h"

#define MANTISSA_BITS 11u
#define MANTISSA_MASK ((1u << MANTISSA_BITS) - 1)
#define EXPONENT_MAX  31u

u16 history_pack(u64 value)
{
    u32 exponent = 0;

    while (value > MANTISSA_MASK && exponent < EXPONENT_MAX) {
        value >>= 1;
        exponent++;
    }
    return (u16)(exponent << MANTISSA_BITS | (u32)MIN(value, (u64)MANTISSA_MASK));
}

u64 history_unpack(u16 compact)
{
    return (u64)(compact & MANTISSA_MASK) << (compact >> MANTISSA_BITS);
}

static u32 chunk_of(u64 second)
{
    return (u32)(second / HISTORY_CHUNK_SECONDS % HISTORY_CHUNKS);
}

static void drop(struct history *history, const struct history_memory *memory, u32 chunk)
{
    memory->free(history->chunks[chunk]);
    history->chunks[chunk] = NULL;
}

void history_clear(struct history *history, const struct history_memory *memory)
{
    for (u32 i = 0; i < HISTORY_CHUNKS; i++)
        drop(history, memory, i);
    history->first = history->end = 0;
}

/* A second begins: what lies in its chunk is of more than an hour ago if the chunk begins, too. */
static void go_to(struct history *history, const struct history_memory *memory, u64 second)
{
    u64 skipped = second - history->end;

    if (history->end == 0 || skipped >= HISTORY_CHUNKS * HISTORY_CHUNK_SECONDS) {
        history_clear(history, memory);
        history->first = second;
    } else {
        for (u64 s = history->end; s <= second; s++) {
            if (s % HISTORY_CHUNK_SECONDS == 0)
                drop(history, memory, chunk_of(s));
        }
    }
    history->end = second + 1;
}

static void add_one(struct history *history, const struct history_memory *memory, u64 second,
                    const u16 compact[HISTORY_COLUMNS])
{
    struct history_chunk **chunk = &history->chunks[chunk_of(second)];

    go_to(history, memory, second);
    if (!compact)
        return;
    if (!*chunk)
        *chunk = memory->alloc(sizeof(**chunk));
    if (*chunk)
        memcpy((*chunk)->samples[second % HISTORY_CHUNK_SECONDS], compact,
               HISTORY_COLUMNS * sizeof(compact[0]));
}

void history_add(struct history *history, const struct history_memory *memory, u64 second,
                 u64 count, const u64 values[HISTORY_COLUMNS])
{
    u16 compact[HISTORY_COLUMNS] = {0};

    for (u32 i = 0; values && i < HISTORY_COLUMNS; i++)
        compact[i] = history_pack(values[i]);
    for (u64 i = 0; i < count; i++)
        add_one(history, memory, second + i, values ? compact : NULL);
}

u64 history_begin(const struct history *history)
{
    if (history->end - history->first <= HISTORY_SECONDS)
        return history->first;
    return history->end - HISTORY_SECONDS;
}

static u64 value_at(const struct history *history, u32 column, u64 second)
{
    const struct history_chunk *chunk = history->chunks[chunk_of(second)];

    if (!chunk || second < history_begin(history) || second >= history->end)
        return 0;
    return history_unpack(chunk->samples[second % HISTORY_CHUNK_SECONDS][column]);
}

u64 history_mean(const struct history *history, u32 column, u64 second, u64 count)
{
    u64 sum = 0;

    for (u64 i = 0; i < count; i++)
        sum += value_at(history, column, second + i);
    return count ? sum / count : 0;
}
