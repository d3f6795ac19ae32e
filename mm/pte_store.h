/* SPDX-License-Identifier: BSD-2-Clause */
/* The only store into a translation table; unit tests shadow this header to see every intermediate
 * state. */
#ifndef SOCLE_MM_PTE_STORE_H
#define SOCLE_MM_PTE_STORE_H

#include "core/lib/types.h"

/* One 64-bit store, after everything written before: another pCPU may be walking the tables. */
static inline void pte_store(u64 *slot, u64 value)
{
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

#endif
