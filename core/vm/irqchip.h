/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the vCPU loop needs of the virtual interrupt controllers, which live one layer up
 * (core/vdev) and register these functions with the VM.
 */
#ifndef SOCLE_VM_IRQCHIP_H
#define SOCLE_VM_IRQCHIP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct vm;
struct vcpu;

struct irqchip_ops {
    /*
     * The interrupt to deliver now: local APIC's highest above the processor priority, or the PIC's
     * through LINT0. Takes nothing. Where the CPU delivers the local APIC's interrupts itself they
     * are handed to it, and only the PIC's are returned. Context: vCPU task. Return: vector 0–255,
     * or -1.
     */
    int (*pending)(struct vcpu *vcpu);

    /* Would an interrupt be delivered if the guest had them enabled? Context: vCPU task. */
    bool (*has_pending)(struct vcpu *vcpu);

    /* Acknowledges it (IRR → ISR, or PIC INTA). Return: the vector really to inject (spurious ones
     * included). */
    u8 (*acknowledge)(struct vcpu *vcpu, u8 vector);

    /* The guest writes CR8, 0–15. */
    void (*tpr_set)(struct vcpu *vcpu, u8 tpr);

    /* IA32_APIC_BASE, x2APIC range, IA32_TSC_DEADLINE. Return: 0, -EINVAL (inject #GP), -ENOENT
     * (not its MSR). */
    int (*msr_read)(struct vcpu *vcpu, u32 msr, u64 *value) must_check;
    int (*msr_write)(struct vcpu *vcpu, u32 msr, u64 value) must_check;

    /* The local APIC's page, relocatable per vCPU. */
    bool (*mmio_covers)(struct vcpu *vcpu, gpa_t gpa);
    u64 (*mmio_read)(struct vcpu *vcpu, gpa_t gpa, unsigned size);
    void (*mmio_write)(struct vcpu *vcpu, gpa_t gpa, unsigned size, u64 value);

    /* What the CPU leaves to software where it serves the local APIC: the effect of a register the
     * guest has written, and the end of a level-triggered interrupt. */
    void (*register_written)(struct vcpu *vcpu, u16 offset);
    void (*level_ended)(struct vcpu *vcpu, u8 vector);

    /* Takes an NMI pending for this vCPU. Return: true if there was one. */
    bool (*nmi_take)(struct vcpu *vcpu);
    bool (*nmi_pending)(struct vcpu *vcpu);

    /* An interprocessor interrupt without the detour over a command register. Context: any. Return:
     * false if the local APIC is off or refuses it. */
    bool (*send_fixed)(struct vcpu *to, u8 vector);
    bool (*send_nmi)(struct vcpu *to);

    /* INIT has come: registers as after power-on, the mode and the ID stay. */
    void (*vcpu_init)(struct vcpu *vcpu);
};

#endif
