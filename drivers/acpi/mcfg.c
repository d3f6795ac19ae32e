/* SPDX-License-Identifier: BSD-2-Clause */
/* The MCFG's windows. Spec: PCI Firmware Specification "MCFG Table Description". */
#include "core/lib/string.h"
#include "drivers/acpi/acpi.h"

#define ENTRIES_OFFSET 44u

struct mcfg_entry {
    u64 base;
    u16 segment;
    u8 first_bus;
    u8 last_bus;
    u32 reserved;
} packed;

u32 acpi_ecams(const struct acpi *acpi, struct acpi_ecam *out, u32 max)
{
    const struct acpi_header *mcfg = acpi_find(acpi, "MCFG");
    u32 count = 0;

    if (mcfg == NULL)
        return 0;
    for (u32 at = ENTRIES_OFFSET; at + sizeof(struct mcfg_entry) <= mcfg->length && count < max;
         at += (u32)sizeof(struct mcfg_entry)) {
        struct mcfg_entry e;

        memcpy(&e, (const u8 *)mcfg + at, sizeof e);
        if (e.base != 0 && e.last_bus >= e.first_bus)
            out[count++] = (struct acpi_ecam){e.base, e.segment, e.first_bus, e.last_bus};
    }
    return count;
}
