/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events into the guest: injection, and exits when it can take the next one.
 *
 * Interrupt window: a dummy virtual interrupt (V_IRQ, any priority) that is intercepted when the
 * guest could take it. NMI window: the CPU does not track NMIs injected by EVENTINJ, so the
 * handler's IRET is intercepted. That exit comes before the IRET has run; NMIs stay blocked until
 * RIP has moved on, which, if an NMI waits, a single step shows:
 *
 *     OPEN -inject-> MASKED -IRET exit-> IRET -RIP moved-> OPEN
 *                                         `-window wanted-> STEPPING -#DB-> OPEN
 *
 * Virtual NMIs (vNMI) would spare this, but no emulator has them: one path, tested, serves every
 * CPU. Spec: APM 2 "Event Injection", "Virtual Interrupts", "Masking and Prioritization of NMI".
 */
#include "core/x86/cr.h"
#include "svm/svm_exit.h"
#include "svm/svm_state.h"

#define PRIO_HIGHEST 0xfu
#define DR6_BS       BIT(14)

static u64 event_type(enum vm_event_kind kind)
{
    switch (kind) {
    case EVENT_NMI:
        return EVENTINJ_TYPE_NMI;
    case EVENT_EXCEPTION:
        return EVENTINJ_TYPE_EXCEPTION;
    case EVENT_SOFT_INT:
        return EVENTINJ_TYPE_SOFT_INT;
    default:
        return EVENTINJ_TYPE_INTR;
    }
}

void svm_inject(struct vcpu *vcpu, const struct vm_event *event)
{
    struct hvm_vcpu *hw = vcpu->hw;
    u64 info = EVENTINJ_V | FIELD_PREP(EVENTINJ_TYPE, event_type(event->kind)) | event->vector;

    if (event->kind == EVENT_NMI) {
        hw->nmi = SVM_NMI_MASKED;
        vmcb_intercept(hw->vmcb, INTERCEPT_MISC1, INTERCEPT_IRET, true);
    }
    if (event->has_error_code)
        info |= EVENTINJ_EV | FIELD_PREP(EVENTINJ_ERRORCODE, event->error_code);
    if (event->kind == EVENT_EXCEPTION && event->vector == VECTOR_PF)
        hw->vmcb->save.cr2 = event->address;
    hw->vmcb->control.eventinj = info;
}

bool svm_nmi_blocked(struct vcpu *vcpu)
{
    return vcpu->hw->nmi != SVM_NMI_OPEN;
}

static void irq_window(struct vmcb *vmcb, bool wanted)
{
    vmcb->control.vintr &= ~(V_IRQ | V_IGN_TPR | V_INTR_PRIO);
    if (wanted)
        vmcb->control.vintr |= V_IRQ | V_IGN_TPR | FIELD_PREP(V_INTR_PRIO, PRIO_HIGHEST);
    vmcb_intercept(vmcb, INTERCEPT_MISC1, INTERCEPT_VINTR, wanted);
}

/*
 * The CPU compares the priority of V_IRQ with V_TPR, emulators not quite as the manual says; so
 * lowering CR8 exits, and core looks again. Guests that leave the task priority at zero pay
 * nothing.
 */
void svm_watch_cr8(struct vcpu *vcpu)
{
    struct hvm_vcpu *hw = vcpu->hw;

    hw->is_cr8_watched = vcpu_cr8(vcpu) != 0;
    vmcb_intercept(hw->vmcb, INTERCEPT_CR, INTERCEPT_CR8_WRITE, hw->is_cr8_watched);
}

static void step_begin(struct hvm_vcpu *hw)
{
    hw->nmi_steps_iret = hw->nmi == SVM_NMI_IRET;
    hw->nmi_guest_tf = (hw->vmcb->save.rflags & RFLAGS_TF) != 0;
    hw->vmcb->save.rflags |= RFLAGS_TF;
    hw->nmi = SVM_NMI_STEPPING;
}

/* An executed IRET has loaded the guest's own TF; any other instruction has left ours. */
static void step_end(struct hvm_vcpu *hw, enum svm_nmi_state next)
{
    bool is_iret_done = hw->nmi_steps_iret && next == SVM_NMI_OPEN;

    if (!hw->nmi_guest_tf && !is_iret_done)
        hw->vmcb->save.rflags &= ~RFLAGS_TF;
    hw->nmi = next;
}

void svm_window_request(struct vcpu *vcpu, enum vm_event_kind kind, bool wanted)
{
    struct hvm_vcpu *hw = vcpu->hw;

    if (kind == EVENT_EXTINT)
        irq_window(hw->vmcb, wanted);
    else if (wanted && (hw->nmi == SVM_NMI_IRET || hw->nmi == SVM_NMI_OPEN))
        step_begin(hw);
    else if (!wanted && hw->nmi == SVM_NMI_STEPPING)
        step_end(hw, SVM_NMI_IRET);
}

static bool is_step(const struct hvm_vcpu *hw, const struct vm_exit *exit)
{
    return exit->kind == EXIT_EXCEPTION && exit->u.exception.event.vector == VECTOR_DB &&
           (hw->vmcb->save.dr6 & DR6_BS) != 0;
}

/* A guest that single-steps itself gets its own #DB first. */
static void step_done(struct hvm_vcpu *hw, struct vm_exit *exit)
{
    if (hw->nmi_guest_tf)
        exit->interrupted = exit->u.exception.event;
    else
        hw->vmcb->save.dr6 &= ~DR6_BS;
    exit->kind = EXIT_NMI_WINDOW;
    step_end(hw, SVM_NMI_OPEN);
}

static void nmi_after_exit(struct hvm_vcpu *hw, struct vm_exit *exit)
{
    if (hw->nmi == SVM_NMI_STEPPING && !hw->nmi_guest_tf)
        exit->rflags &= ~RFLAGS_TF; /* ours, not the guest's */
    switch (hw->nmi) {
    case SVM_NMI_MASKED:
        if (exit->vendor_code != VMEXIT_IRET)
            break;
        vmcb_intercept(hw->vmcb, INTERCEPT_MISC1, INTERCEPT_IRET, false);
        hw->nmi_iret_rip = exit->rip;
        hw->nmi = SVM_NMI_IRET;
        break;
    case SVM_NMI_IRET:
        if (exit->rip != hw->nmi_iret_rip)
            hw->nmi = SVM_NMI_OPEN;
        break;
    case SVM_NMI_STEPPING:
        if (is_step(hw, exit))
            step_done(hw, exit);
        break;
    case SVM_NMI_OPEN:
        break;
    }
}

void svm_event_after_exit(struct vcpu *vcpu, struct vm_exit *exit)
{
    if (exit->kind == EXIT_IRQ_WINDOW)
        irq_window(svm_vmcb(vcpu), false);
    nmi_after_exit(vcpu->hw, exit);
}
