/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of ports by index, for many who add and one who takes: a bit for each, and a bit for each
 * word that may have some, so that taking costs by what is in it and not by how many ports there
 * could be.
 */
#ifndef SOCLE_NET_PORT_SET_H
#define SOCLE_NET_PORT_SET_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define PORT_SET_MAX 1024u

struct port_set {
    u64 summary;                  /* (a) words that may not be empty */
    u64 words[PORT_SET_MAX / 64]; /* (a) */
};

/* Context: any. Return: false if it was in the set already: whoever put it there tells the taker.
 */
static inline bool port_set_add(struct port_set *set, u32 index)
{
    u64 bit = BIT(index % 64);

    if (__atomic_fetch_or(&set->words[index / 64], bit, __ATOMIC_SEQ_CST) & bit)
        return false;
    __atomic_fetch_or(&set->summary, BIT(index / 64), __ATOMIC_SEQ_CST);
    return true;
}

static inline void port_set_remove(struct port_set *set, u32 index)
{
    __atomic_fetch_and(&set->words[index / 64], ~BIT(index % 64), __ATOMIC_SEQ_CST);
}

/* The words to take, a bit each, with port_set_take. Context: the taker. */
static inline u64 port_set_words(struct port_set *set)
{
    if (!__atomic_load_n(&set->summary, __ATOMIC_RELAXED))
        return 0;
    return __atomic_exchange_n(&set->summary, 0, __ATOMIC_SEQ_CST);
}

/* Empties a word. Return: its ports, a bit each. Context: the taker. */
static inline u64 port_set_take(struct port_set *set, u32 word)
{
    return __atomic_exchange_n(&set->words[word], 0, __ATOMIC_SEQ_CST);
}

/* May say no while a port is being added, whose adder has not told yet. */
static inline bool port_set_is_empty(const struct port_set *set)
{
    return __atomic_load_n(&set->summary, __ATOMIC_SEQ_CST) == 0;
}

#endif
