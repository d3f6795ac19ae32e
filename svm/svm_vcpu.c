/* SPDX-License-Identifier: BSD-2-Clause */
/* Vendor state of VMs and vCPUs: creation, reset, and taking it onto a pCPU and off again. */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/x86/fpu.h"
#include "core/x86/io_map.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "svm/svm_bitmap.h"
#include "svm/svm_state.h"

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
    rc = alloc_map(pmm_order_for(IO_MAP_BYTES), &hw->iopm, &hw->iopm_pa);
    if (rc != 0)
        goto err_msrpm;
    msrpm_init(hw->msrpm);
    io_map_init(hw->iopm);
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

    pmm_free(hw->iopm_pa, pmm_order_for(IO_MAP_BYTES), PMM_HYPERVISOR, false);
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
    hw->regs.fpu = hpa_to_ptr(fpu);
    vcpu->hw = hw;
    vmcb_build_control(hw->vmcb, vcpu->vm);
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

    assert(!hw->regs.is_loaded);
    pmm_free(ptr_to_hpa(hw->regs.fpu), pmm_order_for(fpu_area_bytes()), PMM_HYPERVISOR, true);
    pmm_free(hw->vmcb_pa, PMM_ORDER_4K, PMM_HYPERVISOR, true);
    kfree(hw);
    vcpu->hw = NULL;
}

void svm_vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind)
{
    struct hvm_vcpu *hw = vcpu->hw;
    struct vmcb_control *control = &hw->vmcb->control;

    control->eventinj = 0;
    svm_window_request(vcpu, EVENT_EXTINT, false);
    vmcb_intercept(hw->vmcb, INTERCEPT_MISC1, INTERCEPT_IRET, false);
    hw->nmi = SVM_NMI_OPEN;
    tlb_tag_drop(&hw->asid);
    hw->is_checked = false;
    guest_regs_reset(&hw->regs, kind == HVM_RESET_POWER_ON);
}

void svm_vcpu_load(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    guest_regs_load(&hw->regs);
    hw->tsc_aux_on_cpu = SVM_TSC_AUX_UNKNOWN;
}

void svm_vcpu_put(struct vcpu *vcpu)
{
    guest_regs_put(&vcpu->hw->regs);
}
