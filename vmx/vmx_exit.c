/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit reasons to neutral exits: a table by reason, and a function for each reason with details.
 *
 * Spec: SDM 3C "VM Exits", "Recording VM-Exit Information"; SDM 3D appendix C.
 */
#include "vmx/vmx_exit.h"

#include "core/vm/hvm_ops.h"
#include "core/x86/cr.h"

/* EXIT_UNKNOWN stands for 0 = EXIT_HOST_IRQ here: kinds are stored plus one. */
#define KIND(kind) ((u8)((kind) + 1))

static const u8 kinds[REASON_COUNT] = {
    [REASON_EXTERNAL_INTERRUPT] = KIND(EXIT_HOST_IRQ),
    [REASON_OTHER_SMI] = KIND(EXIT_HOST_IRQ),
    [REASON_IO_SMI] = KIND(EXIT_HOST_IRQ),
    [REASON_PREEMPTION_TIMER] = KIND(EXIT_HOST_IRQ),
    [REASON_MACHINE_CHECK] = KIND(EXIT_HOST_IRQ),
    [REASON_EXCEPTION_OR_NMI] = KIND(EXIT_EXCEPTION),
    [REASON_TRIPLE_FAULT] = KIND(EXIT_SHUTDOWN),
    [REASON_INIT] = KIND(EXIT_INIT),
    [REASON_SIPI] = KIND(EXIT_INIT),
    [REASON_INTERRUPT_WINDOW] = KIND(EXIT_IRQ_WINDOW),
    [REASON_NMI_WINDOW] = KIND(EXIT_NMI_WINDOW),
    [REASON_TPR_BELOW_THRESHOLD] = KIND(EXIT_TPR),
    [REASON_TASK_SWITCH] = KIND(EXIT_TASK_SWITCH),
    [REASON_CPUID] = KIND(EXIT_CPUID),
    [REASON_HLT] = KIND(EXIT_HLT),
    [REASON_INVD] = KIND(EXIT_CACHE),
    [REASON_WBINVD] = KIND(EXIT_CACHE),
    [REASON_RDPMC] = KIND(EXIT_RDPMC),
    [REASON_VMCALL] = KIND(EXIT_HYPERCALL),
    [REASON_CR_ACCESS] = KIND(EXIT_CR),
    [REASON_IO] = KIND(EXIT_IO),
    [REASON_RDMSR] = KIND(EXIT_MSR),
    [REASON_WRMSR] = KIND(EXIT_MSR),
    [REASON_PAUSE] = KIND(EXIT_PAUSE),
    [REASON_XSETBV] = KIND(EXIT_XSETBV),
    [REASON_APIC_ACCESS] = KIND(EXIT_SLAT_FAULT),
    [REASON_APIC_WRITE] = KIND(EXIT_APIC_WRITE),
    [REASON_VIRTUALIZED_EOI] = KIND(EXIT_APIC_EOI),
    [REASON_EPT_VIOLATION] = KIND(EXIT_SLAT_FAULT),
    [REASON_INVALID_GUEST_STATE] = KIND(EXIT_ENTRY_FAILED),
    [REASON_MSR_LOADING] = KIND(EXIT_ENTRY_FAILED),
    [REASON_GETSEC] = KIND(EXIT_UNDEFINED),
    [REASON_VMCLEAR] = KIND(EXIT_UNDEFINED),
    [REASON_VMLAUNCH] = KIND(EXIT_UNDEFINED),
    [REASON_VMPTRLD] = KIND(EXIT_UNDEFINED),
    [REASON_VMPTRST] = KIND(EXIT_UNDEFINED),
    [REASON_VMREAD] = KIND(EXIT_UNDEFINED),
    [REASON_VMRESUME] = KIND(EXIT_UNDEFINED),
    [REASON_VMWRITE] = KIND(EXIT_UNDEFINED),
    [REASON_VMXOFF] = KIND(EXIT_UNDEFINED),
    [REASON_VMXON] = KIND(EXIT_UNDEFINED),
    [REASON_MWAIT] = KIND(EXIT_UNDEFINED),
    [REASON_MONITOR] = KIND(EXIT_UNDEFINED),
    [REASON_INVEPT] = KIND(EXIT_UNDEFINED),
    [REASON_INVVPID] = KIND(EXIT_UNDEFINED),
    [REASON_VMFUNC] = KIND(EXIT_UNDEFINED),
};

