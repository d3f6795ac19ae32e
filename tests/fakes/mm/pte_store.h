/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces mm/pte_store.h in unit tests: the test sees the tables after each single store. */
#ifndef SOCLE_FAKES_MM_PTE_STORE_H
#define SOCLE_FAKES_MM_PTE_STORE_H

#include "core/lib/types.h"

/* NULL, or called after each store. The test defines it. */
extern void (*pte_store_hook)(void);

static inline void pte_store(u64 *slot, u64 value)
{
    *slot = value;
    if (pte_store_hook)
        pte_store_hook();
}

#endif
