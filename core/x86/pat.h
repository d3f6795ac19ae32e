/* SPDX-License-Identifier: BSD-2-Clause */
/* The page attribute table. Spec: SDM 3A "IA32_PAT MSR"; APM 2 "Page-Attribute Table Mechanism". */
#ifndef SOCLE_X86_PAT_H
#define SOCLE_X86_PAT_H

#include "core/lib/types.h"

/* UC 0, WC 1, WT 4, WP 5, WB 6, UC- 7. */
#define PAT_TYPES   0xf3u
#define PAT_ENTRIES 8u

/* Does every entry hold a memory type? */
static inline bool pat_is_valid(u64 pat)
{
    for (unsigned i = 0; i < PAT_ENTRIES; i++) {
        u8 type = (u8)(pat >> (8 * i));

        if (type >= 8 || ((PAT_TYPES >> type) & 1) == 0)
            return false;
    }
    return true;
}

#endif
