/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/guest_walk.c */
/* Page walks in each paging mode, their rights, their error codes, their accessed and dirty bits.
 */
#include "core/lib/errno.h"
#include "core/vm/guest_walk.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"
#include "tests/unit/harness.h"

#include <string.h>

#define RAM_BYTES 0x20000
#define P         1ull
#define W         2ull
#define U         4ull
#define A         0x20ull
#define D         0x40ull
#define PS        0x80ull
#define NX        (1ull << 63)

static u8 ram[RAM_BYTES];

static int ram_read(void *cookie, gpa_t from, void *dst, size_t bytes)
{
    (void)cookie;
    if (from.v > RAM_BYTES || bytes > RAM_BYTES - from.v)
        return -EFAULT;
    memcpy(dst, ram + from.v, bytes);
    return 0;
}

static int ram_set_bits(void *cookie, gpa_t at, u8 bits)
{
    (void)cookie;
    if (at.v >= RAM_BYTES)
        return -EFAULT;
    ram[at.v] |= bits;
    return 0;
}

static const struct guest_mem mem = {ram_read, ram_set_bits, NULL};
static struct guest_translation t;

static void put(u64 at, u64 value)
{
    memcpy(ram + at, &value, sizeof value);
}

static u64 get(u64 at)
{
    u64 value;

    memcpy(&value, ram + at, sizeof value);
    return value;
}

/* Four levels: 0x400000 and up are 4 KiB pages, 0x600000 a 2 MiB page, 0x40000000 a 1 GiB page. */
static struct guest_paging long_mode(void)
{
    memset(ram, 0, sizeof ram);
    put(0x1000, 0x2000 | P | W | U);
    put(0x2000, 0x3000 | P | W | U);
    put(0x2008, 0x80000000 | P | W | PS);
    put(0x3000 + 8 * 2, 0x4000 | P | W | U);
    put(0x3000 + 8 * 3, 0xa00000 | P | W | U | PS);
    put(0x4000, 0x123000 | P | W | U);
    put(0x4008, 0x124000 | P | U);      /* read-only */
    put(0x4010, 0x125000 | P | W);      /* supervisor */
    put(0x4018, 0x126000 | P | W | NX); /* data */
    put(0x4028, (1ull << 45) | P | W);  /* beyond the address width */
    return (struct guest_paging){.cr0 = CR0_PE | CR0_PG | CR0_WP,
                                 .cr3 = 0x1000,
                                 .cr4 = CR4_PAE,
                                 .efer = EFER_LME | EFER_LMA | EFER_NXE,
                                 .phys_bits = 40};
}

static int walk(const struct guest_paging *p, u64 linear, unsigned access)
{
    return guest_walk(p, &mem, gva(linear), access, &t);
}

TEST(no_paging_is_identity)
{
    struct guest_paging p = {.phys_bits = 40};

    CHECK_EQ(walk(&p, 0x12345, GUEST_WRITE), 0);
    CHECK_EQ(t.gpa.v, 0x12345);
}

TEST(page_sizes_of_long_mode)
{
    struct guest_paging p = long_mode();

    CHECK_EQ(walk(&p, 0x400abc, GUEST_READ), 0);
    CHECK_EQ(t.gpa.v, 0x123abc);
    CHECK_EQ(t.page_bytes, 0x1000);
    CHECK_EQ(walk(&p, 0x612345, GUEST_READ), 0);
    CHECK_EQ(t.gpa.v, 0xa12345);
    CHECK_EQ(t.page_bytes, 0x200000);
    CHECK_EQ(walk(&p, 0x40abcdef, GUEST_READ), 0);
    CHECK_EQ(t.gpa.v, 0x80abcdef);
    CHECK_EQ(t.page_bytes, 0x40000000);
}

static void expect_fault(const struct guest_paging *p, u64 linear, unsigned access, u64 error)
{
    CHECK_EQ((u32)walk(p, linear, access), (u32)-EFAULT);
    CHECK_EQ(t.error_code, error);
}

TEST(rights_and_error_codes)
{
    struct guest_paging p = long_mode();

    expect_fault(&p, 0x401000, GUEST_WRITE, PF_PRESENT | PF_WRITE);
    expect_fault(&p, 0x403000, GUEST_FETCH, PF_PRESENT | PF_FETCH);
    expect_fault(&p, 0x404000, GUEST_READ, 0);
    expect_fault(&p, 0x405000, GUEST_READ, PF_PRESENT | PF_RSVD);
    expect_fault(&p, 0x8000000000ull, GUEST_WRITE, PF_WRITE);
    p.cpl = 3;
    expect_fault(&p, 0x402000, GUEST_READ, PF_PRESENT | PF_USER);
    CHECK_EQ(walk(&p, 0x400000, GUEST_WRITE), 0);
    CHECK_EQ(walk(&p, 0x402000, GUEST_READ | GUEST_IMPLICIT), 0); /* the CPU's own access */
    p.cpl = 0;
    p.cr0 &= ~CR0_WP;
    CHECK_EQ(walk(&p, 0x401000, GUEST_WRITE), 0);
}

TEST(smep_and_smap)
{
    struct guest_paging p = long_mode();

    p.cr4 |= CR4_SMEP | CR4_SMAP;
    expect_fault(&p, 0x400000, GUEST_FETCH, PF_PRESENT | PF_FETCH);
    expect_fault(&p, 0x400000, GUEST_READ, PF_PRESENT);
    p.rflags = RFLAGS_AC;
    CHECK_EQ(walk(&p, 0x400000, GUEST_READ), 0);
    expect_fault(&p, 0x400000, GUEST_READ | GUEST_IMPLICIT, PF_PRESENT);
}

