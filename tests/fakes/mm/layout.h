/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces mm/layout.h in unit tests: "physical memory" is an arena of the test process.
 *
 * Host-physical address 0 is arena_base; tests/fakes/arena.c defines it. The virtual ranges are
 * those of the real layout, only ever used as numbers.
 */
#ifndef SOCLE_FAKES_MM_LAYOUT_H
#define SOCLE_FAKES_MM_LAYOUT_H

#include "core/lib/types.h"

#define DIRECT_MAP_BASE     0xffff800000000000ull
#define DEVICE_WINDOW_BASE  0xffffc00000000000ull
#define DEVICE_WINDOW_BYTES (512ull << 30)
#define KSTACK_WINDOW_BASE  0xffffc08000000000ull
#define KSTACK_WINDOW_BYTES (512ull << 30)
#define KERNEL_BASE         0xffffffff80000000ull

/* A kernel of three pages of code, one of constants and five of data. */
#define kernel_text_start   ((const u8 *)KERNEL_BASE)
#define kernel_text_end     (kernel_text_start + 0x3000)
#define kernel_rodata_start kernel_text_end
#define kernel_rodata_end   (kernel_text_start + 0x4000)
#define kernel_data_start   kernel_rodata_end
#define kernel_data_end     (kernel_text_start + 0x9000)

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
