/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that may have been meant: those few typing mistakes away, for "similar" of no_such. */
#ifndef SOCLE_MGMT_SIMILAR_H
#define SOCLE_MGMT_SIMILAR_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define SIMILAR_NAME_MAX 63u
#define SIMILAR_COUNT    3u

struct similar {
    char names[SIMILAR_COUNT][SIMILAR_NAME_MAX + 1]; /* the nearest first; empty: no more */
    u32 distances[SIMILAR_COUNT];
};

/*
 * Insertions, deletions, changes and swaps of neighbours that make one name of the other. Return:
 * at most limit + 1, which stands for more.
 */
u32 similar_distance(const char *a, const char *b, u32 limit);

/* Keeps `name` if it is like `wanted`, and among the nearest. */
void similar_offer(struct similar *similar, const char *wanted, const char *name);

/* Writes them as "a, b". Returns dst; empty if there are none. */
const char *similar_text(const struct similar *similar, char *dst, size_t size);

#endif
