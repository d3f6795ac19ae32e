/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loader's files share. UEFI types never leave boot/. */
#ifndef SOCLE_BOOT_LOADER_H
#define SOCLE_BOOT_LOADER_H

#include <efi.h>
#include <efilib.h>
#include <efipxebc.h>

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

/* Fills info->method and info->image_bytes. */
void efi_boot_method(struct boot_info *info);

/* Where the image lies on a volume; its files are looked for there, or in the volume's root. */
#define LOADER_FOLDER "\\EFI\\BOOT\\"

/* Where files beside the image come from: a volume, a TFTP server, or nowhere. */
struct loader_source {
    EFI_FILE_HANDLE root;   /* NULL: no volume */
    const char *folder;     /* of the volume, with the last '\\' */
    EFI_PXE_BASE_CODE *pxe; /* NULL: no server */
    EFI_IP_ADDRESS server;
};

/* Pages anywhere in memory, not yet reported to the hypervisor. */
struct loader_file {
    u64 base;
    u64 bytes;
};

/* Finds out where files come from: the place the image came from. */
void efi_files_open(const struct boot_info *info, struct loader_source *source);

/*
 * Reads a file of 1 to `max` bytes; path: as boot_file_path_is_valid has it. Return: EFI_SUCCESS;
 * EFI_NOT_FOUND; EFI_BAD_BUFFER_SIZE or EFI_BUFFER_TOO_SMALL (empty or too large);
 * EFI_OUT_OF_RESOURCES; what the device or the server said. On failure nothing is allocated.
 */
EFI_STATUS efi_file_read(const struct loader_source *source, const char *path, u64 max,
                         struct loader_file *out);

/* Loads socle.dtb, if there is one, and as modules the files it names. What fails is left out with
 * a sentence on the console. */
void efi_load_config(struct boot_info *info);

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
