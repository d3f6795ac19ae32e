/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does CPUID tell a consistent story, without what a guest must not have?
 * Manual: APM vol. 3 "CPUID". A failure means a guest would choose features that do not work.
 */
#include "tests/guests/lib/guest.h"

static void prefixed_cpuid(void *arg)
{
    /* A prefixed CPUID is three bytes long: an emulator that adds a fixed 2 lands in its middle. */
    __asm__ volatile("xor %%eax, %%eax\n .byte 0x66, 0x0f, 0xa2\n" ::: "rax", "rbx", "rcx", "rdx");
    (void)arg;
}

static void long_cpuid(void *arg)
{
    __asm__ volatile("xor %%eax, %%eax\n .byte 0x66, 0x66, 0x48, 0x0f, 0xa2\n" ::
                         : "rax", "rbx", "rcx", "rdx");
    (void)arg;
}

void guest_main(void)
{
    struct cpuid max = cpuid(0, 0);
    struct cpuid one = cpuid(1, 0);
    struct cpuid ext = cpuid(0x80000000, 0);
    struct cpuid hv = cpuid(0x40000000, 0);

    EXPECT(max.eax >= 7 && max.eax < 0x100);
    EXPECT(ext.eax >= 0x80000008 && ext.eax < 0x80000100);
    EXPECT(one.edx & (1u << 9));    /* APIC */
    EXPECT(one.edx & (1u << 6));    /* PAE */
    EXPECT(!(one.ecx & (1u << 5))); /* VMX */
    EXPECT(!(one.ecx & (1u << 3))); /* MONITOR */
    EXPECT((one.ebx >> 24) == 0);   /* APIC ID of the boot vCPU */
    EXPECT(one.ecx & (1u << 31));   /* hypervisor present */
    EXPECT(hv.eax >= 0x40000000 && hv.eax < 0x40000100);
    EXPECT(!(cpuid(0x80000001, 0).ecx & (1u << 2))); /* SVM */
    EXPECT(cpuid(0x80000001, 0).edx & (1u << 29));   /* long mode */
    EXPECT((cpuid(0x80000008, 0).eax & 0xff) >= 36);
    EXPECT_EQ(cpuid(0x8000000a, 0).eax, 0); /* SVM leaf hidden */

    /* OSXSAVE follows CR4. */
    if (one.ecx & (1u << 26)) {
        u64 cr4;

        EXPECT(!(one.ecx & (1u << 27)));
        __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
        __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | (1u << 18)));
        EXPECT(cpuid(1, 0).ecx & (1u << 27));
    }
    EXPECT_EQ(catch_trap(prefixed_cpuid, NULL), NO_TRAP);
    EXPECT_EQ(catch_trap(long_cpuid, NULL), NO_TRAP);
}
