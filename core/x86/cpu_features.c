/* SPDX-License-Identifier: BSD-2-Clause */
/* Detects and turns on CPU features. Spec: APM vol. 3 "CPUID"; SDM vol. 2 "CPUID". */
#include "core/x86/cpu_features.h"

#include "core/lib/compiler.h"
#include "core/lib/string.h"
#include "core/x86/cr.h"
#include "core/x86/fpu.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "core/x86/msr.h"

/* The reset value with entry 1 (PWT alone) changed to write-combining, as mm/hpt.c counts on. */
#define PAT_HOST 0x0007040600070106ull

#define LEAF_FEATURES     0x00000001u
#define LEAF_EXT_FEATURES 0x00000007u
#define LEAF_EXT_MAX      0x80000000u
#define LEAF_EXT_FEATURE1 0x80000001u
#define LEAF_BRAND        0x80000002u
#define LEAF_POWER        0x80000007u
#define LEAF_ADDRESS      0x80000008u

struct cpu_features cpu_features;

extern u64 __stack_chk_guard;

static const char *names[16];

static void detect_basic(u32 max)
{
    struct cpuid_regs r;

    cpuid_count(LEAF_FEATURES, 0, &r);
    cpu_features.has_pge = (r.edx & BIT(13)) != 0;
    cpu_features.has_x2apic = (r.ecx & BIT(21)) != 0;
    cpu_features.has_tsc_deadline = (r.ecx & BIT(24)) != 0;
    cpu_features.has_xsave = (r.ecx & BIT(26)) != 0;
    cpu_features.has_avx = (r.ecx & BIT(28)) != 0;
    cpu_features.has_rdrand = (r.ecx & BIT(30)) != 0;
    if (max < LEAF_EXT_FEATURES)
        return;
    cpuid_count(LEAF_EXT_FEATURES, 0, &r);
    cpu_features.has_fsgsbase = (r.ebx & BIT(0)) != 0;
    cpu_features.has_smep = (r.ebx & BIT(7)) != 0;
    cpu_features.has_rdseed = (r.ebx & BIT(18)) != 0;
    cpu_features.has_smap = (r.ebx & BIT(20)) != 0;
    cpu_features.has_umip = (r.ecx & BIT(2)) != 0;
    cpu_features.has_ibpb = (r.edx & BIT(26)) != 0;
}

static void detect_extended(u32 max)
{
    struct cpuid_regs r;

    cpuid_count(LEAF_EXT_FEATURE1, 0, &r);
    cpu_features.has_nx = (r.edx & BIT(20)) != 0;
    cpu_features.has_1g_pages = (r.edx & BIT(26)) != 0;
    cpu_features.has_rdtscp = (r.edx & BIT(27)) != 0;
    for (u32 i = 0; i < 3 && max >= LEAF_BRAND + 2; i++) {
        cpuid_count(LEAF_BRAND + i, 0, &r);
        memcpy(cpu_features.model + 16 * i, &r, sizeof r);
    }
    if (max >= LEAF_POWER) {
        cpuid_count(LEAF_POWER, 0, &r);
        cpu_features.has_invariant_tsc = (r.edx & BIT(8)) != 0;
    }
    cpu_features.physical_bits = 36;
    if (max >= LEAF_ADDRESS) {
        cpuid_count(LEAF_ADDRESS, 0, &r);
        cpu_features.physical_bits = (u8)r.eax;
        cpu_features.has_ibpb |= (r.ebx & BIT(12)) != 0; /* AMD's place for it */
    }
}

static void list_names(void)
{
    const struct {
        bool has;
        const char *name;
    } all[] = {
        {cpu_features.has_nx, "nx"},
        {cpu_features.has_1g_pages, "pdpe1gb"},
        {cpu_features.has_smep, "smep"},
        {cpu_features.has_smap, "smap"},
        {cpu_features.has_umip, "umip"},
        {cpu_features.has_x2apic, "x2apic"},
        {cpu_features.has_tsc_deadline, "tsc_deadline"},
        {cpu_features.has_invariant_tsc, "invariant_tsc"},
        {cpu_features.has_xsave, "xsave"},
        {cpu_features.has_avx, "avx"},
        {cpu_features.has_rdrand, "rdrand"},
    };
    unsigned n = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        if (all[i].has)
            names[n++] = all[i].name;
    }
    names[n] = NULL;
}

/* It changes the canary, so it cannot have one itself. */
__attribute__((no_stack_protector)) void cpu_features_detect(void)
{
    struct cpuid_regs r, ext;
    u64 random = 0;

    cpuid_count(0, 0, &r);
    memcpy(cpu_features.vendor, &r.ebx, 4);
    memcpy(cpu_features.vendor + 4, &r.edx, 4);
    memcpy(cpu_features.vendor + 8, &r.ecx, 4);
    detect_basic(r.eax);
    cpuid_count(LEAF_EXT_MAX, 0, &ext);
    detect_extended(ext.eax);
    list_names();

    if (!cpu_features.has_rdrand || !rdrand(&random))
        random = rdtsc() * 0x9e3779b97f4a7c15ull;
    __stack_chk_guard = random & ~0xffull; /* a zero byte stops string overruns */
}

static void report(bool has, const char *name, const char *consequence)
{
    if (!has)
        log_warn("cpu", "no %s: %s", name, consequence);
}

void cpu_features_report(void)
{
    log_info("cpu", "%s, %s, %u physical address bits", cpu_features.vendor, cpu_features.model,
             cpu_features.physical_bits);
    report(cpu_features.has_nx, "NX", "data pages stay executable");
    report(cpu_features.has_smep, "SMEP", "low memory is not guarded against execution");
    report(cpu_features.has_smap, "SMAP", "low memory is not guarded against access");
    report(cpu_features.has_1g_pages, "1 GiB pages", "more TLB misses");
    report(cpu_features.has_x2apic, "x2APIC", "the local APIC is used through memory");
    report(cpu_features.has_tsc_deadline, "TSC deadline", "timers use the APIC's counter");
    report(cpu_features.has_invariant_tsc, "invariant TSC", "the clock may drift in deep sleep");
    report(cpu_features.has_rdrand, "RDRAND", "random numbers come from timing");
}

void cpu_features_enable(void)
{
    u64 cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_MCE;

    if (cpu_features.has_nx)
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    write_cr0((read_cr0() | CR0_WP | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS | CR0_CD | CR0_NW));
    cr4 |= cpu_features.has_smep ? CR4_SMEP : 0;
    cr4 |= cpu_features.has_smap ? CR4_SMAP : 0;
    cr4 |= cpu_features.has_umip ? CR4_UMIP : 0;
    cr4 |= cpu_features.has_pge ? CR4_PGE : 0;
    cr4 |= cpu_features.has_xsave ? CR4_OSXSAVE : 0;
    write_cr4(cr4);
    wrmsr(MSR_PAT, PAT_HOST);
    fpu_cpu_init();
}

const char *const *cpu_features_names(void)
{
    return names;
}
