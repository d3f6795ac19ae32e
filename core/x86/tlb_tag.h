/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands out the tags (ASIDs, VPIDs) that keep the TLB entries of guests apart. Pure.
 *
 * Each pCPU hands out 1, 2, … to the vCPUs that run on it; when none is left it starts a new
 * generation, the caller flushes the whole TLB once, and every vCPU asks again. A vCPU whose
 * translations must be forgotten simply drops its tag: the next one has no entries in the TLB. Tag
 * 0 is the host's and never given out.
 */
#ifndef SOCLE_X86_TLB_TAG_H
#define SOCLE_X86_TLB_TAG_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Of a pCPU. */
struct tlb_tags {
    u64 generation;
    u32 next;
    u32 count; /* including 0 */
};

/* Of a vCPU. */
struct tlb_tag {
    u64 generation; /* 0: needs a new tag */
    u32 pcpu;       /* where it is valid */
    u32 value;
};

/* The first request flushes what firmware left. */
static inline void tlb_tags_init(struct tlb_tags *tags, u32 count)
{
    *tags = (struct tlb_tags){.generation = 1, .next = count, .count = count};
}

static inline void tlb_tag_drop(struct tlb_tag *tag)
{
    tag->generation = 0;
}

/* Makes the tag valid on the pCPU. Return: true if the pCPU's whole TLB must be flushed first. */
static inline bool tlb_tag_assign(struct tlb_tag *tag, struct tlb_tags *tags, u32 pcpu)
{
    bool is_new_generation = false;

    if (likely(tag->generation == tags->generation && tag->pcpu == pcpu))
        return false;
    if (tags->next >= tags->count) {
        tags->generation++;
        tags->next = 1;
        is_new_generation = true;
    }
    *tag = (struct tlb_tag){.generation = tags->generation, .pcpu = pcpu, .value = tags->next++};
    return is_new_generation;
}

#endif
