/* SPDX-License-Identifier: BSD-2-Clause */
/* UEFI's memory map as regions of struct boot_info. */
#include "boot/loader.h"

/* Spec: UEFI "Memory Type Usage after ExitBootServices()". */
static u32 kind_of(UINT32 type)
{
    switch (type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory:
        return BOOT_REGION_USABLE;
    case EfiACPIReclaimMemory:
    case EfiACPIMemoryNVS:
        return BOOT_REGION_ACPI;
    case EfiRuntimeServicesCode:
        return BOOT_REGION_RUNTIME_CODE;
    case EfiRuntimeServicesData:
        return BOOT_REGION_RUNTIME_DATA;
    default:
        return BOOT_REGION_RESERVED;
    }
}

void region_add(struct boot_info *info, u64 base, u64 bytes, u32 kind)
{
    struct boot_region *last =
        info->region_count > 0 ? &info->regions[info->region_count - 1] : NULL;

    if (last != NULL && last->kind == kind && last->base + last->bytes == base) {
        last->bytes += bytes;
        return;
    }
    if (info->region_count == BOOT_REGIONS_MAX) {
        /* Losing RAM is harmless; losing a reservation is not: take the last RAM region's place. */
        if (kind == BOOT_REGION_USABLE)
            return;
        for (u32 i = info->region_count; i-- > 0;) {
            if (info->regions[i].kind == BOOT_REGION_USABLE) {
                info->regions[i] = (struct boot_region){base, bytes, kind, 0};
                return;
            }
        }
        return;
    }
    info->regions[info->region_count++] = (struct boot_region){base, bytes, kind, 0};
}

void efi_memmap_add(struct boot_info *info, const void *map, u64 bytes, u64 descriptor_bytes)
{
    const u8 *p = map;

    for (u64 at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= bytes; at += descriptor_bytes) {
        const EFI_MEMORY_DESCRIPTOR *d = (const EFI_MEMORY_DESCRIPTOR *)(p + at);

        if (d->NumberOfPages != 0)
            region_add(info, d->PhysicalStart, d->NumberOfPages * PAGE_SIZE, kind_of(d->Type));
    }
}

u64 efi_top_of_memory(void)
{
    UINTN count = 0, key = 0, descriptor_bytes = 0;
    UINT32 version = 0;
    u8 *map = (u8 *)LibMemoryMap(&count, &key, &descriptor_bytes, &version);
    u64 top = 4 * GiB; /* device registers and the firmware's own code lie below it */

    if (map == NULL)
        loader_fail("the firmware gives no memory map", EFI_OUT_OF_RESOURCES);
    for (UINTN i = 0; i < count; i++) {
        const EFI_MEMORY_DESCRIPTOR *d =
            (const EFI_MEMORY_DESCRIPTOR *)(map + i * descriptor_bytes);
        u64 end = d->PhysicalStart + d->NumberOfPages * PAGE_SIZE;

        if (kind_of(d->Type) != BOOT_REGION_RESERVED && end > top)
            top = end;
    }
    uefi_call_wrapper(BS->FreePool, 1, map);
    return top;
}
