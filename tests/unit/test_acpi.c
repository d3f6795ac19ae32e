/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/acpi/acpi.c drivers/acpi/fadt.c drivers/acpi/madt.c drivers/acpi/mcfg.c
 * drivers/acpi/srat.c */
/* ACPI tables, good and broken. */
#include "core/lib/errno.h"
#include "drivers/acpi/acpi.h"
#include "tests/unit/harness.h"

#include <string.h>

#define RSDP 0x100
#define XSDT 0x200
#define MADT 0x300
#define MCFG 0x480
#define FADT 0x500
#define SRAT 0x600

static u8 memory[0x1000];

static const void *map(void *arg, u64 address, u64 bytes)
{
    (void)arg;
    return address <= sizeof memory && bytes <= sizeof memory - address ? memory + address : NULL;
}

static void put(u64 at, u64 value, unsigned bytes)
{
    memcpy(memory + at, &value, bytes);
}

static void seal(u64 at, u64 length, u64 sum_at)
{
    u8 sum = 0;

    memory[sum_at] = 0;
    for (u64 i = 0; i < length; i++)
        sum = (u8)(sum + memory[at + i]);
    memory[sum_at] = (u8)-sum;
}

static void table(u64 at, const char *signature, u32 length)
{
    memcpy(memory + at, signature, 4);
    put(at + 4, length, 4);
    seal(at, length, at + 9);
}

static void make(void)
{
    memset(memory, 0, sizeof memory);
    memcpy(memory + RSDP, "RSD PTR ", 8);
    memory[RSDP + 15] = 2;
    put(RSDP + 20, 36, 4);
    put(RSDP + 24, XSDT, 8);
    seal(RSDP, 20, RSDP + 8);
    put(XSDT + 36, MADT, 8);
    put(XSDT + 44, MCFG, 8);
    put(XSDT + 52, FADT, 8);
    table(XSDT, "XSDT", 60);

    put(MADT + 44, 0x0100000000000800ull | (0ull << 24), 8); /* LAPIC, ID 0: flags below */
    put(MADT + 44, 0x00000800, 4);
    put(MADT + 48, 1, 4);
    put(MADT + 52, 0x03010800, 4); /* ID 3, enabled */
    put(MADT + 56, 1, 4);
    put(MADT + 60, 0x05020800, 4); /* ID 5, off */
    put(MADT + 68, 0x00001009, 4); /* x2APIC, ID 300 */
    put(MADT + 72, 300, 4);
    put(MADT + 76, 1, 4);
    table(MADT, "APIC", 84);

    put(MCFG + 44, 0xb0000000, 8);
    memory[MCFG + 55] = 255;
    table(MCFG, "MCFG", 60);

    put(FADT + 76, 0x608, 4);
    table(FADT, "FACP", 116);
}

TEST(good_tables)
{
    struct acpi_ecam ecam;
    struct acpi acpi;
    u32 ids[8];

    make();
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK(acpi_find(&acpi, "FACP") != NULL);
    CHECK(acpi_find(&acpi, "HPET") == NULL);
    CHECK_EQ(acpi_cpus(&acpi, ids, 8), 3);
    CHECK_EQ(ids[0], 0);
    CHECK_EQ(ids[1], 3);
    CHECK_EQ(ids[2], 300);
    CHECK_EQ(acpi_cpus(&acpi, ids, 2), 2);
    CHECK_EQ(acpi_ecams(&acpi, &ecam, 1), 1);
    CHECK_EQ(ecam.base, 0xb0000000);
    CHECK_EQ(ecam.last_bus, 255);
    CHECK_EQ(acpi_pm_timer_port(&acpi), 0x608);
}

TEST(keyboard_controller)
{
    struct acpi acpi;

    make(); /* of revision 0, which cannot say */
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK(acpi_has_i8042(&acpi));
    memory[FADT + 8] = 3;
    table(FADT, "FACP", 116);
    CHECK(!acpi_has_i8042(&acpi));
    memory[FADT + 109] = 2;
    table(FADT, "FACP", 116);
    CHECK(acpi_has_i8042(&acpi));
    memory[FADT + 109] = 0;
    table(FADT, "FACP", 110); /* too short for it */
    CHECK(acpi_has_i8042(&acpi));
    put(XSDT + 52, XSDT, 8); /* no FADT at all */
    table(XSDT, "XSDT", 60);
    CHECK(acpi_has_i8042(&acpi));
}

