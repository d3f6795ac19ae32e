/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's memory map, from guest_layout.h and the size of its RAM. */
#include "core/vmm/guest_map.h"

#include "core/lib/compiler.h"
#include "core/vmm/guest_layout.h"

u64 guest_low_bytes(u64 memory_bytes)
{
    return MIN(memory_bytes, GUEST_LOW_RAM_END);
}

u64 guest_high_bytes(u64 memory_bytes)
{
    return memory_bytes - guest_low_bytes(memory_bytes);
}

u64 guest_pci_mem64(u64 memory_bytes)
{
    return ALIGN_UP(GUEST_HIGH_RAM + guest_high_bytes(memory_bytes), GUEST_PCI_MEM64_BYTES);
}

u32 guest_map_build(u64 memory_bytes, struct guest_map_entry map[GUEST_MAP_MAX])
{
    u64 low = guest_low_bytes(memory_bytes);
    u64 high = guest_high_bytes(memory_bytes);
    u32 n = 0;

    map[n++] = (struct guest_map_entry){0, GUEST_EBDA, GUEST_MAP_RAM};
    map[n++] = (struct guest_map_entry){GUEST_EBDA, GUEST_PC_HOLE - GUEST_EBDA, GUEST_MAP_RESERVED};
    map[n++] = (struct guest_map_entry){GUEST_ACPI_BASE, GUEST_ACPI_BYTES, GUEST_MAP_RESERVED};
    map[n++] =
        (struct guest_map_entry){GUEST_RAM_ABOVE_1M, low - GUEST_RAM_ABOVE_1M, GUEST_MAP_RAM};
    map[n++] = (struct guest_map_entry){GUEST_PCI_ECAM, GUEST_PCI_ECAM_BYTES, GUEST_MAP_RESERVED};
    if (high > 0)
        map[n++] = (struct guest_map_entry){GUEST_HIGH_RAM, high, GUEST_MAP_RAM};
    return n;
}
