/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SRAT: which memory and which CPUs belong together. Spec: ACPI "System Resource Affinity Table
 * (SRAT)".
 */
#include "core/lib/string.h"
#include "drivers/acpi/acpi.h"

#define ENTRIES_OFFSET 48u /* header, two reserved fields */
#define TYPE_LAPIC     0u
#define TYPE_MEMORY    1u
#define TYPE_X2APIC    2u
#define LAPIC_BYTES    16u
#define MEMORY_BYTES   40u
#define X2APIC_BYTES   24u
#define FLAG_ENABLED   1u

static u32 get32(const u8 *at)
{
    u32 value;

    memcpy(&value, at, sizeof value);
    return value;
}

static u64 get64(const u8 *at)
{
    u64 value;

    memcpy(&value, at, sizeof value);
    return value;
}

/* As in madt.c: *at is 0 before the first call. Return: the next whole entry, or NULL. */
static const u8 *next_entry(const struct acpi_header *srat, u32 *at)
{
    const u8 *entry;

    if (srat == NULL)
        return NULL;
    if (*at == 0)
        *at = ENTRIES_OFFSET;
    entry = (const u8 *)srat + *at;
    if (*at + 2 > srat->length || entry[1] < 2 || *at + entry[1] > srat->length)
        return NULL;
    *at += entry[1];
    return entry;
}

/* Return: true if the entry is RAM that is there, and does not wrap around. */
static bool memory_of(const u8 *entry, struct acpi_memory *out)
{
    if (entry[0] != TYPE_MEMORY || entry[1] < MEMORY_BYTES || !(get32(entry + 28) & FLAG_ENABLED))
        return false;
    out->domain = get32(entry + 2);
    out->base = get64(entry + 8);
    out->bytes = get64(entry + 16);
    return out->bytes > 0 && out->base + out->bytes > out->base;
}

static bool overlaps(const struct acpi_memory *a, const struct acpi_memory *b)
{
    return a->base < b->base + b->bytes && b->base < a->base + a->bytes;
}

/* Puts it in its place by address. Return: false if it overlaps another. */
static bool insert(struct acpi_memory *list, u32 count, const struct acpi_memory *new)
{
    u32 place = count;

    for (u32 i = 0; i < count; i++) {
        if (overlaps(&list[i], new))
            return false;
    }
    while (place > 0 && list[place - 1].base > new->base) {
        list[place] = list[place - 1];
        place--;
    }
    list[place] = *new;
    return true;
}

u32 acpi_memory(const struct acpi *acpi, struct acpi_memory *out, u32 max)
{
    const struct acpi_header *srat = acpi_find(acpi, "SRAT");
    u32 count = 0, at = 0;
    const u8 *entry;

    while (count < max && (entry = next_entry(srat, &at)) != NULL) {
        struct acpi_memory found;

        if (memory_of(entry, &found) && insert(out, count, &found))
            count++;
    }
    return count;
}

/* Return: true and *id, *domain if the entry is a CPU that is on. */
static bool cpu_of(const u8 *entry, u32 *id, u32 *domain)
{
    u32 flags;

    if (entry[0] == TYPE_LAPIC && entry[1] >= LAPIC_BYTES) {
        *id = entry[3];
        *domain = entry[2] | (get32(entry + 8) & 0xffffff00u); /* bits 31-8 follow the EID */
        flags = get32(entry + 4);
    } else if (entry[0] == TYPE_X2APIC && entry[1] >= X2APIC_BYTES) {
        *domain = get32(entry + 4);
        *id = get32(entry + 8);
        flags = get32(entry + 12);
    } else {
        return false;
    }
    return (flags & FLAG_ENABLED) != 0;
}

bool acpi_cpu_domain(const struct acpi *acpi, u32 apic_id, u32 *domain)
{
    const struct acpi_header *srat = acpi_find(acpi, "SRAT");
    const u8 *entry;
    u32 at = 0, id;

    while ((entry = next_entry(srat, &at)) != NULL) {
        if (cpu_of(entry, &id, domain) && id == apic_id)
            return true;
    }
    return false;
}
