/* SPDX-License-Identifier: BSD-2-Clause */
/* RDMSR and WRMSR, by table; deny by default. */
#include "core/vm/exit_msr.h"

#include "core/lib/errno.h"
#include "core/vm/exit.h"
#include "core/vm/pv_clock.h"
#include "core/vm/pv_steal.h"
#include "core/vm/vm.h"
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"
#include "core/x86/pat.h"
#include "core/x86/tsc.h"

/* Fixed ranges and write-combining are supported. */
#define MTRR_CAP_VALUE          (MTRR_VARIABLE_COUNT | BIT(8) | BIT(10))
#define MTRR_DEF_TYPE_MASK      (0xffull | BIT(10) | BIT(11))
#define MTRR_DEF_TYPE_RESET     (6ull | BIT(11)) /* write-back, on */
#define MTRR_MASK_VALID         BIT(11)
#define MISC_ENABLE_FAST_STRING BIT(0)
#define HWCR_WRITABLE           (BIT(3) | BIT(6) | BIT(8)) /* what Linux sets; no effect on this CPU */
#define UCODE_LEVEL             0x08001230ull /* a plain number: guests cannot load microcode */
#define MTRR_TYPES              0x73ull       /* types 0, 1, 4, 5, 6 are memory types */

typedef int (*msr_get)(struct vcpu *vcpu, u32 msr, u64 *value);
typedef int (*msr_set)(struct vcpu *vcpu, u32 msr, u64 value);

struct msr_row {
    u32 first;
    u32 last;
    msr_get get; /* NULL: reading is refused */
    msr_set set; /* NULL: writing is refused */
};

static bool is_canonical(u64 address)
{
    return (u64)((s64)(address << 16) >> 16) == address;
}

/* -- kept by the vendor layer
 * ----------------------------------------------------------------------------- */

static const struct {
    u32 msr;
    enum hvm_reg reg;
    bool is_address;
} direct[] = {
    {MSR_STAR, HVM_STAR, false},
    {MSR_LSTAR, HVM_LSTAR, true},
    {MSR_CSTAR, HVM_CSTAR, true},
    {MSR_SFMASK, HVM_SFMASK, false},
    {MSR_KERNEL_GS_BASE, HVM_KERNEL_GS_BASE, true},
    {MSR_SYSENTER_CS, HVM_SYSENTER_CS, false},
    {MSR_SYSENTER_ESP, HVM_SYSENTER_ESP, true},
    {MSR_SYSENTER_EIP, HVM_SYSENTER_EIP, true},
};

static int get_direct(struct vcpu *vcpu, u32 msr, u64 *value)
{
    for (unsigned i = 0; i < ARRAY_SIZE(direct); i++) {
        if (direct[i].msr == msr) {
            *value = hvm->reg_get(vcpu, direct[i].reg);
            return 0;
        }
    }
    return -EINVAL;
}

static int set_direct(struct vcpu *vcpu, u32 msr, u64 value)
{
    for (unsigned i = 0; i < ARRAY_SIZE(direct); i++) {
        if (direct[i].msr != msr)
            continue;
        if (direct[i].is_address && !is_canonical(value))
            return -EINVAL;
        hvm->reg_set(vcpu, direct[i].reg, value);
        return 0;
    }
    return -EINVAL;
}

static int get_segment_base(struct vcpu *vcpu, u32 msr, u64 *value)
{
    struct hvm_segment seg;

    hvm->seg_get(vcpu, msr == MSR_FS_BASE ? HVM_FS : HVM_GS, &seg);
    *value = seg.base;
    return 0;
}

static int set_segment_base(struct vcpu *vcpu, u32 msr, u64 value)
{
    enum hvm_seg which = msr == MSR_FS_BASE ? HVM_FS : HVM_GS;
    struct hvm_segment seg;

    if (!is_canonical(value))
        return -EINVAL;
    hvm->seg_get(vcpu, which, &seg);
    seg.base = value;
    hvm->seg_set(vcpu, which, &seg);
    return 0;
}

static int get_efer(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = hvm->reg_get(vcpu, HVM_EFER);
    return 0;
}

/* Spec: APM vol. 2 "Extended Feature Enable Register (EFER)": LMA follows LME and paging; LME is
 * fixed while paging is on. */
