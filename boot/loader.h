/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loader's files share. UEFI types never leave boot/. */
#ifndef SOCLE_BOOT_LOADER_H
#define SOCLE_BOOT_LOADER_H

#include <efi.h>
#include <efilib.h>

#include "boot/boot_info.h"
#include "boot/elf_load.h"

extern EFI_HANDLE loader_image;

/* Prints one sentence for the user and ends the loader; the firmware goes on with its next boot
 * option. */
__attribute__((noreturn)) void loader_fail(const char *sentence, EFI_STATUS status);

/*
 * Whole zeroed pages, reported to the hypervisor as BOOT_REGION_LOADER; `limit`: highest address
 * allowed. Ends the loader if there is no memory.
 */
void *loader_alloc(struct boot_info *info, u64 bytes, u64 limit);

/* Adds a region to the hand-over structure; merges with the one before it where they touch. */
void region_add(struct boot_info *info, u64 base, u64 bytes, u32 kind);

/* Where the image came from, and socle.dtb beside it if there is one. */
void efi_boot_method(struct boot_info *info);
void efi_load_dtb(struct boot_info *info);

/* Translates the UEFI memory map. */
void efi_memmap_add(struct boot_info *info, const void *map, u64 bytes, u64 descriptor_bytes);

/* Builds the hand-over page tables: identity, direct map, kernel by segments. Sets
 * info->handover_cr3. */
void efi_paging_build(struct boot_info *info, const struct elf_plan *plan, u64 top_of_ram);

/* Gets the final memory map into info and leaves boot services. On failure ends the loader. */
void efi_exit(struct boot_info *info);

/* Highest address of the present memory map. */
u64 efi_top_of_memory(void);

__attribute__((noreturn)) void handoff(u64 cr3, u64 entry, u64 info);

static inline u64 loader_tsc(void)
{
    u32 lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return ((u64)hi << 32) | lo;
}

#endif
