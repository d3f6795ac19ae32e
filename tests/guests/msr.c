/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do allowed MSRs hold their values, and does every other access raise #GP(0)?
 * Manual: APM vol. 2 "Model-Specific Registers". A failure lets a guest touch the host, or crashes
 * a guest.
 */
#include "tests/guests/lib/guest.h"

struct access {
    u32 msr;
    u64 value;
};

static void do_read(void *arg)
{
    struct access *a = arg;

    a->value = rdmsr(a->msr);
}

static void do_write(void *arg)
{
    const struct access *a = arg;

    wrmsr(a->msr, a->value);
}

static void expect_gp_read(u32 msr)
{
    struct access a = {.msr = msr};

    if (catch_trap(do_read, &a) != 13)
        failure("reading MSR 0x%x raised no #GP", msr);
    EXPECT_EQ(trap_error, 0);
}

static void expect_gp_write(u32 msr, u64 value)
{
    struct access a = {.msr = msr, .value = value};

    if (catch_trap(do_write, &a) != 13)
        failure("writing 0x%lx to MSR 0x%x raised no #GP", value, msr);
}

static void expect_holds(u32 msr, u64 value)
{
    u64 old = rdmsr(msr);

    wrmsr(msr, value);
    EXPECT_EQ(rdmsr(msr), value);
    wrmsr(msr, old);
}

void guest_main(void)
{
    static const u32 holding[] = {0xc0000081, 0xc0000082, 0xc0000083, 0xc0000102, 0x175, 0x176};
    u64 tsc;

    for (unsigned i = 0; i < sizeof holding / sizeof holding[0]; i++)
        expect_holds(holding[i], 0x0000123456789abcull);
    expect_holds(0xc0000084, 0x47700);          /* SFMASK */
    expect_holds(0x277, 0x0007040600070406ull); /* PAT */
    expect_holds(0xc0000100, 0x1000);           /* FS base */
    expect_holds(0xc0000101, 0x2000);           /* GS base */

    EXPECT(rdmsr(0xc0000080) & 0x400);     /* EFER.LMA */
    EXPECT(!(rdmsr(0xc0000080) & 0x1000)); /* EFER.SVME is the host's */
    expect_gp_write(0xc0000080, rdmsr(0xc0000080) | 0x1000);
    expect_gp_write(0xc0000080, rdmsr(0xc0000080) & ~0x100ull); /* LME off while paging */
    expect_gp_write(0xc0000080, 1ull << 40);
    expect_gp_write(0x277, 0x02ull); /* PAT: reserved type */
    expect_gp_write(0x1b, 0xfee00800ull | (1ull << 63));

    EXPECT_EQ(rdmsr(0x1b) & 0xfffff900, 0xfee00900); /* APIC base: enabled, boot processor */
    tsc = rdmsr(0x10);
    EXPECT(rdmsr(0x10) > tsc);

    expect_gp_read(0xc0010114); /* VM_CR */
    expect_gp_read(0xc0010117); /* VM_HSAVE_PA */
    expect_gp_write(0xc0010117, 0x1000);
    expect_gp_read(0x12345678);
    expect_gp_write(0x12345678, 0);
    expect_gp_read(0xffffffff);
    expect_gp_read(0x480); /* VMX capability */
    expect_gp_read(0x800); /* x2APIC range while in xAPIC mode */
}