static int set_efer(struct vcpu *vcpu, u32 msr, u64 value)
{
    u64 allowed = EFER_SCE | EFER_LME | EFER_LMA | (cpu_features.has_nx ? EFER_NXE : 0);
    u64 old = hvm->reg_get(vcpu, HVM_EFER);
    bool paging = (hvm->reg_get(vcpu, HVM_CR0) & CR0_PG) != 0;

    (void)msr;
    if ((value & ~allowed) != 0 || (paging && ((value ^ old) & EFER_LME) != 0))
        return -EINVAL;
    hvm->reg_set(vcpu, HVM_EFER, (value & ~EFER_LMA) | (old & EFER_LMA));
    return 0;
}

static bool is_memory_type(u8 type, u64 types)
{
    return type < 8 && ((types >> type) & 1) != 0;
}

static int get_pat(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = hvm->reg_get(vcpu, HVM_PAT);
    return 0;
}

static int set_pat(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)msr;
    if (!pat_is_valid(value))
        return -EINVAL;
    hvm->reg_set(vcpu, HVM_PAT, value);
    return 0;
}

static int get_debugctl(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = hvm->reg_get(vcpu, HVM_DEBUGCTL);
    return 0;
}

/* Branch recording is not offered: only zero may be written. */
static int set_zero_only(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)vcpu;
    (void)msr;
    return value == 0 ? 0 : -EINVAL;
}

/* -- time
 * ---------------------------------------------------------------------------------------------------
 */

static int get_tsc(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = tsc_read() + vcpu->tsc_offset;
    return 0;
}

static void move_tsc(struct vcpu *vcpu, u64 delta)
{
    vcpu->tsc_offset += delta;
    vcpu->msrs.tsc_adjust += delta;
    hvm->tsc_offset_set(vcpu, vcpu->tsc_offset);
    pv_clock_tsc_moved(vcpu);
}

static int set_tsc(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)msr;
    move_tsc(vcpu, value - (tsc_read() + vcpu->tsc_offset));
    return 0;
}

static int get_tsc_adjust(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = vcpu->msrs.tsc_adjust;
    return 0;
}

static int set_tsc_adjust(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)msr;
    move_tsc(vcpu, value - vcpu->msrs.tsc_adjust);
    return 0;
}

static int get_tsc_aux(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = vcpu->tsc_aux;
    return cpu_features.has_rdtscp ? 0 : -EINVAL;
}

static int set_tsc_aux(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)msr;
    if (!cpu_features.has_rdtscp || (value >> 32) != 0)
        return -EINVAL;
    vcpu->tsc_aux = value;
    wrmsr(MSR_TSC_AUX,
          value); /* loaded on this CPU while the vCPU is: the next load sets it again */
    return 0;
}

/* -- memory types: kept for the guest to read back; nested paging decides the real ones
 * ------------------------ */

static u64 *mtrr_slot(struct vcpu *vcpu, u32 msr)
{
    u64 *fixed = vcpu->msrs.mtrr_fixed;

    switch (msr) {
    case MSR_MTRR_DEF_TYPE:
        return &vcpu->msrs.mtrr_def_type;
    case MSR_MTRR_FIX64K:
        return &fixed[0];
    case MSR_MTRR_FIX16K_80:
        return &fixed[1];
    case MSR_MTRR_FIX16K_A0:
        return &fixed[2];
    default:
        if (msr >= MSR_MTRR_FIX4K_C0 && msr <= MSR_MTRR_FIX4K_F8)
            return &fixed[3 + msr - MSR_MTRR_FIX4K_C0];
        return &vcpu->msrs.mtrr_variable[msr - MSR_MTRR_PHYS_BASE0];
    }
}

static int get_mtrr(struct vcpu *vcpu, u32 msr, u64 *value)
{
    *value = *mtrr_slot(vcpu, msr);
    return 0;
}

