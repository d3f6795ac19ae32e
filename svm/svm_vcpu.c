/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vendor state of VMs and vCPUs: creation, reset, and the state VM entry does not switch.
 *
 * x87, SSE and AVX registers, XCR0 and DR0–3 stay in the CPU from vcpu_load to vcpu_put; the
 * hypervisor uses none of them. Saving and restoring happens with every component of XCR0 enabled,
 * so that a guest which turned one off leaves nothing of it behind for the next guest.
 */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/x86/cr.h"
#include "core/x86/fpu.h"
#include "core/x86/insn.h"
#include "core/x86/msr.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "svm/svm_bitmap.h"
#include "svm/svm_state.h"

#define PRED_CMD_IBPB BIT(0)

static int alloc_map(unsigned order, u8 **map, hpa_t *address)
{
    int rc = pmm_alloc(order, PMM_HYPERVISOR, false, address);

    if (rc == 0)
        *map = hpa_to_ptr(*address);
    return rc;
}

int svm_vm_init(struct vm *vm)
{
    struct hvm_vm *hw = kzalloc(sizeof *hw);
    int rc;

    if (hw == NULL)
        return -ENOMEM;
    rc = alloc_map(pmm_order_for(MSRPM_BYTES), &hw->msrpm, &hw->msrpm_pa);
    if (rc != 0)
        goto err_free;
    rc = alloc_map(pmm_order_for(IOPM_BYTES), &hw->iopm, &hw->iopm_pa);
    if (rc != 0)
        goto err_msrpm;
    msrpm_init(hw->msrpm);
    iopm_init(hw->iopm);
    vm->hw = hw;
    return 0;

err_msrpm:
    pmm_free(hw->msrpm_pa, pmm_order_for(MSRPM_BYTES), PMM_HYPERVISOR, false);
err_free:
    kfree(hw);
    return rc;
}

void svm_vm_fini(struct vm *vm)
{
    struct hvm_vm *hw = vm->hw;

    pmm_free(hw->iopm_pa, pmm_order_for(IOPM_BYTES), PMM_HYPERVISOR, false);
    pmm_free(hw->msrpm_pa, pmm_order_for(MSRPM_BYTES), PMM_HYPERVISOR, false);
    kfree(hw);
    vm->hw = NULL;
}

int svm_vcpu_init(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = kzalloc(sizeof *hw);
    hpa_t fpu;
    int rc;

    if (hw == NULL)
        return -ENOMEM;
    rc = pmm_alloc(PMM_ORDER_4K, PMM_HYPERVISOR, true, &hw->vmcb_pa);
    if (rc != 0)
        goto err_free;
    rc = pmm_alloc(pmm_order_for(fpu_area_bytes()), PMM_HYPERVISOR, true, &fpu);
    if (rc != 0)
        goto err_vmcb;
    hw->vmcb = hpa_to_ptr(hw->vmcb_pa);
    hw->fpu = hpa_to_ptr(fpu);
    vcpu->hw = hw;
    vmcb_build_control(hw->vmcb, vcpu->vm);
    svm_vcpu_reset(vcpu, HVM_RESET_POWER_ON);
    return 0;

err_vmcb:
    pmm_free(hw->vmcb_pa, PMM_ORDER_4K, PMM_HYPERVISOR, false);
err_free:
    kfree(hw);
    return rc;
}

/* Both blocks held guest registers, hence the scrubbing. */
void svm_vcpu_fini(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    assert(!hw->is_loaded);
    pmm_free(ptr_to_hpa(hw->fpu), pmm_order_for(fpu_area_bytes()), PMM_HYPERVISOR, true);
    pmm_free(hw->vmcb_pa, PMM_ORDER_4K, PMM_HYPERVISOR, true);
    kfree(hw);
    vcpu->hw = NULL;
}

void svm_vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind)
{
    struct hvm_vcpu *hw = vcpu->hw;
    struct vmcb_control *control = &hw->vmcb->control;

    vmcb_reset_save(hw->vmcb, kind);
    control->eventinj = 0;
    control->interrupt_shadow = 0;
    svm_window_request(vcpu, EVENT_EXTINT, false);
    vmcb_intercept(hw->vmcb, INTERCEPT_MISC1, INTERCEPT_IRET, false);
    hw->nmi = SVM_NMI_OPEN;
    hw->asid_generation = 0;
    hw->is_checked = false;
    for (unsigned i = 0; i < ARRAY_SIZE(hw->dr); i++)
        hw->dr[i] = 0;
    if (kind == HVM_RESET_POWER_ON) {
        hw->xcr0 = XCR0_X87;
        fpu_area_init(hw->fpu);
    }
}

/* Branch predictors must not carry one guest's training into another. Spec: APM 2 "Indirect Branch
 * Prediction Barrier". */
static void barrier_between_vms(const struct vm *vm)
{
    struct svm_pcpu *pcpu = svm_this_pcpu();

    if (svm_caps.has_ibpb && pcpu->has_run_vm && pcpu->last_vm_id != vm->id)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    pcpu->last_vm_id = vm->id;
    pcpu->has_run_vm = true;
}

void svm_vcpu_load(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    assert(!hw->is_loaded);
    barrier_between_vms(vcpu->vm);
    fpu_restore(hw->fpu);
    if (fpu_xcr0_supported() != 0)
        xsetbv(0, hw->xcr0);
    write_dr0(hw->dr[0]);
    write_dr1(hw->dr[1]);
    write_dr2(hw->dr[2]);
    write_dr3(hw->dr[3]);
    hw->tsc_aux_on_cpu = SVM_TSC_AUX_UNKNOWN;
    hw->is_loaded = true;
}

/* XCR0 is read back, for QEMU 7.2 lets the guest write it although XSETBV is intercepted. */
void svm_vcpu_put(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    assert(hw->is_loaded);
    if (fpu_xcr0_supported() != 0)
        hw->xcr0 = xgetbv(0);
    fpu_save(hw->fpu);
    hw->dr[0] = read_dr0();
    hw->dr[1] = read_dr1();
    hw->dr[2] = read_dr2();
    hw->dr[3] = read_dr3();
    hw->is_loaded = false;
}
