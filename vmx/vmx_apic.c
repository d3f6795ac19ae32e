/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU's share of the local APIC: TPR shadow everywhere; register virtualization,
 * virtual-interrupt delivery and posted interrupts where it has them.
 *
 * Registers and requests are vcpu->apic, which core's software APIC uses too: its layout is that of
 * the virtual-APIC page, and its requests are a posted-interrupt descriptor. So the two can take
 * turns: core tells which of them serves the guest (apic_mode_set), and what it has changed
 * (apic_sync).
 *
 * Spec: SDM 3C "APIC Virtualization and Virtual Interrupts".
 */
#include "core/lib/string.h"
#include "core/x86/idt.h"
#include "core/x86/msr.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "vmx/vmx_bitmap.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

#define REG_TMR    0x180u
#define REG_ISR    0x100u
#define REG_IRR    0x200u
#define REG_WORDS  8u
#define REG_STRIDE 0x10u
#define WORD_BITS  32u
#define STATUS_SVI 8u /* shift */

/* x2APIC's registers that the CPU reads from the page, as MSR numbers from MSR_X2APIC_FIRST; those
 * missing either raise #GP or, like the timer's current count, are worked out when they are read.
 */
static const u8 x2apic_readable[] = {
    0x02, 0x03, 0x08, 0x0d, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
    0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24,
    0x25, 0x26, 0x27, 0x28, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x3e,
};

#define X2APIC_TPR      (MSR_X2APIC_FIRST + 0x08u)
#define X2APIC_EOI      (MSR_X2APIC_FIRST + 0x0bu)
#define X2APIC_SELF_IPI (MSR_X2APIC_FIRST + 0x3fu)

#define APIC_CONTROLS \
    (PROC2_APIC_ACCESSES | PROC2_X2APIC_MODE | PROC2_APIC_REGISTERS | PROC2_INTERRUPT_DELIVERY)

static int alloc_bitmap(struct hvm_vm *hw)
{
    int rc = pmm_alloc(PMM_ORDER_4K, PMM_HYPERVISOR, false, &hw->x2apic_bitmap_pa);
    u8 *bitmap;

    if (rc != 0)
        return rc;
    bitmap = hw->x2apic_bitmap = hpa_to_ptr(hw->x2apic_bitmap_pa);
    memcpy(bitmap, hw->msr_bitmap, MSR_BITMAPS_BYTES);
    for (unsigned i = 0; i < ARRAY_SIZE(x2apic_readable); i++)
        (void)msr_bitmap_set(bitmap, MSR_X2APIC_FIRST + x2apic_readable[i], false, true);
    (void)msr_bitmap_set(bitmap, X2APIC_TPR, false, false);
    (void)msr_bitmap_set(bitmap, X2APIC_EOI, true, false);
    (void)msr_bitmap_set(bitmap, X2APIC_SELF_IPI, true, false);
    return 0;
}

/*
 * The CPU recognizes accesses by the page's address and never touches it. A vCPU in x2APIC mode, or
 * one that has moved its APIC, does: it finds all ones, as on an address where nothing is.
 */
int vmx_apic_vm_init(struct vm *vm)
{
    struct hvm_vm *hw = vm->hw;
    int rc = alloc_bitmap(hw);

    if (rc != 0)
        return rc;
    rc = pmm_alloc(PMM_ORDER_4K, PMM_HYPERVISOR, false, &hw->apic_access_pa);
    if (rc != 0)
        goto err_bitmap;
    memset(hpa_to_ptr(hw->apic_access_pa), 0xff, PAGE_SIZE);
    rc = slat_map(&vm->slat, gpa(HVM_APIC_GPA), hw->apic_access_pa, PAGE_SIZE,
                  SLAT_READ | SLAT_WRITE, SLAT_MEM_WB);
    if (rc != 0)
        goto err_page;
    return 0;

err_page:
    pmm_free(hw->apic_access_pa, PMM_ORDER_4K, PMM_HYPERVISOR, false);
err_bitmap:
    pmm_free(hw->x2apic_bitmap_pa, PMM_ORDER_4K, PMM_HYPERVISOR, false);
    hw->x2apic_bitmap = NULL;
    return rc;
}

void vmx_apic_vm_fini(struct vm *vm)
{
    pmm_free(vm->hw->apic_access_pa, PMM_ORDER_4K, PMM_HYPERVISOR, true);
    pmm_free(vm->hw->x2apic_bitmap_pa, PMM_ORDER_4K, PMM_HYPERVISOR, false);
}

