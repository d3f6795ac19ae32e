/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do writes to CR0 and CR4 read back as written, whoever owns the bits, and are illegal
 * ones refused with #GP?
 * Manual: SDM 3A "Control Registers". A failure shows guests the hypervisor's own bits, or lets
 * them break VM entry.
 */
#include "tests/guests/lib/guest.h"

#define GENUINE 0x756e6547u /* "Genu" */

#define CR0_MP (1ull << 1)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_NW (1ull << 29)
#define CR0_CD (1ull << 30)
#define CR0_PG (1ull << 31)

#define CR4_TSD  (1ull << 2)
#define CR4_DE   (1ull << 3)
#define CR4_PAE  (1ull << 5)
#define CR4_MCE  (1ull << 6)
#define CR4_PGE  (1ull << 7)
#define CR4_PCE  (1ull << 8)
#define CR4_VMXE (1ull << 13)
#define CR4_SMXE (1ull << 14)

static u64 read_cr0(void)
{
    u64 v;
    __asm__ volatile("mov %%cr0, %0" : "=r"(v)::"memory");
    return v;
}

static void write_cr0(void *value)
{
    __asm__ volatile("mov %0, %%cr0" ::"r"(value) : "memory");
}

static u64 read_cr4(void)
{
    u64 v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v)::"memory");
    return v;
}

static void write_cr4(void *value)
{
    __asm__ volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}

static void toggle_cr0(u64 bits)
{
    u64 old = read_cr0();

    write_cr0((void *)(old ^ bits));
    EXPECT_EQ(read_cr0(), old ^ bits);
    write_cr0((void *)old);
    EXPECT_EQ(read_cr0(), old);
}

static void toggle_cr4(u64 bits)
{
    u64 old = read_cr4();

    write_cr4((void *)(old ^ bits));
    EXPECT_EQ(read_cr4(), old ^ bits);
    write_cr4((void *)old);
    EXPECT_EQ(read_cr4(), old);
}

static void refused(void (*write)(void *), u64 (*read)(void), u64 value)
{
    u64 old = read();

    EXPECT_EQ(catch_trap(write, (void *)value), 13);
    EXPECT_EQ(trap_error, 0);
    EXPECT_EQ(read(), old);
}

/* QEMU's TCG checks none of these on AMD: it takes the value, or ends the VM with an invalid-state
 * exit. */
static void refusals(void)
{
    refused(write_cr0, read_cr0, (read_cr0() | CR0_NW) & ~CR0_CD);
    refused(write_cr0, read_cr0, read_cr0() & ~1ull);           /* PG without PE */
    refused(write_cr0, read_cr0, read_cr0() & ~CR0_PG);         /* in 64-bit mode */
    refused(write_cr0, read_cr0, read_cr0() ^ CR0_NE ^ CR0_PG); /* with a bit the host owns */
    refused(write_cr0, read_cr0, read_cr0() | 1ull << 32);
    refused(write_cr4, read_cr4, read_cr4() | CR4_VMXE);
    refused(write_cr4, read_cr4, read_cr4() | CR4_SMXE);
    refused(write_cr4, read_cr4, read_cr4() | 1ull << 40);
    refused(write_cr4, read_cr4, read_cr4() & ~CR4_PAE);
}

void guest_main(void)
{
    EXPECT_EQ(read_cr4() & (CR4_VMXE | CR4_MCE), 0);
    toggle_cr0(CR0_NE);
    toggle_cr0(CR0_MP | CR0_AM | CR0_WP);
    toggle_cr0(CR0_CD);
    toggle_cr0(CR0_CD | CR0_NW);
    toggle_cr4(CR4_MCE);
    toggle_cr4(CR4_MCE | CR4_PGE | CR4_DE);
    toggle_cr4(CR4_TSD);
    toggle_cr4(CR4_PCE);
    if (cpuid(0, 0).ebx == GENUINE)
        refusals();
}
