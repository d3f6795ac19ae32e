/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces mm/layout.h in unit tests: "physical memory" is an arena of the test process.
 *
 * Host-physical address 0 is arena_base; tests/fakes/arena.c defines it. The virtual ranges are those of the
 * real layout, only ever used as numbers.
 */
#ifndef SOCLE_FAKES_MM_LAYOUT_H
#define SOCLE_FAKES_MM_LAYOUT_H

#include "core/lib/types.h"

extern u8 *arena_base;
extern u64 arena_bytes;

/* Allocates (again) that much fake RAM. */
void arena_init(u64 bytes);

static inline void *hpa_to_ptr(hpa_t address)
{
    return arena_base + address.v;
}

static inline hpa_t ptr_to_hpa(const void *p)
{
    return hpa((u64)((const u8 *)p - arena_base));
}

#endif
