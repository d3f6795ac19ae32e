/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exit codes to neutral exits: a table by code, and a function for each code with details.
 *
 * Spec: APM 2 "Intercepts", "#VMEXIT", appendix C "SVM Intercept Exit Codes".
 */
#include "svm/svm_exit.h"

#include "core/lib/string.h"
#include "core/x86/cr.h"

/* Exceptions that push an error code. Spec: APM 2 "Vectors". */
#define VECTOR_CP 21u
#define VECTOR_VC 29u
#define VECTOR_SX 30u
#define ERROR_CODE_VECTORS                                                                \
    (BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) | \
     BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(VECTOR_CP) | BIT(VECTOR_VC) | BIT(VECTOR_SX))

#define TABLE_SIZE (VMEXIT_RDPRU + 1)

/* EXIT_UNKNOWN stands for 0 = EXIT_HOST_IRQ here: kinds are stored plus one. */
#define KIND(kind) ((u8)((kind) + 1))

static const u8 kinds[TABLE_SIZE] = {
    [VMEXIT_INTR] = KIND(EXIT_HOST_IRQ),
    [VMEXIT_NMI] = KIND(EXIT_HOST_IRQ),
    [VMEXIT_SMI] = KIND(EXIT_HOST_IRQ),
    [VMEXIT_EXCP0 + VECTOR_MC] = KIND(EXIT_HOST_IRQ),
    [VMEXIT_INIT] = KIND(EXIT_INIT),
    [VMEXIT_VINTR] = KIND(EXIT_IRQ_WINDOW),
    [VMEXIT_IRET] = KIND(EXIT_NMI_WINDOW),
    [VMEXIT_IOIO] = KIND(EXIT_IO),
    [VMEXIT_CPUID] = KIND(EXIT_CPUID),
    [VMEXIT_HLT] = KIND(EXIT_HLT),
    [VMEXIT_MSR] = KIND(EXIT_MSR),
    [VMEXIT_XSETBV] = KIND(EXIT_XSETBV),
    [VMEXIT_VMMCALL] = KIND(EXIT_HYPERCALL),
    [VMEXIT_INVD] = KIND(EXIT_CACHE),
    [VMEXIT_WBINVD] = KIND(EXIT_CACHE),
    [VMEXIT_PAUSE] = KIND(EXIT_PAUSE),
    [VMEXIT_RDPMC] = KIND(EXIT_RDPMC),
    [VMEXIT_INVLPGA] = KIND(EXIT_UNDEFINED),
    [VMEXIT_VMRUN] = KIND(EXIT_UNDEFINED),
    [VMEXIT_VMLOAD] = KIND(EXIT_UNDEFINED),
    [VMEXIT_VMSAVE] = KIND(EXIT_UNDEFINED),
    [VMEXIT_STGI] = KIND(EXIT_UNDEFINED),
    [VMEXIT_CLGI] = KIND(EXIT_UNDEFINED),
    [VMEXIT_SKINIT] = KIND(EXIT_UNDEFINED),
    [VMEXIT_MONITOR] = KIND(EXIT_UNDEFINED),
    [VMEXIT_MWAIT] = KIND(EXIT_UNDEFINED),
    [VMEXIT_RDPRU] = KIND(EXIT_UNDEFINED),
    [VMEXIT_SHUTDOWN] = KIND(EXIT_SHUTDOWN),
    [VMEXIT_CR8_WRITE] = KIND(EXIT_CR),
    [VMEXIT_EXCP0 + VECTOR_DB] = KIND(EXIT_EXCEPTION),
    [VMEXIT_EXCP0 + VECTOR_AC] = KIND(EXIT_EXCEPTION),
};

/*
 * What was being delivered. Software interrupts and the exceptions of INT3 and INTO are not
 * reported: RIP still points at the instruction, which raises them again.
 */
static void decode_interrupted(const struct vmcb *vmcb, struct vm_event *event)
{
    u64 info = vmcb->control.exitintinfo;

    *event = (struct vm_event){.kind = EVENT_NONE, .vector = (u8)(info & EVENTINJ_VECTOR)};
    switch (FIELD_GET(EVENTINJ_TYPE, info)) {
    case EVENTINJ_TYPE_INTR:
        event->kind = EVENT_EXTINT;
        break;
    case EVENTINJ_TYPE_NMI:
        event->kind = EVENT_NMI;
        break;
    case EVENTINJ_TYPE_EXCEPTION:
        if (event->vector != VECTOR_BP && event->vector != VECTOR_OF)
            event->kind = EVENT_EXCEPTION;
        break;
    default:
        break;
    }
    event->has_error_code = (info & EVENTINJ_EV) != 0;
    event->error_code = (u32)FIELD_GET(EVENTINJ_ERRORCODE, info);
    event->address = vmcb->save.cr2;
}

