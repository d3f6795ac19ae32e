/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's page tables: kernel image by sections with W^X, direct map of RAM, device registers,
 * stacks. */
#ifndef SOCLE_MM_HPT_H
#define SOCLE_MM_HPT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct boot_info;

/*
 * Builds the final tables: kernel image by sections, direct map of RAM, empty windows. The caller
 * loads hpt_root() into CR3 afterwards. Context: boot, pCPU 0, pmm ready. Return: 0, -ENOMEM.
 */
int hpt_init(const struct boot_info *info) must_check;

/*
 * fn makes every pCPU forget all translations of the kernel half and returns when all have; mm must
 * not know how. Until it is set, only the boot pCPU runs and nothing is unmapped.
 */
void hpt_set_shootdown(void (*fn)(void));

/*
 * An address space for calls into the firmware: the kernel half, plus the firmware's runtime
 * regions at their physical addresses, the only place where memory is writable and executable.
 * Context: boot, after hpt_init. Return: 0 and *cr3, -ENOMEM, -ENODEV (the memory map has no
 * runtime regions).
 */
int hpt_build_firmware_root(const struct boot_info *info, hpa_t *cr3) must_check;

/*
 * What every pCPU loads into IA32_PAT before it uses hpt_root(): the reset value with entry 1,
 * chosen by PWT alone, changed from write-through to write-combining (HPT_WC). Spec: APM 2
 * "Page-Attribute Table Mechanism".
 */
#define HPT_PAT 0x0007040600070106ull

enum hpt_cache { HPT_WB, HPT_UC, HPT_WC };

/*
 * Maps device registers, uncached (or write-combining, for framebuffers), never executable. The
 * mapping stays until reboot; asking for the same range again returns the same address. Context:
 * task. Return: NULL if the window is full or there is no memory.
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