/* Access sizes and address sizes by their encodings; 0: reserved. */
static const u8 address_bytes[8] = {2, 4, 8};

/*
 * What was being delivered. Software interrupts and the exceptions of INT3, INTO and ICEBP are not
 * reported: RIP still points at the instruction, which raises them again.
 */
static void decode_interrupted(const struct vmx_raw_exit *raw, struct vm_event *event)
{
    *event = (struct vm_event){.kind = EVENT_NONE, .vector = vmx_intr_vector(raw->idt_info)};
    switch (vmx_intr_type(raw->idt_info)) {
    case INTR_TYPE_EXTERNAL:
        event->kind = EVENT_EXTINT;
        break;
    case INTR_TYPE_NMI:
        event->kind = EVENT_NMI;
        break;
    case INTR_TYPE_EXCEPTION:
        event->kind = EVENT_EXCEPTION;
        break;
    default:
        break;
    }
    event->has_error_code = (raw->idt_info & INTR_ERROR_CODE) != 0;
    event->error_code = event->has_error_code ? (u32)raw->idt_error : 0;
    event->address = raw->cr2;
}

static void decode_io(const struct vmx_raw_exit *raw, struct vm_exit *exit)
{
    u64 info = raw->qualification;

    exit->u.io.port = (u16)FIELD_GET(IO_PORT, info);
    exit->u.io.size = (u8)(FIELD_GET(IO_SIZE, info) + 1);
    exit->u.io.is_in = (info & IO_IN) != 0;
    exit->u.io.is_string = (info & IO_STRING) != 0;
    exit->u.io.is_rep = (info & IO_REP) != 0;
    exit->u.io.address_bytes = address_bytes[FIELD_GET(STRING_ADDRESS_SIZE, raw->insn_info)];
    exit->u.io.segment = (u8)FIELD_GET(STRING_SEGMENT, raw->insn_info);
    exit->u.io.has_segment = exit->u.io.is_string && !exit->u.io.is_in;
    exit->u.io.next_rip = raw->rip + raw->insn_len;
}

static void decode_ept_violation(const struct vmx_raw_exit *raw, struct vm_exit *exit)
{
    u64 info = raw->qualification;

    exit->u.slat.gpa = gpa(raw->guest_physical);
    if ((info & EPT_VIOLATION_WRITE) != 0)
        exit->u.slat.access = SLAT_WRITE;
    else
        exit->u.slat.access = (info & EPT_VIOLATION_FETCH) != 0 ? SLAT_EXEC : SLAT_READ;
    exit->u.slat.is_present = (info & EPT_VIOLATION_PERMISSIONS) != 0;
    exit->u.slat.in_walk =
        (info & EPT_VIOLATION_LINEAR_VALID) != 0 && (info & EPT_VIOLATION_TRANSLATED) == 0;
    exit->insn_len = 0; /* not defined for these exits */
}

/* What the CPU does not serve on the APIC's page is a fault on that page, as it is without a
 * virtual APIC. */
static void decode_apic_access(const struct vmx_raw_exit *raw, struct vm_exit *exit)
{
    u64 type = FIELD_GET(APIC_ACCESS_TYPE, raw->qualification);

    exit->u.slat.gpa = gpa(HVM_APIC_GPA | (raw->qualification & APIC_ACCESS_OFFSET));
    exit->u.slat.access = SLAT_READ;
    if (type == APIC_ACCESS_WRITE)
        exit->u.slat.access = SLAT_WRITE;
    else if (type == APIC_ACCESS_FETCH)
        exit->u.slat.access = SLAT_EXEC;
    exit->u.slat.is_present = false;
    exit->u.slat.in_walk = type > APIC_ACCESS_FETCH;
    exit->insn_len = 0; /* not defined for all of these exits */
}

