/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loader hands to the hypervisor: the only header both include.
 *
 * All addresses are host-physical. The structure and all it points to lie in memory marked
 * BOOT_REGION_LOADER.
 */
#ifndef SOCLE_BOOT_BOOT_INFO_H
#define SOCLE_BOOT_BOOT_INFO_H

#include "core/lib/types.h"

#define BOOT_INFO_MAGIC   0x4f464e49454c434full /* "OCLEINFO" */
#define BOOT_INFO_VERSION 4u
#define BOOT_REGIONS_MAX  320u
#define BOOT_MODULES_MAX  32u

#define BOOT_MODULE_NAME_MAX 63
#define BOOT_SEED_BYTES      32u
#define BOOT_SHA256_BYTES    32u

enum boot_region_kind {
    BOOT_REGION_USABLE,       /* free once the hypervisor runs */
    BOOT_REGION_RESERVED,     /* never touch */
    BOOT_REGION_ACPI,         /* tables; kept */
    BOOT_REGION_RUNTIME_CODE, /* UEFI runtime services */
    BOOT_REGION_RUNTIME_DATA,
    BOOT_REGION_KERNEL, /* the hypervisor's image, .bss included */
    BOOT_REGION_LOADER, /* this structure, hand-over page tables, socle.dtb, AP start page */
    BOOT_REGION_MODULE, /* files the loader brought along; whole pages of their own */
};

/* Regions may overlap; where they do, anything wins over BOOT_REGION_USABLE. */
struct boot_region {
    u64 base;
    u64 bytes;
    u32 kind; /* enum boot_region_kind */
    u32 reserved;
};

enum boot_method { BOOT_FROM_DISK, BOOT_FROM_USB, BOOT_FROM_PXE, BOOT_FROM_HTTP };

enum boot_pixel_format { BOOT_PIXEL_RGBX, BOOT_PIXEL_BGRX };

struct boot_framebuffer {
    u64 base; /* 0: none */
    u32 width;
    u32 height;
    u32 pitch_pixels;
    u32 format; /* enum boot_pixel_format */
};

/* Entry points of the UEFI runtime services, in their identity-mapped (physical) form; 0: absent.
 */
struct boot_runtime {
    u64 get_time;
    u64 reset_system;
    u64 get_variable;
    u64 set_variable;
};

/* TSC at the milestones of the loader. */
struct boot_stamps {
    u64 loader_entry;
    u64 kernel_loaded;
    u64 firmware_left;
};

/* A file that socle.dtb names under /images; its pages belong to the hypervisor. */
struct boot_module {
    char name[BOOT_MODULE_NAME_MAX + 1]; /* the image's, terminated */
    u64 base;                            /* page aligned */
    u64 bytes; /* at least 1; what follows in the last page is undefined */
};

struct boot_info {
    u64 magic;
    u32 version;
    u32 size_bytes; /* of this structure */
    u64 acpi_rsdp;  /* 0: none */
    u64 smbios;     /* 0: none */
    struct boot_framebuffer framebuffer;
    struct boot_runtime runtime;
    struct boot_stamps stamps;
    u64 kernel_base; /* image of kernel_bytes, contiguous; its virtual base is KERNEL_BASE */
    u64 kernel_bytes;
    u64 image_bytes; /* size of BOOTX64.EFI as loaded */
    u64 dtb_base;    /* socle.dtb; 0: none */
    u64 dtb_bytes;
    u64 ap_page;      /* 4 KiB below 1 MiB for starting the other CPUs */
    u64 handover_cr3; /* root of the hand-over page tables, below 4 GiB, identity-mapped */
    u32 method;       /* enum boot_method */
    u32 region_count;
    u32 module_count;
    u32 seed_bytes; /* BOOT_SEED_BYTES, or 0: the firmware has no random numbers */
    u8 seed[BOOT_SEED_BYTES];
    u8 kernel_sha256[BOOT_SHA256_BYTES]; /* of its ELF file, as the build has recorded it */
    struct boot_module modules[BOOT_MODULES_MAX];
    struct boot_region regions[BOOT_REGIONS_MAX];
};

#endif
