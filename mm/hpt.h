/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's page tables: kernel image by sections with W^X, direct map of RAM, device registers, stacks. */
#ifndef SOCLE_MM_HPT_H
#define SOCLE_MM_HPT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

enum hpt_cache { HPT_WB, HPT_UC, HPT_WC };

/*
 * Maps device registers, uncached (or write-combining, for framebuffers), never executable. The mapping
 * stays until reboot; asking for the same range again returns the same address. Context: task.
 * Return: NULL if the window is full or there is no memory.
 */
volatile void *hpt_map_device(hpa_t base, u64 bytes, enum hpt_cache cache) must_check;

#define KSTACK_BYTES (16 * KiB)

/*
 * Allocates a kernel stack of KSTACK_BYTES with an unmapped guard page below it. Context: task.
 * Return: lowest usable address, or NULL.
 */
void *kstack_alloc(void) must_check;

/* Frees it and makes every pCPU forget the translation. Context: task, interrupts on. */
void kstack_free(void *stack);

/* True if the address lies in the guard page of a kernel stack (for the panic text). */
bool kstack_is_guard(u64 va);

/* The physical address of the root table (CR3), for pCPUs that start. */
hpa_t hpt_root(void);

#endif
