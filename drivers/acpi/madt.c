/* SPDX-License-Identifier: BSD-2-Clause */
/* The MADT's processors. Spec: ACPI "Multiple APIC Description Table (MADT)". */
#include "core/lib/string.h"
#include "drivers/acpi/acpi.h"

#define ENTRIES_OFFSET 44u /* header, local APIC address, flags */
#define TYPE_LAPIC     0u
#define TYPE_X2APIC    9u
#define LAPIC_BYTES    8u
#define X2APIC_BYTES   16u
#define FLAG_ENABLED   1u

/* Return: true and *id if the entry is a CPU that is on. */
static bool cpu_of(const u8 *entry, u32 *id)
{
    u32 flags;

    if (entry[0] == TYPE_LAPIC && entry[1] >= LAPIC_BYTES) {
        memcpy(&flags, entry + 4, sizeof flags);
        *id = entry[3];
    } else if (entry[0] == TYPE_X2APIC && entry[1] >= X2APIC_BYTES) {
        memcpy(id, entry + 4, sizeof *id);
        memcpy(&flags, entry + 8, sizeof flags);
    } else {
        return false;
    }
    return (flags & FLAG_ENABLED) != 0;
}

static bool is_listed(const u32 *ids, u32 count, u32 id)
{
    for (u32 i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

u32 acpi_cpus(const struct acpi *acpi, u32 *ids, u32 max)
{
    const struct acpi_header *madt = acpi_find(acpi, "APIC");
    const u8 *table = (const u8 *)madt;
    u32 count = 0, id;

    if (madt == NULL)
        return 0;
    for (u32 at = ENTRIES_OFFSET; at + 2 <= madt->length; at += table[at + 1]) {
        u8 bytes = table[at + 1];

        if (bytes < 2 || at + bytes > madt->length)
            break;
        if (cpu_of(table + at, &id) && count < max && !is_listed(ids, count, id))
            ids[count++] = id;
    }
    return count;
}
