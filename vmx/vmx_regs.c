/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and segments of a vCPU: in its VMCS, in the CPU while it is loaded, or in hvm_vcpu.
 *
 * CR0 and CR4 have two values: the one the CPU uses, and the read shadow for the bits the guest
 * does not own; what callers see and set is the guest's view. Spec: SDM 3C "Guest/Host Masks and
 * Read Shadows for CR0 and CR4".
 */
#include "core/x86/cr.h"
#include "core/x86/insn.h"
#include "core/x86/msr.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

static const u16 reg_fields[HVM_REG_COUNT] = {
    [HVM_RIP] = GUEST_RIP,
    [HVM_RFLAGS] = GUEST_RFLAGS,
    [HVM_CR3] = GUEST_CR3,
    [HVM_EFER] = GUEST_IA32_EFER,
    [HVM_DR7] = GUEST_DR7,
    [HVM_PAT] = GUEST_IA32_PAT,
    [HVM_SYSENTER_CS] = GUEST_SYSENTER_CS,
    [HVM_SYSENTER_ESP] = GUEST_SYSENTER_ESP,
    [HVM_SYSENTER_EIP] = GUEST_SYSENTER_EIP,
    [HVM_DEBUGCTL] = GUEST_IA32_DEBUGCTL,
    [HVM_PDPTE0] = GUEST_PDPTE0,
    [HVM_PDPTE1] = GUEST_PDPTE0 + VMCS_FIELD_STRIDE,
    [HVM_PDPTE2] = GUEST_PDPTE0 + 2 * VMCS_FIELD_STRIDE,
    [HVM_PDPTE3] = GUEST_PDPTE0 + 3 * VMCS_FIELD_STRIDE,
};

static const struct {
    enum hvm_reg reg;
    u32 msr;
} switched[SWITCHED_MSR_COUNT] = {
    [SWITCHED_STAR] = {HVM_STAR, MSR_STAR},
    [SWITCHED_LSTAR] = {HVM_LSTAR, MSR_LSTAR},
    [SWITCHED_CSTAR] = {HVM_CSTAR, MSR_CSTAR},
    [SWITCHED_SFMASK] = {HVM_SFMASK, MSR_SFMASK},
    [SWITCHED_KERNEL_GS_BASE] = {HVM_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE},
};

u32 vmx_switched_msr(enum vmx_switched_msr index)
{
    return switched[index].msr;
}

/* -- registers outside the VMCS
 * ------------------------------------------------------------------------------- */

static unsigned switched_index(enum hvm_reg reg)
{
    unsigned i = 0;

    while (switched[i].reg != reg)
        i++;
    return i;
}

static u64 switched_get(const struct hvm_vcpu *hw, enum hvm_reg reg)
{
    unsigned i = switched_index(reg);

    return hw->regs.is_loaded ? rdmsr(switched[i].msr) : hw->msrs[i];
}

static void switched_set(struct hvm_vcpu *hw, enum hvm_reg reg, u64 value)
{
    unsigned i = switched_index(reg);

    hw->msrs[i] = value;
    if (hw->regs.is_loaded)
        wrmsr(switched[i].msr, value);
}

static void dr6_set(struct hvm_vcpu *hw, u64 value)
{
    hw->dr6 = value;
    if (hw->regs.is_loaded)
        write_dr6(value);
}

/* -- registers in the VMCS
 * ------------------------------------------------------------------------------------ */

static u64 guest_view(u32 field, u32 mask_field, u32 shadow_field)
{
    u64 mask = vmread(mask_field);

    return (vmread(field) & ~mask) | (vmread(shadow_field) & mask);
}

static u64 field_get(enum hvm_reg reg)
{
    switch (reg) {
    case HVM_CR0:
        return guest_view(GUEST_CR0, CR0_GUEST_HOST_MASK, CR0_READ_SHADOW);
    case HVM_CR4:
        return guest_view(GUEST_CR4, CR4_GUEST_HOST_MASK, CR4_READ_SHADOW);
    case HVM_INTR_SHADOW:
        return (vmread(GUEST_INTERRUPTIBILITY) & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) != 0;
    default:
        return vmread(reg_fields[reg]);
    }
}

/* Unrestricted guests may have PE and PG clear; the other fixed bits stay. */
static void cr0_set(u64 value)
{
    u64 fixed = vmx_caps.cr0_fixed0 & ~(CR0_PE | CR0_PG);

    vmwrite(GUEST_CR0, ((value & ~(CR0_CD | CR0_NW)) | fixed) & vmx_caps.cr0_fixed1);
    vmwrite(CR0_READ_SHADOW, value);
}

static void cr4_set(u64 value)
{
    vmwrite(GUEST_CR4, value | CR4_MCE | vmx_caps.cr4_fixed0);
    vmwrite(CR4_READ_SHADOW, value);
}

/* The entry control must agree with LMA. */
static void efer_set(u64 value)
{
    u64 controls = vmread(ENTRY_CONTROLS) & ~ENTRY_IA32E_MODE;

    vmwrite(GUEST_IA32_EFER, value);
    vmwrite(ENTRY_CONTROLS, controls | ((value & EFER_LMA) != 0 ? ENTRY_IA32E_MODE : 0));
}