static bool mtrr_value_is_valid(u32 msr, u64 value)
{
    u64 physical = (1ull << cpu_features.physical_bits) - 1;

    if (msr == MSR_MTRR_DEF_TYPE)
        return (value & ~MTRR_DEF_TYPE_MASK) == 0 && is_memory_type((u8)value, MTRR_TYPES);
    if (msr >= MSR_MTRR_FIX64K) {
        for (unsigned i = 0; i < 8; i++) {
            if (!is_memory_type((u8)(value >> (8 * i)), MTRR_TYPES))
                return false;
        }
        return true;
    }
    if ((msr & 1) != 0) /* a mask */
        return (value & ~(physical & ~PAGE_MASK) & ~MTRR_MASK_VALID) == 0;
    return (value & ~(physical & ~PAGE_MASK) & ~0xffull) == 0 &&
           is_memory_type((u8)value, MTRR_TYPES);
}

static int set_mtrr(struct vcpu *vcpu, u32 msr, u64 value)
{
    if (!mtrr_value_is_valid(msr, value))
        return -EINVAL;
    *mtrr_slot(vcpu, msr) = value;
    return 0;
}

/* -- constants
 * -----------------------------------------------------------------------------------------------------
 */

static int get_zero(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)vcpu;
    (void)msr;
    *value = 0;
    return 0;
}

static int get_constant(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)vcpu;
    switch (msr) {
    case MSR_MTRR_CAP:
        *value = MTRR_CAP_VALUE;
        return 0;
    case MSR_PATCH_LEVEL:
        *value = UCODE_LEVEL;
        return 0;
    default:
        return -EINVAL;
    }
}

static int get_misc_enable(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = vcpu->msrs.misc_enable;
    return 0;
}

static int set_misc_enable(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)msr;
    if ((value & ~MISC_ENABLE_FAST_STRING) != 0)
        return -EINVAL;
    vcpu->msrs.misc_enable = value;
    return 0;
}

static int get_hwcr(struct vcpu *vcpu, u32 msr, u64 *value)
{
    (void)msr;
    *value = vcpu->msrs.amd_hwcr;
    return 0;
}

static int set_hwcr(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)msr;
    if ((value & ~HWCR_WRITABLE) != 0)
        return -EINVAL;
    vcpu->msrs.amd_hwcr = value;
    return 0;
}

static int ignore_write(struct vcpu *vcpu, u32 msr, u64 value)
{
    (void)vcpu;
    (void)msr;
    (void)value;
    return 0;
}

/* -- paravirtual
 * ------------------------------------------------------------------------------------------------------
 */

static int get_pv(struct vcpu *vcpu, u32 msr, u64 *value)
{
    switch (msr) {
    case MSR_PV_WALL_CLOCK:
        *value = vcpu->pv.wall_clock;
        return 0;
    case MSR_PV_SYSTEM_TIME:
        *value = vcpu->pv.system_time;
        return 0;
    default:
        *value = vcpu->pv.steal_time;
        return 0;
    }
}

static int set_pv(struct vcpu *vcpu, u32 msr, u64 value)
{
    switch (msr) {
    case MSR_PV_WALL_CLOCK:
        return pv_clock_set_wall(vcpu, value);
    case MSR_PV_SYSTEM_TIME:
        return pv_clock_set_system(vcpu, value);
    default:
        return pv_steal_set(vcpu, value);
    }
}

/* -- local APIC
 * ------------------------------------------------------------------------------------------------------
 */

static int get_apic(struct vcpu *vcpu, u32 msr, u64 *value)
{
    return vcpu->vm->irqchip->msr_read(vcpu, msr, value) == 0 ? 0 : -EINVAL;
}

static int set_apic(struct vcpu *vcpu, u32 msr, u64 value)
{
    return vcpu->vm->irqchip->msr_write(vcpu, msr, value) == 0 ? 0 : -EINVAL;
}

