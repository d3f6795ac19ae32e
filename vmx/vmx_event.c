/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events into the guest: injection, and exits when it can take the next one.
 *
 * Both windows are exits the CPU makes by itself. With virtual NMIs it also tracks the guest's
 * blocking by NMI, but for two cases: an exit from an IRET that has already unblocked NMIs, and one
 * that cut the delivery of an NMI short.
 *
 * Spec: SDM 3C "Event Injection", "Interrupt-Window Exiting and Virtual-Interrupt Delivery",
 * "NMI-Window Exiting", "Resuming Guest Software after Handling an Exception".
 */
#include "core/x86/cr.h"
#include "core/x86/insn.h"
#include "vmx/vmx_exit.h"
#include "vmx/vmx_insn.h"
#include "vmx/vmx_state.h"

#define DR6_TRAPS 0xfull  /* B0–3 */
#define DR6_BD    BIT(13) /* debug registers were accessed under DR7.GD */
#define DR7_GD    BIT(13)

static u64 event_type(enum vm_event_kind kind)
{
    switch (kind) {
    case EVENT_NMI:
        return INTR_TYPE_NMI;
    case EVENT_EXCEPTION:
        return INTR_TYPE_EXCEPTION;
    case EVENT_SOFT_INT:
        return INTR_TYPE_SOFT_INT;
    default:
        return INTR_TYPE_EXTERNAL;
    }
}

/* In real mode exceptions push no error code, and the entry would be refused with one. */
void vmx_inject(struct vcpu *vcpu, const struct vm_event *event)
{
    u64 info = INTR_VALID | FIELD_PREP(INTR_TYPE, event_type(event->kind)) | event->vector;

    if (event->has_error_code && (vmread(GUEST_CR0) & CR0_PE) != 0) {
        info |= INTR_ERROR_CODE;
        vmwrite(ENTRY_EXCEPTION_ERROR_CODE, event->error_code);
    }
    if (event->kind == EVENT_EXCEPTION && event->vector == VECTOR_PF)
        vcpu->hw->cr2 = event->address;
    vmwrite(ENTRY_INTERRUPTION_INFORMATION, info);
}

bool vmx_nmi_blocked(struct vcpu *vcpu)
{
    (void)vcpu;
    return (vmread(GUEST_INTERRUPTIBILITY) & BLOCKED_BY_NMI) != 0;
}

void vmx_window_request(struct vcpu *vcpu, enum vm_event_kind kind, bool wanted)
{
    vmcs_control(vcpu->hw, kind == EVENT_NMI ? PROC_NMI_WINDOW : PROC_INTERRUPT_WINDOW, wanted);
}

static void set_nmi_blocked(bool is_blocked)
{
    u64 state = vmread(GUEST_INTERRUPTIBILITY);

    vmwrite(GUEST_INTERRUPTIBILITY, is_blocked ? state | BLOCKED_BY_NMI : state & ~BLOCKED_BY_NMI);
}

/* Spec: SDM 3C "Information for VM Exits Due to Vectored Events", bit 12. */
static bool has_unblocked_nmis(const struct vmx_raw_exit *raw)
{
    if ((raw->idt_info & INTR_VALID) != 0)
        return false;
    if (vmx_exit_reason(raw) == REASON_EPT_VIOLATION)
        return (raw->qualification & EPT_VIOLATION_NMI_UNBLOCK) != 0;
    return (raw->intr_info & INTR_VALID) != 0 && (raw->intr_info & INTR_NMI_UNBLOCK) != 0 &&
           vmx_intr_vector(raw->intr_info) != VECTOR_DF;
}

/* The exit came before the CPU would have written DR6. */
static void debug_exception(struct vcpu *vcpu, const struct vmx_raw_exit *raw)
{
    u64 causes = raw->qualification & DEBUG_CAUSES;

    write_dr6((read_dr6() & ~DR6_TRAPS) | causes);
    if ((causes & DR6_BD) != 0)
        vmx_reg_set(vcpu, HVM_DR7, vmx_reg_get(vcpu, HVM_DR7) & ~DR7_GD);
}

void vmx_event_after_exit(struct vcpu *vcpu, const struct vmx_raw_exit *raw,
                          const struct vm_exit *exit)
{
    if (exit->kind == EXIT_IRQ_WINDOW)
        vmx_window_request(vcpu, EVENT_EXTINT, false);
    else if (exit->kind == EXIT_NMI_WINDOW)
        vmx_window_request(vcpu, EVENT_NMI, false);
    else if (exit->kind == EXIT_EXCEPTION && exit->u.exception.event.vector == VECTOR_DB)
        debug_exception(vcpu, raw);
    if (exit->interrupted.kind == EVENT_NMI)
        set_nmi_blocked(false);
    else if (has_unblocked_nmis(raw))
        set_nmi_blocked(true);
}
