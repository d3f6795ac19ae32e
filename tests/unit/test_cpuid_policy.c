/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/cpuid_policy.c */
/* What a guest sees of a CPU that has everything. */
#include "core/vm/cpuid_policy.h"
#include "tests/unit/harness.h"

#include <string.h>

static void full_host(u32 leaf, u32 subleaf, struct cpuid_regs *out)
{
    (void)subleaf;
    *out = (struct cpuid_regs){0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
    if (leaf == 0xd && subleaf >= 2)
        *out = (struct cpuid_regs){.eax = 256, .ebx = 576};
}

static struct cpuid_context context(void)
{
    return (struct cpuid_context){
        .host = full_host, .vcpu_count = 1, .tsc_khz = 2500000, .xcr0_supported = 7, .xcr0 = 1};
}

static struct cpuid_regs ask(const struct cpuid_context *ctx, u32 leaf, u32 subleaf)
{
    struct cpuid_regs r;

    cpuid_answer(ctx, leaf, subleaf, &r);
    return r;
}

TEST(what_must_not_be_seen)
{
    struct cpuid_context ctx = context();
    struct cpuid_regs one = ask(&ctx, 1, 0), ext = ask(&ctx, 0x80000001, 0);

    CHECK_EQ(one.ecx & (1u << 5), 0);  /* VMX */
    CHECK_EQ(one.ecx & (1u << 3), 0);  /* MONITOR */
    CHECK_EQ(one.ecx & (1u << 15), 0); /* PDCM */
    CHECK_EQ(ext.ecx & (1u << 2), 0);  /* SVM */
    CHECK_EQ(ask(&ctx, 0xa, 0).eax, 0);
    CHECK_EQ(ask(&ctx, 0x8000000a, 0).eax, 0);
    CHECK_EQ(ask(&ctx, 0x12345678, 0).eax, 0);
    CHECK_EQ(ask(&ctx, 7, 0).ebx & (1u << 16), 0); /* AVX-512 without its state */
    CHECK_EQ(ask(&ctx, 7, 0).ecx & (1u << 3), 0);  /* PKU without its state */
}

static void check_name(u32 leaf, const char *expected)
{
    struct cpuid_context ctx = context();
    struct cpuid_regs hv = ask(&ctx, leaf, 0);
    char name[13] = {0};

    memcpy(name, &hv.ebx, 4);
    memcpy(name + 4, &hv.ecx, 4);
    memcpy(name + 8, &hv.edx, 4);
    CHECK_STR(name, expected);
}

TEST(what_the_vm_adds)
{
    struct cpuid_context ctx = context();

    CHECK(ask(&ctx, 1, 0).ecx & (1u << 21)); /* x2APIC */
    CHECK(ask(&ctx, 1, 0).ecx & (1u << 24)); /* TSC deadline */
    CHECK(ask(&ctx, 1, 0).ecx & (1u << 31)); /* hypervisor */
    CHECK_EQ(ask(&ctx, 0x40000010, 0).eax, 2500000);
}

/* Linux looks for a name at every 100h-th leaf, and for features right behind KVM's. */
TEST(paravirtual_interface)
{
    struct cpuid_context ctx = context();
    struct cpuid_regs features = ask(&ctx, 0x40000001, 0);

    check_name(0x40000000, "KVMKVMKVM");
    CHECK_EQ(ask(&ctx, 0x40000000, 0).eax, 0x40000010);
    check_name(0x40000100, "SocleSocle");
    CHECK_EQ(ask(&ctx, 0x40000100, 0).eax, 0x40000100);
    CHECK_EQ(features.eax, 1u << 1 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 9 | 1u << 11 | 1u << 24);
    CHECK_EQ(features.ebx | features.ecx | features.edx, 0);
    CHECK_EQ(ask(&ctx, 0x40000002, 0).eax, 0);
}

TEST(dynamic_bits_follow_the_vcpu)
{
    struct cpuid_context ctx = context();

    CHECK_EQ(ask(&ctx, 1, 0).ecx & (1u << 27), 0);
    ctx.osxsave = true;
    CHECK(ask(&ctx, 1, 0).ecx & (1u << 27));
    CHECK_EQ(ask(&ctx, 0xd, 0).ebx, 576); /* x87 only */
    ctx.xcr0 = 7;
    CHECK_EQ(ask(&ctx, 0xd, 0).ebx, 832); /* with AVX */
    CHECK_EQ(ask(&ctx, 0xd, 0).eax, 7);
    CHECK_EQ(ask(&ctx, 0xd, 3).eax, 0);
}

TEST(topology_of_many_vcpus)
{
    struct cpuid_context ctx = context();

    ctx.vcpu_count = 6;
    ctx.apic_id = 5;
    CHECK_EQ(ask(&ctx, 1, 0).ebx >> 24, 5);
    CHECK_EQ((ask(&ctx, 1, 0).ebx >> 16) & 0xff, 6);
    CHECK(ask(&ctx, 1, 0).edx & (1u << 28));
    CHECK_EQ(ask(&ctx, 0xb, 1).eax, 3); /* bits for 6 cores */
    CHECK_EQ(ask(&ctx, 0xb, 1).ebx, 6);
    CHECK_EQ(ask(&ctx, 0xb, 0).edx, 5);
    CHECK_EQ(ask(&ctx, 0xb, 2).ebx, 0);
    CHECK_EQ(ask(&ctx, 0x80000008, 0).ecx, 5);
}
