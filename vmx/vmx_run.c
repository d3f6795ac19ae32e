/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering the guest and what must be done at once after it: the hot path.
 *
 * NMIs and machine checks that ended the guest's run are handed to the host's own handlers here;
 * both then look like a host interrupt to core.
 */
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/idt.h"
#include "core/x86/insn.h"
#include "core/x86/io_map.h"
#include "core/x86/log.h"
#include "core/x86/msr.h"
#include "vmx/ept.h"
#include "vmx/vmcs_check.h"
#include "vmx/vmx.h"
#include "vmx/vmx_bitmap.h"
#include "vmx/vmx_exit.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

#define FLUSH_CMD_L1D BIT(0)

/* Spec: SDM 3C "VM Instruction Error Numbers". */
static const char *const instruction_errors[] = {
    [1] = "VMCALL in VMX root operation",
    [2] = "VMCLEAR with an invalid physical address",
    [3] = "VMCLEAR with the VMXON pointer",
    [4] = "VMLAUNCH with a VMCS that is not clear",
    [5] = "VMRESUME with a VMCS that is not launched",
    [6] = "VMRESUME after VMXOFF",
    [7] = "invalid control fields",
    [8] = "invalid host-state fields",
    [9] = "VMPTRLD with an invalid physical address",
    [10] = "VMPTRLD with the VMXON pointer",
    [11] = "VMPTRLD with a wrong VMCS revision",
    [12] = "VMREAD or VMWRITE of an unsupported field",
    [13] = "VMWRITE to a read-only field",
    [26] = "events blocked by MOV SS",
};

static u64 read_field(void *cookie, u32 field)
{
    (void)cookie;
    return vmread(field);
}

static const char *check(void)
{
    const struct vmcs_limits limits = {
        .cr0_fixed0 = vmx_caps.cr0_fixed0,
        .cr0_fixed1 = vmx_caps.cr0_fixed1,
        .cr4_fixed0 = vmx_caps.cr4_fixed0,
        .cr4_fixed1 = vmx_caps.cr4_fixed1,
        .phys_bits = cpu_features.physical_bits,
    };

    return vmcs_check(read_field, NULL, &limits);
}

static void log_refusal(const struct vcpu *vcpu, const char *who, const char *what)
{
    log_error("vmx", "VM %u vCPU %u: %s refused the VMCS: %s", vcpu->vm->id, vcpu->index, who,
              what);
}

static void refused(struct vm_exit *exit, u64 code)
{
    *exit =
        (struct vm_exit){.kind = EXIT_ENTRY_FAILED, .vendor_code = code, .rip = vmread(GUEST_RIP)};
}

/* Return: false if the CPU would refuse the VMCS; *exit then says so. */
static noinline bool first_check(struct vcpu *vcpu, struct vm_exit *exit)
{
    const char *wrong = check();

    if (wrong != NULL) {
        log_refusal(vcpu, "the consistency check", wrong);
        refused(exit, EXIT_REASON_ENTRY_FAILED);
        return false;
    }
    vcpu->hw->is_checked = true;
    return true;
}

/* VMLAUNCH or VMRESUME itself failed. */
static noinline void entry_failed(struct vcpu *vcpu, struct vm_exit *exit)
{
    u64 error = vmread(VM_INSTRUCTION_ERROR);
    const char *wrong = check();

    if (wrong == NULL && error < ARRAY_SIZE(instruction_errors))
        wrong = instruction_errors[error];
    log_refusal(vcpu, "the CPU", wrong != NULL ? wrong : "an error it does not explain");
    refused(exit, EXIT_REASON_ENTRY_FAILED | error);
}

static noinline void guest_state_refused(struct vcpu *vcpu)
{
    const char *wrong = check();

    log_refusal(vcpu, "the CPU", wrong != NULL ? wrong : "no check of ours finds the field");
}

static void before_entry(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    vmx_tags_assign(vcpu, vmx_this_pcpu());
    vmwrite(GUEST_RSP, vcpu->gpr[GPR_RSP]);
    vmx_apic_before_entry(vcpu);
    if (unlikely(vcpu->tsc_aux != hw->tsc_aux_on_cpu) && vmx_caps.has_rdtscp) {
        wrmsr(MSR_TSC_AUX, vcpu->tsc_aux);
        hw->tsc_aux_on_cpu = vcpu->tsc_aux;
    }
    if (unlikely(read_cr2() != hw->cr2))
        write_cr2(hw->cr2);
}

/* Nothing of the host's may be left where the guest's loads can find it. */
static void clear_leaks(void)
{
    if (vmx_caps.needs_l1d_flush)
        wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
    if (vmx_caps.needs_buffer_clear)
        vmx_clear_buffers();
}

