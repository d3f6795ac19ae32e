/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaves boot services with the memory map that was valid at that moment. */
#include "boot/loader.h"

#define MAP_BYTES (128 * KiB)
#define ATTEMPTS  8

/*
 * Spec: UEFI "EFI_BOOT_SERVICES.ExitBootServices()": the map's key must be current; a timer event
 * between the two calls may change it, so the pair is tried again. Nothing is printed or allocated
 * in between.
 */
void efi_exit(struct boot_info *info)
{
    u8 *map = loader_alloc(NULL, MAP_BYTES, 0xffffffff);
    EFI_STATUS status = EFI_SUCCESS;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        UINTN bytes = MAP_BYTES, key = 0, descriptor_bytes = 0;
        UINT32 version = 0;

        status = uefi_call_wrapper(BS->GetMemoryMap, 5, &bytes, (EFI_MEMORY_DESCRIPTOR *)map, &key,
                                   &descriptor_bytes, &version);
        if (EFI_ERROR(status))
            continue;
        status = uefi_call_wrapper(BS->ExitBootServices, 2, loader_image, key);
        if (EFI_ERROR(status))
            continue;
        efi_memmap_add(info, map, bytes, descriptor_bytes);
        return;
    }
    loader_fail("the firmware does not let go of the machine", status);
}
