/* SPDX-License-Identifier: BSD-2-Clause */
/* Translates the exit fields of a VMCS into the neutral record. Pure. */
#ifndef SOCLE_VMX_VMX_EXIT_H
#define SOCLE_VMX_VMX_EXIT_H

#include "core/vm/vm_exit.h"
#include "mm/slat.h"
#include "vmx/vmcs.h"

/* The exit-information fields, as vmx_run.c reads them; zero where the exit does not define them.
 */
struct vmx_raw_exit {
    u64 reason;
    u64 qualification;
    u64 rip;
    u64 rflags;
    u64 interruptibility;
    u64 insn_len;
    u64 insn_info;
    u64 intr_info;
    u64 intr_error;
    u64 idt_info;
    u64 idt_error;
    u64 guest_physical;
    u64 cr2;
};

/*
 * Fills every member of *exit that its kind defines. Exits the host handles itself (external
 * interrupts, NMIs, machine checks) give EXIT_HOST_IRQ, those of VMX's own instructions
 * EXIT_UNDEFINED.
 */
void vmx_exit_decode(const struct vmx_raw_exit *raw, struct vm_exit *exit);

static inline u32 vmx_exit_reason(const struct vmx_raw_exit *raw)
{
    return (u32)(raw->reason & EXIT_REASON_BASIC);
}

/* Vector and type of the event that caused the exit, or that was being delivered. */
static inline u8 vmx_intr_vector(u64 info)
{
    return (u8)(info & INTR_VECTOR);
}

static inline u32 vmx_intr_type(u64 info)
{
    return (u32)FIELD_GET(INTR_TYPE, info);
}

#endif
