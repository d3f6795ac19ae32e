/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vmm/guest_acpi.c core/vmm/guest_dsdt.c core/vmm/aml.c tests/fakes/assert.c */
/* A guest finds every table from the RSDP, all checksums hold, and they say what guest_layout.h
 * says. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/compiler.h"
#include "core/vmm/guest_acpi.h"
#include "core/vmm/guest_layout.h"

static u8 tables[GUEST_ACPI_TABLES_MAX];
static size_t used;

static u64 get(const u8 *p, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, p, bytes);
    return value;
}

static bool sums_to_zero(const u8 *p, size_t bytes)
{
    u8 sum = 0;

    while (bytes--)
        sum = (u8)(sum + *p++);
    return sum == 0;
}

static const u8 *at(u64 address)
{
    CHECK(address >= GUEST_ACPI_BASE && address < GUEST_ACPI_BASE + used);
    return tables + (address - GUEST_ACPI_BASE);
}

/* The table with that signature, by way of RSDP and XSDT. */
static const u8 *find(const char *signature)
{
    const u8 *xsdt = at(get(tables + 24, 8));

    for (u64 offset = 36; offset < get(xsdt + 4, 4); offset += 8) {
        const u8 *table = at(get(xsdt + offset, 8));

        CHECK(sums_to_zero(table, get(table + 4, 4)));
        if (memcmp(table, signature, 4) == 0)
            return table;
    }
    return NULL;
}

static void build(u32 cpus)
{
    const struct guest_acpi board = {
        .cpu_count = cpus, .pci_mem64 = 0x400000000, .hotplug_slots = 0xfffffff6};

    memset(tables, 0xee, sizeof(tables));
    used = guest_acpi_build(tables, GUEST_ACPI_BASE, &board);
    CHECK(used <= sizeof(tables));
}

TEST(rsdp_and_xsdt)
{
    build(1);
    CHECK(memcmp(tables, "RSD PTR ", 8) == 0);
    CHECK(sums_to_zero(tables, 20));
    CHECK(sums_to_zero(tables, 36));
    CHECK_EQ(tables[15], 2);
    CHECK(sums_to_zero(at(get(tables + 24, 8)), 36 + 24));
    CHECK(memcmp(at(get(tables + 24, 8)), "XSDT", 4) == 0);
}

TEST(fadt_names_the_board)
{
    const u8 *fadt;
    const u8 *dsdt;

    build(1);
    fadt = find("FACP");
    CHECK(fadt != NULL);
    CHECK_EQ(get(fadt + 4, 4), 276);
    CHECK_EQ(get(fadt + 46, 2), GUEST_SCI_LINE);
    CHECK_EQ(get(fadt + 48, 4), 0); /* always in ACPI mode */
    CHECK_EQ(get(fadt + 56, 4), GUEST_PM1A_EVT);
    CHECK_EQ(get(fadt + 64, 4), GUEST_PM1A_CNT);
    CHECK_EQ(get(fadt + 76, 4), GUEST_PM_TMR);
    CHECK_EQ(get(fadt + 80, 4), GUEST_GPE0);
    CHECK_EQ(fadt[92], GUEST_GPE0_BYTES);
    CHECK_EQ(get(fadt + 224, 8), GUEST_GPE0);
    CHECK_EQ(fadt[88], 4);
    CHECK_EQ(fadt[89], 2);
    CHECK_EQ(fadt[91], 4);
    CHECK_EQ(get(fadt + 112, 4) & BIT(4), 0); /* power button is fixed hardware */
    CHECK(get(fadt + 112, 4) & BIT(8));
    CHECK(get(fadt + 112, 4) & BIT(10));
    CHECK_EQ(get(fadt + 120, 8), GUEST_RESET_PORT);
    CHECK_EQ(fadt[128], GUEST_RESET_VALUE);
    dsdt = at(get(fadt + 140, 8));
    CHECK_EQ(get(fadt + 40, 4), get(fadt + 140, 8));
    CHECK(memcmp(dsdt, "DSDT", 4) == 0);
    CHECK(sums_to_zero(dsdt, get(dsdt + 4, 4)));
    CHECK(memcmp(at(get(fadt + 36, 4)), "FACS", 4) == 0);
    CHECK_EQ(get(fadt + 36, 4) % 64, 0);
}

TEST(dsdt_has_s5)
{
    static const u8 s5[] = {0x08, '_', 'S', '5', '_', 0x12, 0x48, 0x00, 4, 0x0a, 5, 0, 0, 0};
    const u8 *dsdt;

    build(1);
    dsdt = at(get(find("FACP") + 140, 8));
    CHECK(memcmp(dsdt + 36, s5, sizeof(s5)) == 0);
}

