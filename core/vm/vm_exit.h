/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neutral record of a VM exit: what the vendor layers produce and all of core decides on.
 *
 * The vendor layer translates and never decides; whatever it could not find out (an instruction's
 * length on CPUs without next-RIP save) is marked unknown and core works it out.
 */
#ifndef SOCLE_VM_EXIT_H
#define SOCLE_VM_EXIT_H

#include "core/lib/types.h"

enum vm_exit_kind {
    EXIT_HOST_IRQ,   /* a host interrupt is pending; it is taken when interrupts are turned on */
    EXIT_IRQ_WINDOW, /* the guest can take an external interrupt now */
    EXIT_NMI_WINDOW, /* the guest can take an NMI now */
    EXIT_IO,         /* port access: .io */
    EXIT_SLAT_FAULT, /* second-level page fault: .slat */
    EXIT_CPUID,
    EXIT_HLT,
    EXIT_MSR, /* RDMSR/WRMSR: .msr */
    EXIT_CR,  /* control-register access: .cr */
    EXIT_XSETBV,
    EXIT_HYPERCALL, /* VMMCALL or VMCALL */
    EXIT_CACHE,     /* INVD, WBINVD */
    EXIT_PAUSE,     /* spin loop noticed */
    EXIT_RDPMC,
    EXIT_UNDEFINED,    /* instruction the virtual CPU does not have: inject #UD */
    EXIT_EXCEPTION,    /* intercepted exception: .exception */
    EXIT_TPR,          /* the task priority fell: interrupts held back may go in now */
    EXIT_APIC_WRITE,   /* the guest wrote a register into vcpu->apic->regs: .apic */
    EXIT_APIC_EOI,     /* and ended a level-triggered interrupt: .apic */
    EXIT_TASK_SWITCH,  /* hardware task switch, which this CPU leaves to its hypervisor */
    EXIT_SHUTDOWN,     /* triple fault */
    EXIT_INIT,         /* INIT signal */
    EXIT_ENTRY_FAILED, /* the CPU refused the guest state; the vendor layer has logged why */
    EXIT_UNKNOWN,      /* exit reason the vendor layer does not know */
    EXIT_KIND_COUNT,
};

/* What is injected into a guest, or was being delivered when the exit came. */
enum vm_event_kind { EVENT_NONE, EVENT_EXTINT, EVENT_NMI, EVENT_EXCEPTION, EVENT_SOFT_INT };

struct vm_event {
    enum vm_event_kind kind;
    u8 vector;
    bool has_error_code;
    u32 error_code;
    u64 address; /* CR2 for a page fault */
};

/* Access bits of .slat, the same as SLAT_READ, SLAT_WRITE, SLAT_EXEC. */
#define VM_INSN_BYTES_MAX 15

struct vm_exit {
    enum vm_exit_kind kind;
    u64 vendor_code;  /* raw exit reason or code, for dumps */
    u64 rip;          /* guest RIP at the exit */
    u64 rflags;       /* guest RFLAGS at the exit */
    bool in_shadow;   /* STI or MOV SS just before held interrupts back */
    u8 insn_len;      /* 0: unknown, core decodes */
    u8 insn_byte_cnt; /* 0: not supplied by the CPU */
    u8 insn_bytes[VM_INSN_BYTES_MAX];
    struct vm_event interrupted; /* EVENT_NONE, or the event whose delivery the exit cut short */
    union {
        struct {
            u16 port;
            u8 size; /* 1, 2, 4 bytes */
            bool is_in;
            bool is_string;
            bool is_rep;
            u8 address_bytes; /* string: 2, 4, 8 */
            u8 segment;       /* string: enum hvm_seg of the memory operand, valid if has_segment */
            bool has_segment;
            u64 next_rip; /* 0: unknown */
        } io;
        struct {
            gpa_t gpa;
            u8 access;       /* what was tried */
            bool is_present; /* a translation exists; a permission was missing */
            bool in_walk;    /* fault while the CPU walked the guest's own page tables */
        } slat;
        struct {
            bool is_write; /* number in RCX, value in EDX:EAX */
        } msr;
        struct {
            u8 number; /* 0, 3, 4, 8 */
            bool is_write;
            bool has_gpr; /* gpr is known; else core decodes */
            u8 gpr;
        } cr;
        struct {
            u16 offset; /* EXIT_APIC_WRITE: of the register */
            u8 vector;  /* EXIT_APIC_EOI */
        } apic;
        struct {
            struct vm_event event; /* as the guest would have received it */
        } exception;
    } u;
};

#endif
