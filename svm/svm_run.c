/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering the guest and what must be done at once after it: the hot path.
 *
 * Host NMIs end the guest's run and are taken by the host's own handler at STGI, inside
 * svm_enter_guest; machine checks are handed to the host's handler here. Both then look like a host
 * interrupt to core.
 */
#include "core/x86/cr.h"
#include "core/x86/insn.h"
#include "core/x86/io_map.h"
#include "core/x86/log.h"
#include "core/x86/msr.h"
#include "svm/npt.h"
#include "svm/svm.h"
#include "svm/svm_bitmap.h"
#include "svm/svm_exit.h"
#include "svm/svm_insn.h"
#include "svm/svm_state.h"
#include "svm/vmcb_check.h"

#define DR7_ENABLED 0x00ffu /* L0–3, G0–3 */
#define DR7_OFF     0x0400u

static const char *check(const struct vmcb *vmcb)
{
    const struct vmcb_limits limits = {svm_caps.asid_count, svm_caps.phys_bits};

    return vmcb_check(vmcb, &limits);
}

static void log_refusal(const struct vcpu *vcpu, const char *who, const char *what)
{
    log_error("svm", "VM %u vCPU %u: %s refused the VMCB: %s", vcpu->vm->id, vcpu->index, who,
              what);
}

/* Return: false if the CPU would refuse the VMCB; *exit then says so. */
static noinline bool first_check(struct vcpu *vcpu, struct vm_exit *exit)
{
    const char *wrong = check(svm_vmcb(vcpu));

    if (wrong != NULL) {
        log_refusal(vcpu, "the consistency check", wrong);
        *exit = (struct vm_exit){.kind = EXIT_ENTRY_FAILED,
                                 .vendor_code = VMEXIT_INVALID,
                                 .rip = svm_vmcb(vcpu)->save.rip};
        return false;
    }
    vcpu->hw->is_checked = true;
    return true;
}

/* Exits that are the host's own business, and those that end in a crash. */
static noinline void after_rare_exit(struct vcpu *vcpu, const struct vm_exit *exit)
{
    const char *wrong;

    if (exit->vendor_code == VMEXIT_EXCP0 + VECTOR_MC)
        svm_raise_machine_check();
    if (exit->kind != EXIT_ENTRY_FAILED)
        return;
    wrong = check(svm_vmcb(vcpu));
    log_refusal(vcpu, "the CPU", wrong != NULL ? wrong : "no check of ours finds the field");
}

static void before_entry(struct vcpu *vcpu, struct svm_pcpu *pcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;
    struct vmcb *vmcb = hw->vmcb;

    svm_asid_assign(vcpu, pcpu);
    vmcb->save.rax = vcpu->gpr[GPR_RAX];
    vmcb->save.rsp = vcpu->gpr[GPR_RSP];
    vmcb->control.vintr = (vmcb->control.vintr & ~V_TPR) | vcpu_cr8(vcpu);
    if (unlikely((vcpu_cr8(vcpu) != 0) != hw->is_cr8_watched))
        svm_watch_cr8(vcpu);
    if (unlikely(vcpu->tsc_aux != hw->tsc_aux_on_cpu) && svm_caps.has_rdtscp) {
        wrmsr(MSR_TSC_AUX, vcpu->tsc_aux);
        hw->tsc_aux_on_cpu = vcpu->tsc_aux;
    }
}

/* Emulators leave the guest's breakpoints on after an exit; CPUs turn them off. */
static void after_exit(struct vcpu *vcpu)
{
    struct vmcb *vmcb = svm_vmcb(vcpu);

    if (unlikely((vmcb->save.dr7 & DR7_ENABLED) != 0))
        write_dr7(DR7_OFF);
    vcpu->gpr[GPR_RAX] = vmcb->save.rax;
    vcpu->gpr[GPR_RSP] = vmcb->save.rsp;
    if (unlikely((vmcb->control.vintr & V_TPR) != vcpu_cr8(vcpu)))
        vcpu_set_cr8(vcpu, (u8)(vmcb->control.vintr & V_TPR));
    vmcb->control.eventinj = 0;
}

void svm_run(struct vcpu *vcpu, struct vm_exit *exit)
{
    struct svm_pcpu *pcpu = svm_this_pcpu();
    struct hvm_vcpu *hw = vcpu->hw;

    before_entry(vcpu, pcpu);
    if (unlikely(!hw->is_checked) && !first_check(vcpu, exit))
        return;
    svm_enter_guest(vcpu->gpr, hw->vmcb_pa.v, pcpu->host_pa.v);
    after_exit(vcpu);
    svm_exit_decode(hw->vmcb, &svm_caps, exit);
    if (unlikely(hw->nmi != SVM_NMI_OPEN) || exit->kind == EXIT_IRQ_WINDOW)
        svm_event_after_exit(vcpu, exit);
    if (unlikely(exit->kind == EXIT_ENTRY_FAILED || exit->kind == EXIT_HOST_IRQ))
        after_rare_exit(vcpu, exit);
}

static void svm_intercept_msr(struct vm *vm, u32 msr, bool on_read, bool on_write)
{
    if (!msrpm_set(vm->hw->msrpm, msr, on_read, on_write) && !(on_read && on_write))
        log_warn("svm", "MSR %#x is outside the permission map and always exits", msr);
}

static void svm_intercept_io(struct vm *vm, u16 first, u16 last, bool intercept)
{
    io_map_set(vm->hw->iopm, first, last, intercept);
}

static void svm_tlb_flush(struct vcpu *vcpu, enum hvm_tlb_scope scope)
{
    (void)scope;
    tlb_tag_drop(&vcpu->hw->asid);
}

static void svm_tsc_offset_set(struct vcpu *vcpu, u64 offset)
{
    svm_vmcb(vcpu)->control.tsc_offset = offset;
}

/* AVIC is not used: software serves the local APIC. */
static void svm_apic_mode_set(struct vcpu *vcpu, enum hvm_apic_mode mode)
{
    (void)vcpu;
    (void)mode;
}

static void svm_apic_sync(struct vcpu *vcpu)
{
    (void)vcpu;
}

const struct hvm_ops svm_ops = {
    .name = "AMD-V",
    .slat = &npt_format,
    .probe = svm_probe,
    .cpu_enable = svm_cpu_enable,
    .cpu_disable = svm_cpu_disable,
    .vm_init = svm_vm_init,
    .vm_fini = svm_vm_fini,
    .vcpu_init = svm_vcpu_init,
    .vcpu_fini = svm_vcpu_fini,
    .vcpu_reset = svm_vcpu_reset,
    .vcpu_load = svm_vcpu_load,
    .vcpu_put = svm_vcpu_put,
    .run = svm_run,
    .reg_get = svm_reg_get,
    .reg_set = svm_reg_set,
    .seg_get = svm_seg_get,
    .seg_set = svm_seg_set,
    .inject = svm_inject,
    .nmi_blocked = svm_nmi_blocked,
    .window_request = svm_window_request,
    .intercept_msr = svm_intercept_msr,
    .intercept_io = svm_intercept_io,
    .tlb_flush = svm_tlb_flush,
    .tsc_offset_set = svm_tsc_offset_set,
    .apic_mode_set = svm_apic_mode_set,
    .apic_sync = svm_apic_sync,
    .dump = svm_dump,
};
