/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's physical memory as it is told to the guest. */
#ifndef SOCLE_VMM_GUEST_MAP_H
#define SOCLE_VMM_GUEST_MAP_H

#include "core/lib/types.h"

/* Types as in the BIOS call E820, which both boot protocols use. */
#define GUEST_MAP_RAM      1u
#define GUEST_MAP_RESERVED 2u

struct guest_map_entry {
    u64 base;
    u64 bytes;
    u32 type;
};

#define GUEST_MAP_MAX 6

/* RAM below the hole under 4 GiB, and above 4 GiB. */
u64 guest_low_bytes(u64 memory_bytes);
u64 guest_high_bytes(u64 memory_bytes);

/* Where PCI devices' window above all RAM begins. */
u64 guest_pci_mem64(u64 memory_bytes);

/* Fills the map in ascending order. Return: entries. */
u32 guest_map_build(u64 memory_bytes, struct guest_map_entry map[GUEST_MAP_MAX]);

#endif