/* Reads only what the reason defines: each VMREAD costs. */
static void read_exit(const struct hvm_vcpu *hw, struct vmx_raw_exit *raw)
{
    *raw = (struct vmx_raw_exit){
        .reason = vmread(EXIT_REASON),
        .rip = vmread(GUEST_RIP),
        .rflags = vmread(GUEST_RFLAGS),
        .interruptibility = vmread(GUEST_INTERRUPTIBILITY),
        .insn_len = vmread(EXIT_INSTRUCTION_LENGTH),
        .idt_info = vmread(IDT_VECTORING_INFORMATION),
        .cr2 = hw->cr2,
    };
    if (unlikely((raw->idt_info & INTR_VALID) != 0))
        raw->idt_error = vmread(IDT_VECTORING_ERROR_CODE);
    switch (vmx_exit_reason(raw)) {
    case REASON_EXCEPTION_OR_NMI:
        raw->intr_info = vmread(EXIT_INTERRUPTION_INFORMATION);
        raw->intr_error = vmread(EXIT_INTERRUPTION_ERROR_CODE);
        raw->qualification = vmread(EXIT_QUALIFICATION);
        break;
    case REASON_EPT_VIOLATION:
        raw->guest_physical = vmread(GUEST_PHYSICAL_ADDRESS);
        raw->qualification = vmread(EXIT_QUALIFICATION);
        break;
    case REASON_IO:
        raw->insn_info = vmread(EXIT_INSTRUCTION_INFORMATION);
        raw->qualification = vmread(EXIT_QUALIFICATION);
        break;
    case REASON_EXTERNAL_INTERRUPT:
        raw->intr_info = vmread(EXIT_INTERRUPTION_INFORMATION);
        break;
    case REASON_CR_ACCESS:
    case REASON_APIC_ACCESS:
    case REASON_APIC_WRITE:
    case REASON_VIRTUALIZED_EOI:
        raw->qualification = vmread(EXIT_QUALIFICATION);
        break;
    default:
        break;
    }
}

/* What came for the host and does not wait until interrupts are turned on: NMIs, machine checks,
 * and interrupts where posted interrupts require that the exit acknowledges them. */
static void serve_host(const struct vmx_raw_exit *raw)
{
    u32 reason = vmx_exit_reason(raw);

    if (reason == REASON_EXTERNAL_INTERRUPT && (raw->intr_info & INTR_VALID) != 0)
        idt_dispatch(vmx_intr_vector(raw->intr_info));
    if (reason == REASON_MACHINE_CHECK)
        vmx_raise_machine_check();
    if (reason != REASON_EXCEPTION_OR_NMI)
        return;
    if (vmx_intr_type(raw->intr_info) == INTR_TYPE_NMI)
        vmx_raise_nmi();
    else if (vmx_intr_vector(raw->intr_info) == VECTOR_MC)
        vmx_raise_machine_check();
}

static void after_exit(struct vcpu *vcpu, struct vmx_raw_exit *raw)
{
    struct hvm_vcpu *hw = vcpu->hw;

    hw->is_launched = true;
    hw->cr2 = read_cr2();
    read_exit(hw, raw);
    vcpu->gpr[GPR_RSP] = vmread(GUEST_RSP);
}

void vmx_run(struct vcpu *vcpu, struct vm_exit *exit)
{
    struct vmx_raw_exit raw;

    before_entry(vcpu);
    if (unlikely(!vcpu->hw->is_checked) && !first_check(vcpu, exit))
        return;
    clear_leaks();
    if (unlikely(vmx_enter_guest(vcpu->gpr, vcpu->hw->is_launched) != 0)) {
        entry_failed(vcpu, exit);
        return;
    }
    after_exit(vcpu, &raw);
    vmx_exit_decode(&raw, exit);
    serve_host(&raw);
    vmx_event_after_exit(vcpu, &raw, exit);
    if (unlikely(exit->kind == EXIT_ENTRY_FAILED))
        guest_state_refused(vcpu);
}

static void vmx_intercept_msr(struct vm *vm, u32 msr, bool on_read, bool on_write)
{
    if (vm->hw->x2apic_bitmap != NULL)
        (void)msr_bitmap_set(vm->hw->x2apic_bitmap, msr, on_read, on_write);
    if (!msr_bitmap_set(vm->hw->msr_bitmap, msr, on_read, on_write) && !(on_read && on_write))
        log_warn("vmx", "MSR %#x is outside the bitmap and always exits", msr);
}

static void vmx_intercept_io(struct vm *vm, u16 first, u16 last, bool intercept)
{
    io_map_set(vm->hw->io_bitmap, first, last, intercept);
}

static void vmx_tlb_flush(struct vcpu *vcpu, enum hvm_tlb_scope scope)
{
    (void)scope;
    tlb_tag_drop(&vcpu->hw->vpid);
    vcpu->hw->ept_flushed_on = 0;
}

static void vmx_tsc_offset_set(struct vcpu *vcpu, u64 offset)
{
    bool begun = vmcs_use_begin(vcpu->hw);

    vmwrite(TSC_OFFSET, offset);
    vmcs_use_end(vcpu->hw, begun);
}

const struct hvm_ops vmx_ops = {
    .name = "VT-x",
    .slat = &ept_format,
    .probe = vmx_probe,
    .cpu_enable = vmx_cpu_enable,
    .cpu_disable = vmx_cpu_disable,
    .vm_init = vmx_vm_init,
    .vm_fini = vmx_vm_fini,
    .vcpu_init = vmx_vcpu_init,
    .vcpu_fini = vmx_vcpu_fini,
    .vcpu_reset = vmx_vcpu_reset,
    .vcpu_load = vmx_vcpu_load,
    .vcpu_put = vmx_vcpu_put,
    .run = vmx_run,
    .reg_get = vmx_reg_get,
    .reg_set = vmx_reg_set,
    .seg_get = vmx_seg_get,
    .seg_set = vmx_seg_set,
    .inject = vmx_inject,
    .nmi_blocked = vmx_nmi_blocked,
    .window_request = vmx_window_request,
    .intercept_msr = vmx_intercept_msr,
    .intercept_io = vmx_intercept_io,
    .tlb_flush = vmx_tlb_flush,
    .tsc_offset_set = vmx_tsc_offset_set,
    .apic_mode_set = vmx_apic_mode_set,
    .apic_sync = vmx_apic_sync,
    .dump = vmx_dump,
};