/* NMIs and machine checks are the host's; the others were asked for. */
static void decode_exception(const struct vmx_raw_exit *raw, struct vm_exit *exit)
{
    u8 vector = vmx_intr_vector(raw->intr_info);
    bool has_error = (raw->intr_info & INTR_ERROR_CODE) != 0;

    if (vmx_intr_type(raw->intr_info) == INTR_TYPE_NMI || vector == VECTOR_MC) {
        exit->kind = EXIT_HOST_IRQ;
        return;
    }
    exit->u.exception.event = (struct vm_event){
        .kind = EVENT_EXCEPTION,
        .vector = vector,
        .has_error_code = has_error,
        .error_code = has_error ? (u32)raw->intr_error : 0,
    };
}

/* Reads, CLTS and LMSW do not exit: the bits they touch are the guest's own. */
static void decode_cr(const struct vmx_raw_exit *raw, struct vm_exit *exit)
{
    exit->u.cr.number = (u8)(raw->qualification & CR_NUMBER);
    exit->u.cr.is_write = FIELD_GET(CR_ACCESS_TYPE, raw->qualification) == CR_MOV_TO;
    exit->u.cr.has_gpr = true;
    exit->u.cr.gpr = (u8)FIELD_GET(CR_GPR, raw->qualification);
    if (FIELD_GET(CR_ACCESS_TYPE, raw->qualification) > CR_MOV_FROM)
        exit->kind = EXIT_UNKNOWN;
}

static enum vm_exit_kind kind_of(const struct vmx_raw_exit *raw)
{
    u32 reason = vmx_exit_reason(raw);

    if ((raw->reason & EXIT_REASON_ENTRY_FAILED) != 0 && reason != REASON_MACHINE_CHECK)
        return EXIT_ENTRY_FAILED;
    if (reason < REASON_COUNT && kinds[reason] != 0)
        return (enum vm_exit_kind)(kinds[reason] - 1);
    return EXIT_UNKNOWN;
}

void vmx_exit_decode(const struct vmx_raw_exit *raw, struct vm_exit *exit)
{
    exit->kind = kind_of(raw);
    exit->vendor_code = raw->reason;
    exit->rip = raw->rip;
    exit->rflags = raw->rflags;
    exit->in_shadow = (raw->interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) != 0;
    exit->insn_len = raw->insn_len <= VM_INSN_BYTES_MAX ? (u8)raw->insn_len : 0;
    exit->insn_byte_cnt = 0;
    exit->interrupted.kind = EVENT_NONE;
    if (unlikely((raw->idt_info & INTR_VALID) != 0))
        decode_interrupted(raw, &exit->interrupted);
    switch (exit->kind) {
    case EXIT_IO:
        decode_io(raw, exit);
        break;
    case EXIT_SLAT_FAULT:
        if (vmx_exit_reason(raw) == REASON_APIC_ACCESS)
            decode_apic_access(raw, exit);
        else
            decode_ept_violation(raw, exit);
        break;
    case EXIT_APIC_WRITE:
        exit->u.apic.offset = (u16)(raw->qualification & APIC_ACCESS_OFFSET);
        break;
    case EXIT_APIC_EOI:
        exit->u.apic.vector = (u8)raw->qualification;
        break;
    case EXIT_MSR:
        exit->u.msr.is_write = vmx_exit_reason(raw) == REASON_WRMSR;
        break;
    case EXIT_EXCEPTION:
        decode_exception(raw, exit);
        break;
    case EXIT_CR:
        decode_cr(raw, exit);
        break;
    default:
        break;
    }
}