TEST(madt_counts_cpus_and_overrides)
{
    u32 cpus = 0;
    u32 overrides = 0;
    const u8 *madt;

    build(64);
    madt = find("APIC");
    CHECK(madt != NULL);
    CHECK_EQ(get(madt + 36, 4), GUEST_LAPIC_BASE);
    for (const u8 *e = madt + 44; e < madt + get(madt + 4, 4); e += e[1]) {
        if (e[0] == 0)
            CHECK_EQ(e[3], cpus++);
        if (e[0] == 1)
            CHECK_EQ(get(e + 4, 4), GUEST_IOAPIC_BASE);
        if (e[0] == 2 && e[3] == 0)
            overrides += get(e + 4, 4) == 2 && get(e + 8, 2) == 0;
        if (e[0] == 2 && e[3] == GUEST_SCI_LINE)
            overrides += get(e + 8, 2) == 0xd;
    }
    CHECK_EQ(cpus, 64);
    CHECK_EQ(overrides, 2);
}

/* The AML bytes that follow the last four-character name of that kind. */
static const u8 *named(const u8 *dsdt, const char *name)
{
    for (const u8 *p = dsdt + get(dsdt + 4, 4) - 4; p > dsdt + 36; p--)
        if (memcmp(p, name, 4) == 0)
            return p + 4;
    return NULL;
}

TEST(pci_is_announced)
{
    static const u8 route[] = {0x12, 0x4c, 0x00, 4, 0x0c, 0xff, 0xff, 1, 0, 0, 0, 0x0a, 11};
    static const u8 mem32[] = {0x87, 23,   0,    0,    0x0c, 1, 0, 0, 0, 0, 0, 0, 0,
                               0xc0, 0xff, 0xff, 0xff, 0xdf, 0, 0, 0, 0, 0, 0, 0, 0x20};
    const u8 *mcfg;
    const u8 *dsdt;
    const u8 *crs;
    const u8 *prt;

    build(255);
    mcfg = find("MCFG");
    CHECK(mcfg != NULL);
    CHECK_EQ(get(mcfg + 4, 4), 60);
    CHECK_EQ(get(mcfg + 44, 8), GUEST_PCI_ECAM);
    CHECK_EQ(get(mcfg + 52, 4), 0); /* segment 0, bus 0 to 0 */
    dsdt = at(get(find("FACP") + 140, 8));
    CHECK(named(dsdt, "MRES") != NULL && named(dsdt, "PCI0") != NULL);
    crs = named(dsdt, "_CRS");
    CHECK_EQ(crs[0], 0x11);
    CHECK_EQ(crs[3], 0x0b); /* the buffer's size: bus 16, ports 16, memory 26 and 46, end 2 */
    CHECK_EQ(get(crs + 4, 2), 16 + 16 + 26 + 46 + 2);
    CHECK(memcmp(crs + 6 + 32, mem32, sizeof(mem32)) == 0);
    CHECK_EQ(get(crs + 6 + 58 + 14, 8), 0x400000000);
    CHECK_EQ(get(crs + 6 + 58 + 22, 8), 0x7ffffffff);
    CHECK_EQ(crs[6 + 104], 0x79);
    prt = named(dsdt, "_PRT");
    CHECK_EQ(prt[3], 31);
    CHECK(memcmp(prt + 4, route, sizeof(route)) == 0);
}

static bool has(const u8 *from, const u8 *end, const void *bytes, size_t count)
{
    while (from + count <= end && memcmp(from, bytes, count) != 0)
        from++;
    return from + count <= end;
}

TEST(slots_can_be_given_up)
{
    static const u8 slot2[] = {0x5b, 0x82, 0x49, 0x02, 'S',  '0',  '2', '_',  0x08, '_', 'A',
                               'D',  'R',  0x0c, 0,    0,    2,    0,   0x08, '_',  'S', 'U',
                               'N',  0x0a, 2,    0x14, 0x41, 0x01, '_', 'E',  'J',  '0', 1,
                               0x70, 0x0c, 4,    0,    0,    0,    'H', 'P',  'E',  'J'};
    static const u8 last[] = {0xa0, 0x41, 0x01, 0x7b, 0x60, 0x0c, 0,   0,    0,
                              0x80, 0,    0x86, 'S',  '1',  'F',  '_', 0x0a, 3};
    static const u8 gpe[] = {0x10, 0x4e, 0x01, 0x5c, '_', 'G',  'P',  'E', 0x14, 0x46, 0x01,
                             '_',  'E',  '0',  '0',  0,   0x5c, 0x2f, 3,   '_',  'S',  'B',
                             '_',  'P',  'C',  'I',  '0', 'H',  'P',  'E', 'V'};
    const u8 *dsdt, *end;

    build(255);
    dsdt = at(get(find("FACP") + 140, 8));
    end = dsdt + get(dsdt + 4, 4);
    CHECK(has(dsdt, end, slot2, sizeof(slot2)));
    CHECK(!has(dsdt, end, "S03_", 4)); /* what is in there stays */
    CHECK(memcmp(end - sizeof(gpe), gpe, sizeof(gpe)) == 0);
    CHECK(memcmp(end - sizeof(gpe) - sizeof(last), last, sizeof(last)) == 0);
}