static const struct msr_row rows[] = {
    {MSR_TSC, MSR_TSC, get_tsc, set_tsc},
    {MSR_PLATFORM_ID, MSR_PLATFORM_ID, get_zero, NULL},
    {MSR_APIC_BASE, MSR_APIC_BASE, get_apic, set_apic},
    {MSR_TSC_ADJUST, MSR_TSC_ADJUST, get_tsc_adjust, set_tsc_adjust},
    {MSR_PATCH_LEVEL, MSR_PATCH_LEVEL, get_constant, set_zero_only},
    {MSR_MTRR_CAP, MSR_MTRR_CAP, get_constant, NULL},
    {MSR_SYSENTER_CS, MSR_SYSENTER_EIP, get_direct, set_direct},
    {MSR_MCG_CAP, MSR_MCG_STATUS, get_zero, set_zero_only},
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, get_misc_enable, set_misc_enable},
    {MSR_DEBUGCTL, MSR_DEBUGCTL, get_debugctl, set_zero_only},
    {MSR_MTRR_PHYS_BASE0, MSR_MTRR_PHYS_BASE0 + 2 * MTRR_VARIABLE_COUNT - 1, get_mtrr, set_mtrr},
    {MSR_MTRR_FIX64K, MSR_MTRR_FIX64K, get_mtrr, set_mtrr},
    {MSR_MTRR_FIX16K_80, MSR_MTRR_FIX16K_A0, get_mtrr, set_mtrr},
    {MSR_MTRR_FIX4K_C0, MSR_MTRR_FIX4K_F8, get_mtrr, set_mtrr},
    {MSR_PAT, MSR_PAT, get_pat, set_pat},
    {MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, get_mtrr, set_mtrr},
    {MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, get_apic, set_apic},
    {MSR_X2APIC_FIRST, MSR_X2APIC_LAST, get_apic, set_apic},
    {MSR_PV_WALL_CLOCK, MSR_PV_SYSTEM_TIME, get_pv, set_pv},
    {MSR_PV_STEAL_TIME, MSR_PV_STEAL_TIME, get_pv, set_pv},
    {MSR_EFER, MSR_EFER, get_efer, set_efer},
    {MSR_STAR, MSR_SFMASK, get_direct, set_direct},
    {MSR_FS_BASE, MSR_GS_BASE, get_segment_base, set_segment_base},
    {MSR_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, get_direct, set_direct},
    {MSR_TSC_AUX, MSR_TSC_AUX, get_tsc_aux, set_tsc_aux},
    {MSR_AMD_SYSCFG, MSR_AMD_SYSCFG, get_zero, set_zero_only},
    {MSR_AMD_HWCR, MSR_AMD_HWCR, get_hwcr, set_hwcr},
    {MSR_AMD_NB_CFG, MSR_AMD_NB_CFG, get_zero, ignore_write},
    {MSR_AMD_DE_CFG, MSR_AMD_DE_CFG, get_zero, ignore_write},
};

static const struct msr_row *row_for(u32 msr)
{
    unsigned low = 0, high = ARRAY_SIZE(rows);

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (msr < rows[middle].first)
            high = middle;
        else if (msr > rows[middle].last)
            low = middle + 1;
        else
            return &rows[middle];
    }
    return NULL;
}

int msr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
    const struct msr_row *row = row_for(msr);

    return row != NULL && row->get != NULL ? row->get(vcpu, msr, value) : -EINVAL;
}

int msr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
    const struct msr_row *row = row_for(msr);

    return row != NULL && row->set != NULL ? row->set(vcpu, msr, value) : -EINVAL;
}

void msr_reset(struct vcpu *vcpu)
{
    vcpu->msrs = (struct vcpu_msrs){.mtrr_def_type = MTRR_DEF_TYPE_RESET,
                                    .misc_enable = MISC_ENABLE_FAST_STRING};
}

void msr_pass_through(struct vm *vm)
{
    static const u32 passed[] = {
        MSR_STAR,    MSR_LSTAR,          MSR_CSTAR,       MSR_SFMASK,       MSR_FS_BASE,
        MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP};

    for (unsigned i = 0; i < ARRAY_SIZE(passed); i++)
        hvm->intercept_msr(vm, passed[i], false, false);
}

enum exit_action exit_msr(struct vcpu *vcpu, const struct vm_exit *exit)
{
    u32 msr = (u32)vcpu->gpr[GPR_RCX];
    u64 value = (vcpu->gpr[GPR_RDX] << 32) | (u32)vcpu->gpr[GPR_RAX];
    int rc = exit->u.msr.is_write ? msr_write(vcpu, msr, value) : msr_read(vcpu, msr, &value);

    if (rc != 0) {
        vcpu_inject_gp(vcpu);
        return EXIT_RESUME;
    }
    if (!exit->u.msr.is_write) {
        vcpu->gpr[GPR_RAX] = (u32)value;
        vcpu->gpr[GPR_RDX] = value >> 32;
    }
    return EXIT_ADVANCE;
}