TEST(accessed_and_dirty_bits)
{
    struct guest_paging p = long_mode();

    CHECK_EQ(walk(&p, 0x400000, GUEST_READ), 0);
    CHECK(get(0x1000) & A);
    CHECK(get(0x3010) & A);
    CHECK_EQ(get(0x4000) & (A | D), A);
    CHECK_EQ(walk(&p, 0x400000, GUEST_WRITE), 0);
    CHECK_EQ(get(0x4000) & (A | D), A | D);
    expect_fault(&p, 0x401000, GUEST_WRITE, PF_PRESENT | PF_WRITE);
    CHECK_EQ(get(0x4008) & A, 0); /* a refused access leaves no mark */
}

TEST(hostile_tables)
{
    struct guest_paging p = long_mode();

    p.cr3 = 0x7ffff000; /* not RAM */
    CHECK_EQ((u32)walk(&p, 0, GUEST_READ), (u32)-EIO);
    p = long_mode();
    put(0x1000, 0x1000 | P | W | U); /* a table that names itself: the walk still ends */
    CHECK_EQ(walk(&p, 0, GUEST_READ), 0);
    CHECK_EQ(t.gpa.v, 0x1000);
}

TEST(two_levels_of_32_bit_paging)
{
    struct guest_paging p = {
        .cr0 = CR0_PE | CR0_PG, .cr3 = 0x1000, .cr4 = CR4_PSE, .phys_bits = 40};
    u32 entry;

    memset(ram, 0, sizeof ram);
    entry = 0x2000 | P | W | U;
    memcpy(ram + 0x1000 + 4, &entry, 4); /* 4 MiB and up */
    entry = 0x5000 | P | W | U;
    memcpy(ram + 0x2000, &entry, 4);
    entry = 0xc00000 | P | W | PS;
    memcpy(ram + 0x1000 + 8, &entry, 4); /* a 4 MiB page at 8 MiB */
    CHECK_EQ(walk(&p, 0x400123, GUEST_READ), 0);
    CHECK_EQ(t.gpa.v, 0x5123);
    CHECK_EQ(walk(&p, 0x800456, GUEST_READ), 0);
    CHECK_EQ(t.gpa.v, 0xc00456);
    CHECK_EQ(t.page_bytes, 0x400000);
}

TEST(canonical_addresses)
{
    struct guest_paging p = long_mode();

    CHECK(guest_is_canonical(&p, 0x00007fffffffffffull));
    CHECK(!guest_is_canonical(&p, 0x0000800000000000ull));
    CHECK(guest_is_canonical(&p, 0xffff800000000000ull));
}

/* Entries of four levels and what is above them at random, present and harmless ones preferred. */
static u64 random_entry(u64 next, unsigned *seed)
{
    static const u64 odd[] = {W, U, A, D, PS, NX, P, 1ull << 45, 1ull << 13, 1ull << 51};
    u64 entry = next | P | W | U | A | D;

    for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        if (*seed >> 27 == 0)
            entry ^= odd[i];
    }
    return entry;
}

/* With five levels there is one way through the walker, with four two: the results are the same. */
static const u64 entry_at[] = {0x1000, 0x2000, 0x3000 + 8 * 9, 0x4000 + 8 * 0x34};
static u8 before[RAM_BYTES];

TEST(the_common_case_says_what_the_full_walk_says)
{
    static const unsigned accesses[] = {GUEST_READ, GUEST_WRITE, GUEST_FETCH,
                                        GUEST_READ | GUEST_IMPLICIT};
    u64 linear = 0x1234567; /* indices 0, 0, 9, 0x34; below 48 bits in both modes */
    unsigned seed = 1, allowed = 0;

    for (unsigned round = 0; round < 200000; round++) {
        struct guest_paging four = long_mode(), five;
        struct guest_translation a, b;
        unsigned access = accesses[round & 3];
        u64 marks[4];
        int rc;

        put(0x6000, 0x1000 | P | W | U | A); /* the fifth level */
        put(0x1000, random_entry(0x2000, &seed));
        put(0x2000, random_entry(0x3000, &seed));
        put(0x3000 + 8 * 9, random_entry(0x4000, &seed));
        put(0x4000 + 8 * 0x34, random_entry(0x5000, &seed));
        four.cpl = (u8)((seed >> 8 & 1) * 3);
        four.cr0 ^= (seed >> 9 & 1) != 0 ? CR0_WP : 0;
        four.cr4 |= (seed >> 10 & 1) != 0 ? CR4_SMAP | CR4_SMEP : 0;
        four.efer ^= (seed >> 11 & 7) == 0 ? EFER_NXE : 0;
        five = four;
        five.cr3 = 0x6000;
        five.cr4 |= CR4_LA57;

        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        memcpy(before, ram, sizeof before);
        rc = guest_walk(&four, &mem, gva(linear), access, &a);
        for (unsigned i = 0; i < 4; i++)
            marks[i] = get(entry_at[i]);
        memcpy(ram, before, sizeof before);
        CHECK_EQ(guest_walk(&five, &mem, gva(linear), access, &b), rc);
        for (unsigned i = 0; i < 4; i++)
            CHECK_EQ(get(entry_at[i]), marks[i]);
        CHECK_EQ(a.error_code, b.error_code);
        if (rc == 0) {
            CHECK_EQ(a.gpa.v, b.gpa.v);
            CHECK_EQ(a.page_bytes, b.page_bytes);
            allowed++;
        }
    }
    CHECK(allowed > 20000 && allowed < 180000);
}