static void decode_io(const struct vmcb *vmcb, const struct svm_caps *caps, struct vm_exit *exit)
{
    u64 info = vmcb->control.exitinfo1;

    exit->u.io.port = (u16)FIELD_GET(IOIO_PORT, info);
    exit->u.io.size = (u8)FIELD_GET(IOIO_SZ, info);
    exit->u.io.is_in = (info & IOIO_TYPE) != 0;
    exit->u.io.is_string = (info & IOIO_STR) != 0;
    exit->u.io.is_rep = (info & IOIO_REP) != 0;
    exit->u.io.address_bytes = (u8)(FIELD_GET(IOIO_A, info) * 2);
    exit->u.io.segment = (u8)FIELD_GET(IOIO_SEG, info);
    exit->u.io.has_segment = caps->has_decode_assist;
    exit->u.io.next_rip = vmcb->control.exitinfo2;
}

static void decode_npf(const struct vmcb *vmcb, const struct svm_caps *caps, struct vm_exit *exit)
{
    u64 info = vmcb->control.exitinfo1;

    exit->u.slat.gpa = gpa(vmcb->control.exitinfo2);
    if ((info & NPF_W) != 0)
        exit->u.slat.access = SLAT_WRITE;
    else
        exit->u.slat.access = (info & NPF_ID) != 0 ? SLAT_EXEC : SLAT_READ;
    exit->u.slat.is_present = (info & NPF_P) != 0;
    exit->u.slat.in_walk = (info & NPF_GUEST_TABLE) != 0;
    if (caps->has_decode_assist) {
        exit->insn_byte_cnt = (u8)MIN(vmcb->control.bytes_fetched, VM_INSN_BYTES_MAX);
        memcpy(exit->insn_bytes, vmcb->control.instruction_bytes, VM_INSN_BYTES_MAX);
    }
}

static void decode_exception(const struct vmcb *vmcb, struct vm_exit *exit)
{
    u8 vector = (u8)(svm_exit_code(vmcb) - VMEXIT_EXCP0);

    exit->u.exception.event = (struct vm_event){
        .kind = EVENT_EXCEPTION,
        .vector = vector,
        .has_error_code = (ERROR_CODE_VECTORS & BIT(vector)) != 0,
        .error_code = (u32)vmcb->control.exitinfo1,
    };
}

/* Only writes of CR8 are intercepted. */
static void decode_cr(const struct vmcb *vmcb, const struct svm_caps *caps, struct vm_exit *exit)
{
    exit->u.cr.number = 8;
    exit->u.cr.is_write = true;
    exit->u.cr.has_gpr = caps->has_decode_assist && (vmcb->control.exitinfo1 & CR_MOV) != 0;
    exit->u.cr.gpr = (u8)(vmcb->control.exitinfo1 & CR_GPR);
}

static void decode_length(const struct vmcb *vmcb, struct vm_exit *exit)
{
    u64 length = vmcb->control.nrip - vmcb->save.rip;

    if (length <= VM_INSN_BYTES_MAX)
        exit->insn_len = (u8)length;
}

static enum vm_exit_kind kind_of(u32 code)
{
    if (code < TABLE_SIZE && kinds[code] != 0)
        return (enum vm_exit_kind)(kinds[code] - 1);
    if (code == VMEXIT_NPF)
        return EXIT_SLAT_FAULT;
    return code == VMEXIT_INVALID ? EXIT_ENTRY_FAILED : EXIT_UNKNOWN;
}

void svm_exit_decode(const struct vmcb *vmcb, const struct svm_caps *caps, struct vm_exit *exit)
{
    exit->kind = kind_of(svm_exit_code(vmcb));
    exit->vendor_code = svm_exit_code(vmcb);
    exit->rip = vmcb->save.rip;
    exit->rflags = vmcb->save.rflags;
    exit->in_shadow = (vmcb->control.interrupt_shadow & INTERRUPT_SHADOW) != 0;
    exit->insn_len = 0;
    exit->insn_byte_cnt = 0;
    exit->interrupted.kind = EVENT_NONE;
    if ((vmcb->control.exitintinfo & EVENTINJ_V) != 0)
        decode_interrupted(vmcb, &exit->interrupted);
    if (caps->has_nrip)
        decode_length(vmcb, exit);
    switch (exit->kind) {
    case EXIT_IO:
        decode_io(vmcb, caps, exit);
        break;
    case EXIT_SLAT_FAULT:
        decode_npf(vmcb, caps, exit);
        break;
    case EXIT_MSR:
        exit->u.msr.is_write = vmcb->control.exitinfo1 != 0;
        break;
    case EXIT_EXCEPTION:
        decode_exception(vmcb, exit);
        break;
    case EXIT_CR:
        decode_cr(vmcb, caps, exit);
        break;
    default:
        break;
    }
}
