/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel heap: size classes up to 2 KiB in slabs of one page, larger blocks straight from the page
 * allocator. An empty slab goes back to the page allocator at once, so that freeing everything
 * restores every counter.
 */
#ifndef SOCLE_MM_KHEAP_H
#define SOCLE_MM_KHEAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* 16-byte aligned (page aligned from 4 KiB up). Context: any. Return: NULL if there is no memory.
 */
void *kmalloc(size_t bytes) must_check;

/* As kmalloc, zeroed. */
void *kzalloc(size_t bytes) must_check;

/* NULL is allowed. Context: any. */
void kfree(void *p);

struct kheap_stats {
    u64 live_blocks;
    u64 live_bytes; /* as requested, rounded to the size class */
    u64 page_bytes; /* taken from the page allocator for them */
};

void kheap_get_stats(struct kheap_stats *out);

#endif