void vmx_apic_build(const struct vcpu *vcpu)
{
    vmwrite(VIRTUAL_APIC_ADDRESS, ptr_to_hpa(vcpu->apic->regs).v);
    vmwrite(TPR_THRESHOLD, 0);
    if (!vmx_caps.has_virtual_apic)
        return;
    vmwrite(APIC_ACCESS_ADDRESS, vcpu->vm->hw->apic_access_pa.v);
    vmwrite(GUEST_INTERRUPT_STATUS, 0);
    for (u32 i = 0; i < ARRAY_SIZE(vcpu->hw->eoi_exits); i++)
        vmwrite(EOI_EXIT_BITMAP_0 + i * VMCS_FIELD_STRIDE, 0);
    if (!vmx_caps.has_posted_irqs)
        return;
    vmwrite(POSTED_INTERRUPT_DESCRIPTOR, ptr_to_hpa(vcpu->apic->requests).v);
    vmwrite(POSTED_INTERRUPT_NOTIFICATION_VECTOR, VECTOR_POSTED);
}

static u64 controls_for(enum hvm_apic_mode mode)
{
    switch (mode) {
    case HVM_APIC_XAPIC:
        return APIC_CONTROLS & ~PROC2_X2APIC_MODE;
    case HVM_APIC_X2APIC:
        return APIC_CONTROLS & ~PROC2_APIC_ACCESSES;
    default:
        return 0;
    }
}

/* Posted interrupts go with virtual-interrupt delivery. */
void vmx_apic_mode_set(struct vcpu *vcpu, enum hvm_apic_mode mode)
{
    struct hvm_vcpu *hw = vcpu->hw;
    const struct hvm_vm *vm = vcpu->vm->hw;
    bool begun = vmcs_use_begin(hw);
    u64 pin = vmx_caps.controls[CONTROL_PIN];

    hw->is_apic_virtual = mode != HVM_APIC_SOFTWARE;
    if (!hw->is_apic_virtual)
        pin &= ~PIN_POSTED_INTERRUPTS;
    vmwrite(PIN_BASED_CONTROLS, pin);
    vmwrite(SECONDARY_CONTROLS, vmx_caps.controls[CONTROL_PROC2] | controls_for(mode));
    vmwrite(MSR_BITMAPS, mode == HVM_APIC_X2APIC ? vm->x2apic_bitmap_pa.v : vm->msr_bitmap_pa.v);
    vmcs_use_end(hw, begun);
    tlb_tag_drop(&hw->vpid); /* the APIC's page has changed its meaning */
}

static u32 vectors(const struct vcpu *vcpu, u32 reg, u32 word)
{
    return __atomic_load_n(&vcpu->apic->regs[(reg + word * REG_STRIDE) / sizeof(u32)],
                           __ATOMIC_RELAXED);
}

static u64 top_vector(const struct vcpu *vcpu, u32 reg)
{
    for (u32 word = REG_WORDS; word-- > 0;) {
        u32 bits = vectors(vcpu, reg, word);

        if (bits != 0)
            return word * WORD_BITS + WORD_BITS - 1 - (u32)__builtin_clz(bits);
    }
    return 0;
}

/* Ends of level-triggered interrupts exit, so that core can tell the IOAPIC. */
static void sync_eoi_exits(struct vcpu *vcpu)
{
    for (u32 i = 0; i < ARRAY_SIZE(vcpu->hw->eoi_exits); i++) {
        u64 high = vectors(vcpu, REG_TMR, 2 * i + 1);
        u64 wanted = high << WORD_BITS | vectors(vcpu, REG_TMR, 2 * i);

        if (likely(wanted == vcpu->hw->eoi_exits[i]))
            continue;
        vmwrite(EOI_EXIT_BITMAP_0 + i * VMCS_FIELD_STRIDE, wanted);
        vcpu->hw->eoi_exits[i] = wanted;
    }
}

/* The status is the highest vector requested (RVI) and the highest in service (SVI). */
void vmx_apic_sync(struct vcpu *vcpu)
{
    bool begun = vmcs_use_begin(vcpu->hw);

    vmwrite(GUEST_INTERRUPT_STATUS, top_vector(vcpu, REG_IRR) | top_vector(vcpu, REG_ISR)
                                                                    << STATUS_SVI);
    sync_eoi_exits(vcpu);
    vmcs_use_end(vcpu->hw, begun);
}

/* Without virtual-interrupt delivery, an exit when the task priority falls below what it is now
 * lets core look at interrupts that it held back. */
void vmx_apic_before_entry(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;
    u32 threshold = hw->is_apic_virtual ? 0 : vcpu_cr8(vcpu);

    if (unlikely(threshold != hw->tpr_threshold)) {
        vmwrite(TPR_THRESHOLD, threshold);
        hw->tpr_threshold = threshold;
    }
}