static void shadow_set(u64 value)
{
    u64 state = vmread(GUEST_INTERRUPTIBILITY);
    u64 wanted = (state & ~(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) | (value ? BLOCKED_BY_STI : 0);

    if (state != wanted)
        vmwrite(GUEST_INTERRUPTIBILITY, wanted);
}

static void field_set(enum hvm_reg reg, u64 value)
{
    switch (reg) {
    case HVM_CR0:
        cr0_set(value);
        break;
    case HVM_CR4:
        cr4_set(value);
        break;
    case HVM_EFER:
        efer_set(value);
        break;
    case HVM_INTR_SHADOW:
        shadow_set(value);
        break;
    case HVM_RFLAGS:
        vmwrite(GUEST_RFLAGS, value | RFLAGS_FIXED);
        break;
    default:
        vmwrite(reg_fields[reg], value);
    }
}

u64 vmx_reg_get(struct vcpu *vcpu, enum hvm_reg reg)
{
    struct hvm_vcpu *hw = vcpu->hw;
    bool begun;
    u64 value;

    switch (reg) {
    case HVM_XCR0:
        return guest_regs_xcr0(&hw->regs);
    case HVM_CR2:
        return hw->cr2;
    case HVM_DR6:
        return hw->regs.is_loaded ? read_dr6() : hw->dr6;
    case HVM_STAR:
    case HVM_LSTAR:
    case HVM_CSTAR:
    case HVM_SFMASK:
    case HVM_KERNEL_GS_BASE:
        return switched_get(hw, reg);
    default:
        break;
    }
    begun = vmcs_use_begin(hw);
    value = field_get(reg);
    vmcs_use_end(hw, begun);
    return value;
}

void vmx_reg_set(struct vcpu *vcpu, enum hvm_reg reg, u64 value)
{
    struct hvm_vcpu *hw = vcpu->hw;
    bool begun;

    if (likely(reg == HVM_RIP && hw->regs.is_loaded)) { /* at nearly every exit */
        vmwrite(GUEST_RIP, value);
        return;
    }
    switch (reg) {
    case HVM_XCR0:
        guest_regs_set_xcr0(&hw->regs, value);
        return;
    case HVM_CR2:
        hw->cr2 = value;
        return;
    case HVM_DR6:
        dr6_set(hw, value);
        return;
    case HVM_STAR:
    case HVM_LSTAR:
    case HVM_CSTAR:
    case HVM_SFMASK:
    case HVM_KERNEL_GS_BASE:
        switched_set(hw, reg, value);
        return;
    case HVM_CR0:
    case HVM_CR3:
    case HVM_CR4:
    case HVM_EFER:
        tlb_tag_drop(&hw->vpid); /* cached translations were made under the old value */
        break;
    default:
        break;
    }
    begun = vmcs_use_begin(hw);
    field_set(reg, value);
    vmcs_use_end(hw, begun);
}

/* -- segments
 * -------------------------------------------------------------------------------------------------
 */

/* TR and LDTR lie the other way round in a VMCS. */
static u32 segment_offset(enum hvm_seg seg)
{
    switch (seg) {
    case HVM_TR:
        return GUEST_TR_SELECTOR - GUEST_ES_SELECTOR;
    case HVM_LDTR:
        return GUEST_LDTR_SELECTOR - GUEST_ES_SELECTOR;
    default:
        return (u32)seg * VMCS_FIELD_STRIDE;
    }
}

_Static_assert(HVM_ES == 0 && HVM_GS == 5, "order of segments in a VMCS");

static void table_get(enum hvm_seg seg, struct hvm_segment *out)
{
    u32 offset = seg == HVM_IDTR ? VMCS_FIELD_STRIDE : 0;

    *out = (struct hvm_segment){.limit = (u32)vmread(GUEST_GDTR_LIMIT + offset),
                                .base = vmread(GUEST_GDTR_BASE + offset)};
}

static void table_set(enum hvm_seg seg, const struct hvm_segment *in)
{
    u32 offset = seg == HVM_IDTR ? VMCS_FIELD_STRIDE : 0;

    vmwrite(GUEST_GDTR_LIMIT + offset, in->limit);
    vmwrite(GUEST_GDTR_BASE + offset, in->base);
}

/* An unusable segment reads as one that is not present. */
static void segment_get(enum hvm_seg seg, struct hvm_segment *out)
{
    u32 offset = segment_offset(seg);
    u64 rights = vmread(GUEST_ES_ACCESS_RIGHTS + offset);

    out->selector = (u16)vmread(GUEST_ES_SELECTOR + offset);
    out->limit = (u32)vmread(GUEST_ES_LIMIT + offset);
    out->base = vmread(GUEST_ES_BASE + offset);
    out->attributes = (u16)((rights & RIGHTS_UNUSABLE) != 0 ? rights & ~HVM_SEG_P : rights);
}

static void segment_set(enum hvm_seg seg, const struct hvm_segment *in)
{
    u32 offset = segment_offset(seg);
    bool is_usable = (in->attributes & HVM_SEG_P) != 0;

    vmwrite(GUEST_ES_SELECTOR + offset, in->selector);
    vmwrite(GUEST_ES_LIMIT + offset, in->limit);
    vmwrite(GUEST_ES_BASE + offset, in->base);
    vmwrite(GUEST_ES_ACCESS_RIGHTS + offset, in->attributes | (is_usable ? 0 : RIGHTS_UNUSABLE));
}

void vmx_seg_get(struct vcpu *vcpu, enum hvm_seg seg, struct hvm_segment *out)
{
    bool begun = vmcs_use_begin(vcpu->hw);

    if (seg == HVM_GDTR || seg == HVM_IDTR)
        table_get(seg, out);
    else
        segment_get(seg, out);
    vmcs_use_end(vcpu->hw, begun);
}

void vmx_seg_set(struct vcpu *vcpu, enum hvm_seg seg, const struct hvm_segment *in)
{
    bool begun = vmcs_use_begin(vcpu->hw);

    if (seg == HVM_GDTR || seg == HVM_IDTR)
        table_set(seg, in);
    else
        segment_set(seg, in);
    vmcs_use_end(vcpu->hw, begun);
}
