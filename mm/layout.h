/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's virtual address space, by PML4 entries (512 GiB each).
 *
 *   PML4     range                                     what
 *   0-255    0x0000000000000000 - 0x00007fffffffffff   nothing (the firmware's own root: identity
 * map) 256-383  0xffff800000000000 - 0xffffbfffffffffff   direct map of RAM, writable, never
 * executable 384      0xffffc00000000000 - 0xffffc07fffffffff   device registers 385
 * 0xffffc08000000000 - 0xffffc0ffffffffff   kernel stacks with guard pages 511 0xffffffff80000000 -
 * top                  kernel image, W^X by section
 */
#ifndef SOCLE_MM_LAYOUT_H
#define SOCLE_MM_LAYOUT_H

#include "core/lib/types.h"

#define DIRECT_MAP_BASE     0xffff800000000000ull
#define DIRECT_MAP_BYTES    (64ull << 40)
#define DEVICE_WINDOW_BASE  0xffffc00000000000ull
#define DEVICE_WINDOW_BYTES (512ull << 30)
#define KSTACK_WINDOW_BASE  0xffffc08000000000ull
#define KSTACK_WINDOW_BYTES (512ull << 30)
#define KERNEL_BASE         0xffffffff80000000ull

/* Bounds of the kernel image's sections, from linker.ld; each is page aligned. */
extern u8 kernel_text_start[], kernel_text_end[];
extern u8 kernel_rodata_start[], kernel_rodata_end[];
extern u8 kernel_data_start[], kernel_data_end[]; /* .data and .bss */

/* What the image takes in memory, which the page allocator never had. */
static inline u64 kernel_image_bytes(void)
{
    return (u64)(kernel_data_end - kernel_text_start);
}

static inline void *hpa_to_ptr(hpa_t address)
{
    return (void *)(DIRECT_MAP_BASE + address.v);
}

/* Only for pointers into the direct map. */
static inline hpa_t ptr_to_hpa(const void *p)
{
    return hpa((u64)p - DIRECT_MAP_BASE);
}

#endif
