/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID, a row per leaf. Spec: APM vol. 3 appendix E; SDM vol. 2 "CPUID". */
#include "core/vm/cpuid_policy.h"

#include "core/lib/compiler.h"
#include "core/lib/string.h"
#include "core/vm/pv_abi.h"

#define LEAF_MAX_BASIC    0x0du
#define LEAF_MAX_EXTENDED 0x80000008u
#define LEAF_PV           0x40000000u /* KVM's interface: where guests look first */
#define LEAF_PV_FEATURES  0x40000001u
#define LEAF_TIMING       0x40000010u
#define LEAF_SOCLE        0x40000100u /* this hypervisor's own name: the next place they look */

/* Leaf 1, ECX: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND. */
#define L1_ECX                                                                              \
    (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | \
     BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30))
#define L1_ECX_X2APIC       BIT(21) /* emulated */
#define L1_ECX_TSC_DEADLINE BIT(24) /* emulated */
#define L1_ECX_OSXSAVE      BIT(27)
#define L1_ECX_HYPERVISOR   BIT(31)
/* Leaf 1, EDX: FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX
 * FXSR SSE SSE2. */
#define L1_EDX              0x078bfbffu
#define L1_EDX_HTT          BIT(28)
/* Leaf 7, EBX: FSGSBASE TSC_ADJUST(emulated) BMI1 AVX2 SMEP BMI2 ERMS INVPCID AVX512* RDSEED ADX
 * SMAP CLFLUSHOPT CLWB SHA. */
#define L7_EBX                                                                                     \
    (BIT(0) | BIT(3) | BIT(5) | BIT(7) | BIT(8) | BIT(9) | BIT(10) | BIT(16) | BIT(17) | BIT(18) | \
     BIT(19) | BIT(20) | BIT(21) | BIT(23) | BIT(24) | BIT(28) | BIT(29) | BIT(30) | BIT(31))
#define L7_EBX_TSC_ADJUST BIT(1)
/* ECX: AVX512_VBMI UMIP AVX512_VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNT RDPID. */
#define L7_ECX \
    (BIT(1) | BIT(2) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | BIT(22))
/* 80000001, ECX: LAHF CR8 ABM SSE4A MISALIGNSSE PREFETCHW; no SVM, no IBS, no topology extensions.
 */
#define X1_ECX               (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
/* EDX: the copies of leaf 1, SYSCALL NX MMXEXT FXSR FFXSR(no) PDPE1GB RDTSCP LM. */
#define X1_EDX               (0x0183f3ffu | BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(27) | BIT(29))
#define X7_EDX_INVARIANT_TSC BIT(8)
/* 80000008, EBX: CLZERO XSAVEERPTR WBNOINVD. Mitigation controls need MSRs that are not offered
 * yet. */
#define X8_EBX               (BIT(0) | BIT(2) | BIT(9))

/* No delays by port 80h are needed: devices here are never too slow. */
#define PV_FEATURES                                                              \
    (PV_FEATURE_NOP_IO_DELAY | PV_FEATURE_CLOCKSOURCE2 | PV_FEATURE_STEAL_TIME | \
     PV_FEATURE_UNHALT | PV_FEATURE_TLB_FLUSH | PV_FEATURE_SEND_IPI | PV_FEATURE_CLOCK_STABLE)

#define XSAVE_SUBLEAF1 (BIT(0) | BIT(2)) /* XSAVEOPT, XGETBV with ECX = 1; no supervisor state */

typedef void (*leaf_fn)(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                        struct cpuid_regs *r);

static void leaf_vendor(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                        struct cpuid_regs *r)
{
    (void)ctx;
    (void)subleaf;
    r->eax = leaf >= 0x80000000u ? LEAF_MAX_EXTENDED : MIN(r->eax, LEAF_MAX_BASIC);
}

static void leaf_features(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                          struct cpuid_regs *r)
{
    (void)leaf;
    (void)subleaf;
    r->ebx = (r->ebx & 0xff00u) | (ctx->apic_id << 24) | (ctx->vcpu_count << 16);
    r->ecx &= (u32)L1_ECX;
    if (ctx->xcr0_supported == 0)
        r->ecx &= ~(u32)(BIT(26) | BIT(28) | BIT(12) | BIT(29));
    r->ecx |= (u32)(L1_ECX_X2APIC | L1_ECX_TSC_DEADLINE | L1_ECX_HYPERVISOR);
    r->ecx |= ctx->osxsave ? (u32)L1_ECX_OSXSAVE : 0;
    r->edx &= L1_EDX;
    r->edx |= ctx->vcpu_count > 1 ? (u32)L1_EDX_HTT : 0;
}

static void leaf_extended_features(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                                   struct cpuid_regs *r)
{
    u32 avx512 = (u32)(BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31));

    (void)leaf;
    if (subleaf != 0) {
        *r = (struct cpuid_regs){0};
        return;
    }
    *r = (struct cpuid_regs){.ebx = (r->ebx & (u32)L7_EBX) | (u32)L7_EBX_TSC_ADJUST,
                             .ecx = r->ecx & (u32)L7_ECX};
    if ((ctx->xcr0_supported & BIT(5)) == 0)
        r->ebx &= ~avx512;
}