TEST(broken_tables_are_left_out)
{
    struct acpi acpi;
    u32 ids[8];

    make();
    CHECK_EQ(acpi_init(&acpi, 0, map, NULL), -ENODEV);
    memory[RSDP] ^= 1;
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), -EINVAL);
    make();
    CHECK_EQ(acpi_init(&acpi, sizeof memory - 4, map, NULL), -EINVAL);
    memory[XSDT + 40] ^= 1; /* checksum */
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), -EINVAL);
    make();
    put(MADT + 4, 0xffffffff, 4);
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK_EQ(acpi_cpus(&acpi, ids, 8), 0);
    make();
    memory[MADT + 45] = 0; /* an entry of no length must not loop */
    table(MADT, "APIC", 84);
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK_EQ(acpi_cpus(&acpi, ids, 8), 0);
}

/* A MADT made of these entries alone. */
static void make_madt(struct acpi *acpi, const u8 *entries, u32 bytes)
{
    make();
    memcpy(memory + MADT + 44, entries, bytes);
    table(MADT, "APIC", 44 + bytes);
    CHECK_EQ(acpi_init(acpi, RSDP, map, NULL), 0);
}

/* clang-format off */
#define IOAPIC(address_16_23, gsi)     1, 12, 9, 0, 0, 0, (address_16_23), 0xfe, (gsi), 0, 0, 0
#define IOAPIC_AT_0                    1, 12, 9, 0, 0, 0, 0, 0, 9, 0, 0, 0
#define OVERRIDE(bus, irq, gsi, flags) 2, 10, (bus), (irq), (gsi), 0, 0, 0, (flags), 0
#define SHORT_IOAPIC                   1, 11, 9, 0, 0, 0, 0xc2, 0xfe, 0, 0, 0
#define SHORT_OVERRIDE                 2, 4, 0, 5
#define UNKNOWN                        99, 3, 0
#define ENDLESS                        1, 0, 0, 0
/* clang-format on */

TEST(interrupt_controllers)
{
    static const u8 entries[] = {IOAPIC(0xc0, 0), OVERRIDE(0, 0, 2, 0), OVERRIDE(0, 9, 9, 0xd),
                                 IOAPIC(0xc1, 24)};
    struct acpi_override overrides[4];
    struct acpi_ioapic ioapics[4];
    struct acpi acpi;

    make_madt(&acpi, entries, sizeof entries);
    CHECK_EQ(acpi_ioapics(&acpi, ioapics, 4), 2);
    CHECK_EQ(ioapics[0].address, 0xfec00000);
    CHECK_EQ(ioapics[1].address, 0xfec10000);
    CHECK_EQ(ioapics[1].gsi_base, 24);
    CHECK_EQ(acpi_ioapics(&acpi, ioapics, 1), 1);
    CHECK_EQ(acpi_overrides(&acpi, overrides, 4), 2);
    CHECK_EQ(overrides[0].irq, 0);
    CHECK_EQ(overrides[0].gsi, 2);
    CHECK_EQ(overrides[0].flags, 0);
    CHECK_EQ(overrides[1].flags, 0xd);
    CHECK_EQ(acpi_overrides(&acpi, overrides, 1), 1);
    CHECK_EQ(acpi_cpus(&acpi, NULL, 0), 0);
}

TEST(bad_interrupt_controllers)
{
    static const u8 entries[] = {
        SHORT_IOAPIC,
        SHORT_OVERRIDE,
        UNKNOWN,
        IOAPIC(0xc0, 0),
        IOAPIC(0xc0, 24), /* the same address */
        IOAPIC(0xc3, 0),  /* the same interrupts */
        IOAPIC_AT_0,
        OVERRIDE(1, 5, 20, 0),  /* not of the ISA bus */
        OVERRIDE(0, 16, 20, 0), /* no such line */
        OVERRIDE(0, 9, 20, 0xf),
        OVERRIDE(0, 9, 21, 0xd), /* again */
        ENDLESS,
        IOAPIC(0xc4, 48), /* behind the break */
    };
    struct acpi_override overrides[4];
    struct acpi_ioapic ioapics[4];
    struct acpi acpi;

    make_madt(&acpi, entries, sizeof entries);
    CHECK_EQ(acpi_ioapics(&acpi, ioapics, 4), 1);
    CHECK_EQ(ioapics[0].gsi_base, 0);
    CHECK_EQ(acpi_overrides(&acpi, overrides, 4), 1);
    CHECK_EQ(overrides[0].gsi, 20);
    memory[MADT + 45] = 200; /* the first entry ends behind the table */
    table(MADT, "APIC", 44 + sizeof entries);
    CHECK_EQ(acpi_ioapics(&acpi, ioapics, 4), 0);
    put(XSDT + 36, FADT, 8); /* no MADT at all */
    table(XSDT, "XSDT", 60);
    CHECK_EQ(acpi_ioapics(&acpi, ioapics, 4), 0);
    CHECK_EQ(acpi_overrides(&acpi, overrides, 4), 0);
}

