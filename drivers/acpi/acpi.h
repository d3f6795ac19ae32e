/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: look-up with every length and checksum checked. Spec: ACPI "ACPI Software
 * Programming Model".
 *
 * Firmware is trusted at boot, its tables are not: lengths and offsets may be wrong on real
 * machines.
 */
#ifndef SOCLE_ACPI_ACPI_H
#define SOCLE_ACPI_ACPI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define ACPI_SIGNATURE_BYTES 4
#define ACPI_TABLE_MAX       (4 * MiB)

struct acpi_header {
    char signature[ACPI_SIGNATURE_BYTES];
    u32 length;
    u8 revision;
    u8 checksum;
    char oem_id[6];
    char oem_table_id[8];
    u32 oem_revision;
    char creator_id[4];
    u32 creator_revision;
} packed;

/* Access to physical memory: a pointer that is valid for `bytes`, or NULL if the range may not be
 * read. */
typedef const void *(*acpi_map_fn)(void *arg, u64 address, u64 bytes);

struct acpi {
    acpi_map_fn map;
    void *arg;
    const struct acpi_header *root; /* RSDT or XSDT */
    u32 entry_bytes;                /* 4 or 8 */
};

/* Return: 0; -ENODEV (no RSDP given), -EINVAL (it or its root table is broken). */
int acpi_init(struct acpi *acpi, u64 rsdp, acpi_map_fn map, void *arg) must_check;

/* The first intact table with this signature; NULL if there is none. */
const struct acpi_header *acpi_find(const struct acpi *acpi, const char *signature);

/* -- MADT: processors
 * ------------------------------------------------------------------------------------ */

/* Fills ids with the local APIC IDs of the CPUs that are enabled. Return: how many (at most max).
 */
u32 acpi_cpus(const struct acpi *acpi, u32 *ids, u32 max);

/* -- MADT: interrupt controllers
 * ------------------------------------------------------------------------------------ */

struct acpi_ioapic {
    u64 address;
    u32 gsi_base; /* global system interrupt of its pin 0 */
};

/* The IOAPICs, each address and each GSI base once. Return: how many (at most max). */
u32 acpi_ioapics(const struct acpi *acpi, struct acpi_ioapic *out, u32 max);

/* Where an interrupt of the ISA bus is wired to another GSI, or in another way, than usual. */
struct acpi_override {
    u8 irq;
    u16 flags; /* ACPI_IRQ_... */
    u32 gsi;
};

/* Spec: ACPI "MPS INTI Flags". A field of 0 means as usual on the bus. */
#define ACPI_IRQ_POLARITY 0x3u
#define ACPI_IRQ_HIGH     0x1u
#define ACPI_IRQ_LOW      0x3u
#define ACPI_IRQ_TRIGGER  0xcu
#define ACPI_IRQ_EDGE     0x4u
#define ACPI_IRQ_LEVEL    0xcu

/* The interrupt source overrides, the first of each IRQ. Return: how many (at most max). */
u32 acpi_overrides(const struct acpi *acpi, struct acpi_override *out, u32 max);

/* -- SRAT: what is near to what
 * ------------------------------------------------------------------------------------ */

struct acpi_memory {
    u64 base;
    u64 bytes;
    u32 domain; /* proximity domain: any number, the same for memory and CPUs near to each other */
};

/* The memory that is there, sorted by address; of entries that overlap the first. Return: how many
 * (at most max). */
u32 acpi_memory(const struct acpi *acpi, struct acpi_memory *out, u32 max);

/* Return: true and *domain if the table knows the CPU. */
bool acpi_cpu_domain(const struct acpi *acpi, u32 apic_id, u32 *domain);

/* -- MCFG: PCI configuration space in memory
 * --------------------------------------------------------------- */

struct acpi_ecam {
    u64 base; /* of bus 0 */
    u16 segment;
    u8 first_bus;
    u8 last_bus;
};

/* Return: number of windows (at most max). */
u32 acpi_ecams(const struct acpi *acpi, struct acpi_ecam *out, u32 max);

/* -- FADT
 * --------------------------------------------------------------------------------------------------
 */

/* Port of the PM timer; 0 if there is none in port space. */
u16 acpi_pm_timer_port(const struct acpi *acpi);

/* False if the firmware says that there is no keyboard controller. */
bool acpi_has_i8042(const struct acpi *acpi);

#endif