/* One thread per core, all vCPUs in one package. */
static void leaf_topology(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                          struct cpuid_regs *r)
{
    u32 bits = ctx->vcpu_count > 1 ? 32u - (u32)__builtin_clz(ctx->vcpu_count - 1) : 0;

    (void)leaf;
    *r = (struct cpuid_regs){.ecx = subleaf & 0xff, .edx = ctx->apic_id};
    if (subleaf == 0) { /* threads of a core */
        r->ebx = 1;
        r->ecx |= 1u << 8;
    } else if (subleaf == 1) { /* cores of a package */
        r->eax = bits;
        r->ebx = ctx->vcpu_count;
        r->ecx |= 2u << 8;
    }
}

/* Size of the standard-format area for a set of components. */
static u32 xsave_bytes(const struct cpuid_context *ctx, u64 components)
{
    u32 bytes = 576;

    for (u32 i = 2; i < 63; i++) {
        struct cpuid_regs r;

        if (((components >> i) & 1) == 0)
            continue;
        ctx->host(0xd, i, &r);
        bytes = MAX(bytes, r.eax + r.ebx);
    }
    return bytes;
}

static void leaf_xsave(const struct cpuid_context *ctx, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
    (void)leaf;
    if (ctx->xcr0_supported == 0) {
        *r = (struct cpuid_regs){0};
    } else if (subleaf == 0) {
        r->eax = (u32)ctx->xcr0_supported;
        r->edx = (u32)(ctx->xcr0_supported >> 32);
        r->ebx = xsave_bytes(ctx, ctx->xcr0);
        r->ecx = xsave_bytes(ctx, ctx->xcr0_supported);
    } else if (subleaf == 1) {
        *r = (struct cpuid_regs){.eax = r->eax & (u32)XSAVE_SUBLEAF1};
    } else if (subleaf > 62 || ((ctx->xcr0_supported >> subleaf) & 1) == 0) {
        *r = (struct cpuid_regs){0};
    }
}

/* The last leaf of a range, and twelve letters that name it. */
static void set_signature(struct cpuid_regs *r, u32 last, const char name[12])
{
    r->eax = last;
    memcpy(&r->ebx, name, 4);
    memcpy(&r->ecx, name + 4, 4);
    memcpy(&r->edx, name + 8, 4);
}

/* The range ends with the timing leaf, as where KVM's user chooses to show that one. */
static void leaf_pv(const struct cpuid_context *ctx, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
    (void)ctx;
    (void)leaf;
    (void)subleaf;
    set_signature(r, LEAF_TIMING, "KVMKVMKVM\0\0");
}

static void leaf_pv_features(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                             struct cpuid_regs *r)
{
    (void)ctx;
    (void)leaf;
    (void)subleaf;
    *r = (struct cpuid_regs){.eax = (u32)PV_FEATURES};
}

static void leaf_socle(const struct cpuid_context *ctx, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
    (void)ctx;
    (void)leaf;
    (void)subleaf;
    set_signature(r, LEAF_SOCLE, "SocleSocle\0");
}

/* TSC and APIC bus frequency in kHz, in the place other hypervisors use. */
static void leaf_timing(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                        struct cpuid_regs *r)
{
    (void)leaf;
    (void)subleaf;
    *r = (struct cpuid_regs){.eax = (u32)ctx->tsc_khz, .ebx = 1000000};
}

static void leaf_extended1(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                           struct cpuid_regs *r)
{
    (void)ctx;
    (void)leaf;
    (void)subleaf;
    r->ecx &= (u32)X1_ECX;
    r->edx &= (u32)X1_EDX;
}

static void leaf_power(const struct cpuid_context *ctx, u32 leaf, u32 subleaf, struct cpuid_regs *r)
{
    (void)ctx;
    (void)leaf;
    (void)subleaf;
    *r = (struct cpuid_regs){.edx = r->edx & (u32)X7_EDX_INVARIANT_TSC};
}

static void leaf_addresses(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                           struct cpuid_regs *r)
{
    (void)leaf;
    (void)subleaf;
    r->ebx &= (u32)X8_EBX;
    r->ecx = ctx->vcpu_count - 1;
    r->edx = 0;
}

static void leaf_as_host(const struct cpuid_context *ctx, u32 leaf, u32 subleaf,
                         struct cpuid_regs *r)
{
    (void)ctx;
    (void)leaf;
    (void)subleaf;
    (void)r;
}

static const struct {
    u32 leaf;
    leaf_fn fn;
} leaves[] = {
    {0x00000000, leaf_vendor},
    {0x00000001, leaf_features},
    {0x00000007, leaf_extended_features},
    {0x0000000b, leaf_topology},
    {0x0000000d, leaf_xsave},
    {LEAF_PV, leaf_pv},
    {LEAF_PV_FEATURES, leaf_pv_features},
    {LEAF_TIMING, leaf_timing},
    {LEAF_SOCLE, leaf_socle},
    {0x80000000, leaf_vendor},
    {0x80000001, leaf_extended1},
    {0x80000002, leaf_as_host},
    {0x80000003, leaf_as_host},
    {0x80000004, leaf_as_host},
    {0x80000005, leaf_as_host},
    {0x80000006, leaf_as_host},
    {0x80000007, leaf_power},
    {0x80000008, leaf_addresses},
};

void cpuid_answer(const struct cpuid_context *ctx, u32 leaf, u32 subleaf, struct cpuid_regs *out)
{
    *out = (struct cpuid_regs){0};
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        if (leaves[i].leaf != leaf)
            continue;
        ctx->host(leaf, subleaf, out);
        leaves[i].fn(ctx, leaf, subleaf, out);
        return;
    }
}
