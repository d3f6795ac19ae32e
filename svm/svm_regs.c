/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and segments of a vCPU that live in its VMCB.
 *
 * All are current between exits: svm_entry.S does VMSAVE after each one (see README.md for why not
 * later).
 */
#include "core/x86/cr.h"
#include "core/x86/msr.h"
#include "svm/svm_state.h"

#define SAVE_OFFSET(member) ((u16)offsetof(struct vmcb, save.member))

static const u16 reg_offsets[HVM_REG_COUNT] = {
    [HVM_RIP] = SAVE_OFFSET(rip),
    [HVM_RFLAGS] = SAVE_OFFSET(rflags),
    [HVM_CR0] = SAVE_OFFSET(cr0),
    [HVM_CR2] = SAVE_OFFSET(cr2),
    [HVM_CR3] = SAVE_OFFSET(cr3),
    [HVM_CR4] = SAVE_OFFSET(cr4),
    [HVM_EFER] = SAVE_OFFSET(efer),
    [HVM_DR6] = SAVE_OFFSET(dr6),
    [HVM_DR7] = SAVE_OFFSET(dr7),
    [HVM_PAT] = SAVE_OFFSET(g_pat),
    [HVM_STAR] = SAVE_OFFSET(star),
    [HVM_LSTAR] = SAVE_OFFSET(lstar),
    [HVM_CSTAR] = SAVE_OFFSET(cstar),
    [HVM_SFMASK] = SAVE_OFFSET(sfmask),
    [HVM_KERNEL_GS_BASE] = SAVE_OFFSET(kernel_gs_base),
    [HVM_SYSENTER_CS] = SAVE_OFFSET(sysenter_cs),
    [HVM_SYSENTER_ESP] = SAVE_OFFSET(sysenter_esp),
    [HVM_SYSENTER_EIP] = SAVE_OFFSET(sysenter_eip),
    [HVM_DEBUGCTL] = SAVE_OFFSET(dbgctl),
    [HVM_INTR_SHADOW] = (u16)offsetof(struct vmcb, control.interrupt_shadow),
};

static u64 *reg_field(const struct vcpu *vcpu, enum hvm_reg reg)
{
    return (u64 *)(void *)((u8 *)svm_vmcb(vcpu) + reg_offsets[reg]);
}

u64 svm_reg_get(struct vcpu *vcpu, enum hvm_reg reg)
{
    struct hvm_vcpu *hw = vcpu->hw;

    switch (reg) {
    case HVM_XCR0:
        return guest_regs_xcr0(&hw->regs);
    case HVM_EFER:
        return hw->vmcb->save.efer & ~EFER_SVME;
    case HVM_PDPTE0:
    case HVM_PDPTE1:
    case HVM_PDPTE2:
    case HVM_PDPTE3:
        return 0;
    case HVM_INTR_SHADOW:
        return hw->vmcb->control.interrupt_shadow & INTERRUPT_SHADOW;
    case HVM_RFLAGS:
        if (hw->nmi == SVM_NMI_STEPPING && !hw->nmi_guest_tf)
            return hw->vmcb->save.rflags & ~RFLAGS_TF;
        return hw->vmcb->save.rflags;
    default:
        return *reg_field(vcpu, reg);
    }
}

void svm_reg_set(struct vcpu *vcpu, enum hvm_reg reg, u64 value)
{
    struct hvm_vcpu *hw = vcpu->hw;

    switch (reg) {
    case HVM_XCR0:
        guest_regs_set_xcr0(&hw->regs, value);
        return;
    case HVM_EFER:
        tlb_tag_drop(&hw->asid);
        value |= EFER_SVME;
        break;
    case HVM_CR0:
    case HVM_CR3:
    case HVM_CR4:
        tlb_tag_drop(&hw->asid); /* cached translations were made under the old value */
        break;
    case HVM_PDPTE0:
    case HVM_PDPTE1:
    case HVM_PDPTE2:
    case HVM_PDPTE3:
        return; /* read from memory when needed */
    case HVM_RFLAGS:
        value |= RFLAGS_FIXED;
        if (hw->nmi == SVM_NMI_STEPPING) {
            hw->nmi_guest_tf = (value & RFLAGS_TF) != 0;
            value |= RFLAGS_TF;
        }
        break;
    default:
        break;
    }
    *reg_field(vcpu, reg) = value;
}

static struct vmcb_segment *segment(const struct vcpu *vcpu, enum hvm_seg seg)
{
    struct vmcb_save *save = &svm_vmcb(vcpu)->save;

    switch (seg) {
    case HVM_TR:
        return &save->tr;
    case HVM_LDTR:
        return &save->ldtr;
    case HVM_GDTR:
        return &save->gdtr;
    case HVM_IDTR:
        return &save->idtr;
    default:
        return &save->es + seg; /* ES to GS lie in the order of enum hvm_seg */
    }
}

_Static_assert(HVM_ES == 0 && HVM_GS == 5, "order of segments in a VMCB");

#define HVM_SEG_HIGH 0xf000u /* attribute bits 12–15 are 8–11 in a VMCB */
#define HVM_SEG_DPL  0x0060u

/* The CPU keeps the privilege level apart; the descriptor's DPL may be stale. */
void svm_seg_get(struct vcpu *vcpu, enum hvm_seg seg, struct hvm_segment *out)
{
    const struct vmcb_segment *s = segment(vcpu, seg);

    out->selector = s->selector;
    out->attributes = (u16)((s->attrib & VMCB_ATTRIB_LOW) | ((s->attrib & VMCB_ATTRIB_HIGH) << 4));
    out->limit = s->limit;
    out->base = s->base;
    if (seg == HVM_SS)
        out->attributes = (u16)((out->attributes & ~HVM_SEG_DPL) |
                                FIELD_PREP(HVM_SEG_DPL, svm_vmcb(vcpu)->save.cpl & 3));
}

void svm_seg_set(struct vcpu *vcpu, enum hvm_seg seg, const struct hvm_segment *in)
{
    struct vmcb_segment *s = segment(vcpu, seg);

    s->selector = in->selector;
    s->attrib = (u16)((in->attributes & VMCB_ATTRIB_LOW) | ((in->attributes & HVM_SEG_HIGH) >> 4));
    s->limit = in->limit;
    s->base = in->base;
    if (seg == HVM_SS)
        svm_vmcb(vcpu)->save.cpl = (u8)FIELD_GET(HVM_SEG_DPL, (u64)in->attributes);
}
