/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vendor state of VMs and vCPUs: creation, reset, and taking it onto a pCPU and off again.
 *
 * A VMCS is active on a pCPU only from vcpu_load to vcpu_put: in between it is clear, so that any
 * pCPU may load it next, or look into it.
 */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/x86/fpu.h"
#include "core/x86/insn.h"
#include "core/x86/io_map.h"
#include "core/x86/percpu.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "vmx/ept.h"
#include "vmx/vmx_bitmap.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

static int alloc_map(unsigned order, u8 **map, hpa_t *address)
{
    int rc = pmm_alloc(order, PMM_HYPERVISOR, false, address);

    if (rc == 0)
        *map = hpa_to_ptr(*address);
    return rc;
}

int vmx_vm_init(struct vm *vm)
{
    struct hvm_vm *hw = kzalloc(sizeof *hw);
    int rc;

    if (hw == NULL)
        return -ENOMEM;
    rc = alloc_map(pmm_order_for(MSR_BITMAPS_BYTES), &hw->msr_bitmap, &hw->msr_bitmap_pa);
    if (rc != 0)
        goto err_free;
    rc = alloc_map(pmm_order_for(IO_MAP_BYTES), &hw->io_bitmap, &hw->io_bitmap_pa);
    if (rc != 0)
        goto err_msr_bitmap;
    msr_bitmap_init(hw->msr_bitmap);
    io_map_init(hw->io_bitmap);
    vm->hw = hw;
    rc = vmx_caps.has_virtual_apic ? vmx_apic_vm_init(vm) : 0;
    if (rc != 0)
        goto err_io_bitmap;
    return 0;

err_io_bitmap:
    vm->hw = NULL;
    pmm_free(hw->io_bitmap_pa, pmm_order_for(IO_MAP_BYTES), PMM_HYPERVISOR, false);
err_msr_bitmap:
    pmm_free(hw->msr_bitmap_pa, pmm_order_for(MSR_BITMAPS_BYTES), PMM_HYPERVISOR, false);
err_free:
    kfree(hw);
    return rc;
}

void vmx_vm_fini(struct vm *vm)
{
    struct hvm_vm *hw = vm->hw;

    if (vmx_caps.has_virtual_apic)
        vmx_apic_vm_fini(vm);
    pmm_free(hw->io_bitmap_pa, pmm_order_for(IO_MAP_BYTES), PMM_HYPERVISOR, false);
    pmm_free(hw->msr_bitmap_pa, pmm_order_for(MSR_BITMAPS_BYTES), PMM_HYPERVISOR, false);
    kfree(hw);
    vm->hw = NULL;
}

static void build(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;
    struct vmcs_region *region = hpa_to_ptr(hw->vmcs_pa);
    bool begun;

    region->revision = vmx_caps.revision;
    hw->ept_pointer = ept_pointer(vcpu->vm->slat.root, vmx_caps.has_access_dirty);
    hw->controls = vmx_caps.controls[CONTROL_PROC];
    vmclear(hw->vmcs_pa);
    begun = vmcs_use_begin(hw);
    vmcs_build(vcpu);
    vmcs_use_end(hw, begun);
}

int vmx_vcpu_init(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = kzalloc(sizeof *hw);
    hpa_t fpu;
    int rc;

    if (hw == NULL)
        return -ENOMEM;
    rc = pmm_alloc(PMM_ORDER_4K, PMM_HYPERVISOR, true, &hw->vmcs_pa);
    if (rc != 0)
        goto err_free;
    rc = pmm_alloc(pmm_order_for(fpu_area_bytes()), PMM_HYPERVISOR, true, &fpu);
    if (rc != 0)
        goto err_vmcs;
    hw->regs.fpu = hpa_to_ptr(fpu);
    vcpu->hw = hw;
    build(vcpu);
    return 0;

err_vmcs:
    pmm_free(hw->vmcs_pa, PMM_ORDER_4K, PMM_HYPERVISOR, false);
err_free:
    kfree(hw);
    return rc;
}

/* Both blocks held guest registers, hence the scrubbing. */
void vmx_vcpu_fini(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    assert(!hw->regs.is_loaded);
    pmm_free(ptr_to_hpa(hw->regs.fpu), pmm_order_for(fpu_area_bytes()), PMM_HYPERVISOR, true);
    pmm_free(hw->vmcs_pa, PMM_ORDER_4K, PMM_HYPERVISOR, true);
    kfree(hw);
    vcpu->hw = NULL;
}

void vmx_vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind)
{
    struct hvm_vcpu *hw = vcpu->hw;
    bool begun = vmcs_use_begin(hw);

    vmwrite(ENTRY_INTERRUPTION_INFORMATION, 0);
    vmwrite(GUEST_INTERRUPTIBILITY, 0);
    vmwrite(GUEST_PENDING_DEBUG, 0);
    vmcs_control(hw, PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW, false);
    vmcs_use_end(hw, begun);
    tlb_tag_drop(&hw->vpid);
    hw->is_checked = false;
    guest_regs_reset(&hw->regs, kind == HVM_RESET_POWER_ON);
}

void vmx_vcpu_load(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    vmptrld(hw->vmcs_pa);
    hw->is_launched = false; /* vcpu_put has cleared it */
    if (hw->host_state_of != this_pcpu()->id + 1) {
        vmcs_set_host_state();
        hw->host_state_of = this_pcpu()->id + 1;
    }
    for (unsigned i = 0; i < SWITCHED_MSR_COUNT; i++)
        wrmsr(vmx_switched_msr((enum vmx_switched_msr)i), hw->msrs[i]);
    write_dr6(hw->dr6);
    hw->tsc_aux_on_cpu = VMX_TSC_AUX_UNKNOWN;
    guest_regs_load(&hw->regs);
}

void vmx_vcpu_put(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    guest_regs_put(&hw->regs);
    for (unsigned i = 0; i < SWITCHED_MSR_COUNT; i++)
        hw->msrs[i] = rdmsr(vmx_switched_msr((enum vmx_switched_msr)i));
    hw->dr6 = read_dr6();
    vmclear(hw->vmcs_pa);
}
