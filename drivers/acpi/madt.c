/* SPDX-License-Identifier: BSD-2-Clause */
/* The MADT's processors and interrupt controllers. Spec: ACPI "Multiple APIC Description Table
 * (MADT)". */
#include "core/lib/string.h"
#include "drivers/acpi/acpi.h"

#define ENTRIES_OFFSET 44u /* header, local APIC address, flags */
#define TYPE_LAPIC     0u
#define TYPE_IOAPIC    1u
#define TYPE_OVERRIDE  2u
#define TYPE_X2APIC    9u
#define LAPIC_BYTES    8u
#define IOAPIC_BYTES   12u
#define OVERRIDE_BYTES 10u
#define X2APIC_BYTES   16u
#define FLAG_ENABLED   1u
#define BUS_ISA        0u
#define ISA_IRQS       16u

/*
 * Walks the entries: *at is 0 before the first call. Return: the next whole entry, whose type is
 * its byte 0 and whose length, at least 2, its byte 1; NULL at the end or where the table breaks.
 */
static const u8 *next_entry(const struct acpi_header *madt, u32 *at)
{
    const u8 *entry;

    if (madt == NULL)
        return NULL;
    if (*at == 0)
        *at = ENTRIES_OFFSET;
    entry = (const u8 *)madt + *at;
    if (*at + 2 > madt->length || entry[1] < 2 || *at + entry[1] > madt->length)
        return NULL;
    *at += entry[1];
    return entry;
}

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
    u32 count = 0, at = 0, id;
    const u8 *entry;

    while ((entry = next_entry(madt, &at)) != NULL) {
        if (cpu_of(entry, &id) && count < max && !is_listed(ids, count, id))
            ids[count++] = id;
    }
    return count;
}

static bool has_ioapic(const struct acpi_ioapic *list, u32 count, const struct acpi_ioapic *a)
{
    for (u32 i = 0; i < count; i++) {
        if (list[i].address == a->address || list[i].gsi_base == a->gsi_base)
            return true;
    }
    return false;
}

u32 acpi_ioapics(const struct acpi *acpi, struct acpi_ioapic *out, u32 max)
{
    const struct acpi_header *madt = acpi_find(acpi, "APIC");
    u32 count = 0, at = 0;
    const u8 *entry;

    while ((entry = next_entry(madt, &at)) != NULL) {
        struct acpi_ioapic found = {0};

        if (entry[0] != TYPE_IOAPIC || entry[1] < IOAPIC_BYTES)
            continue;
        memcpy(&found.address, entry + 4, 4);
        memcpy(&found.gsi_base, entry + 8, 4);
        if (found.address != 0 && count < max && !has_ioapic(out, count, &found))
            out[count++] = found;
    }
    return count;
}

u32 acpi_overrides(const struct acpi *acpi, struct acpi_override *out, u32 max)
{
    const struct acpi_header *madt = acpi_find(acpi, "APIC");
    u32 count = 0, at = 0, seen = 0;
    const u8 *entry;

    while ((entry = next_entry(madt, &at)) != NULL) {
        u8 irq;

        if (entry[0] != TYPE_OVERRIDE || entry[1] < OVERRIDE_BYTES || entry[2] != BUS_ISA)
            continue;
        irq = entry[3];
        if (irq >= ISA_IRQS || (seen & (1u << irq)) != 0 || count == max)
            continue;
        seen |= 1u << irq;
        out[count].irq = irq;
        memcpy(&out[count].gsi, entry + 4, 4);
        memcpy(&out[count].flags, entry + 8, 2);
        count++;
    }
    return count;
}