static void srat_memory(u64 at, u32 domain, u64 base, u64 bytes, u32 flags)
{
    put(at, 0x2801, 2);
    put(at + 2, domain, 4);
    put(at + 8, base, 8);
    put(at + 16, bytes, 8);
    put(at + 28, flags, 4);
}

/* Two domains, one with memory on both sides of a hole, out of order; an entry that is off, one
 * that overlaps, one that wraps around. */
static void make_srat(void)
{
    make();
    put(XSDT + 60, SRAT, 8);
    table(XSDT, "XSDT", 68);
    srat_memory(SRAT + 48, 0x01020304, 0x100000000, 0x80000000, 1);
    srat_memory(SRAT + 88, 7, 0, 0xa0000, 1);
    srat_memory(SRAT + 128, 7, 0x100000, 0x7ff00000, 1);
    srat_memory(SRAT + 168, 9, 0x200000000, 0x1000, 0);
    srat_memory(SRAT + 208, 9, 0x180000000 - 0x1000, 0x2000, 1);
    srat_memory(SRAT + 248, 9, 0xfffffffffffff000, 0x2000, 1);
    put(SRAT + 288, 0x03041000, 4); /* LAPIC ID 3, domain 7f1e5504h in two parts: on */
    put(SRAT + 292, 1, 4);
    put(SRAT + 296, 0x7f1e5500, 4);
    put(SRAT + 304, 0x05071000, 4); /* LAPIC ID 5, domain 7: off */
    put(SRAT + 320, 0x1802, 2);     /* x2APIC ID 300, domain 7: on */
    put(SRAT + 324, 7, 4);
    put(SRAT + 328, 300, 4);
    put(SRAT + 332, 1, 4);
    table(SRAT, "SRAT", 344);
}

TEST(srat)
{
    struct acpi_memory m[8];
    struct acpi acpi;
    u32 domain = 0;

    make_srat();
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK_EQ(acpi_memory(&acpi, m, 8), 3);
    CHECK_EQ(m[0].base, 0);
    CHECK_EQ(m[0].bytes, 0xa0000);
    CHECK_EQ(m[0].domain, 7);
    CHECK_EQ(m[1].base, 0x100000);
    CHECK_EQ(m[1].domain, 7);
    CHECK_EQ(m[2].base, 0x100000000);
    CHECK_EQ(m[2].domain, 0x01020304);
    CHECK_EQ(acpi_memory(&acpi, m, 2), 2);
    CHECK(acpi_cpu_domain(&acpi, 3, &domain));
    CHECK_EQ(domain, 0x7f1e5504);
    CHECK(!acpi_cpu_domain(&acpi, 5, &domain));
    CHECK(acpi_cpu_domain(&acpi, 300, &domain));
    CHECK_EQ(domain, 7);
}

TEST(srat_absent_or_broken)
{
    struct acpi_memory m[8];
    struct acpi acpi;
    u32 domain;

    make();
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK_EQ(acpi_memory(&acpi, m, 8), 0);
    CHECK(!acpi_cpu_domain(&acpi, 0, &domain));
    make_srat();
    memory[SRAT + 89] = 0; /* an entry of no length: the walk ends there */
    table(SRAT, "SRAT", 344);
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK_EQ(acpi_memory(&acpi, m, 8), 1);
    CHECK(!acpi_cpu_domain(&acpi, 3, &domain));
    make_srat();
    table(SRAT, "SRAT", 348); /* the last entry is cut short */
    memory[SRAT + 345] = 24;
    table(SRAT, "SRAT", 348);
    CHECK_EQ(acpi_init(&acpi, RSDP, map, NULL), 0);
    CHECK_EQ(acpi_memory(&acpi, m, 8), 3);
}
