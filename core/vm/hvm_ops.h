/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vendor contract: everything core asks of VT-x or AMD-V, chosen once at boot.
 *
 * Rules: every member is set; capabilities are data in struct hvm_caps; no operation blocks. Unless
 * said otherwise an operation is called on the vCPU's own pCPU, by its task, between vcpu_load and
 * vcpu_put. General registers are neutral and live in struct vcpu.
 */
#ifndef SOCLE_VM_HVM_OPS_H
#define SOCLE_VM_HVM_OPS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/vm_exit.h"
#include "mm/slat.h"

struct vm;
struct vcpu;

/* Registers besides the general ones; the order has no meaning. */
enum hvm_reg {
    HVM_RIP,
    HVM_RFLAGS,
    HVM_CR0,
    HVM_CR2,
    HVM_CR3,
    HVM_CR4,
    HVM_EFER,
    HVM_DR6,
    HVM_DR7,
    HVM_PAT,
    HVM_STAR,
    HVM_LSTAR,
    HVM_CSTAR,
    HVM_SFMASK,
    HVM_KERNEL_GS_BASE,
    HVM_SYSENTER_CS,
    HVM_SYSENTER_ESP,
    HVM_SYSENTER_EIP,
    HVM_DEBUGCTL,
    HVM_XCR0,
    HVM_INTR_SHADOW, /* 1 while STI or MOV SS blocks interrupts; writing 0 ends it */
    HVM_PDPTE0,      /* under PAE paging, where the CPU keeps them; else writing has no effect */
    HVM_PDPTE1,
    HVM_PDPTE2,
    HVM_PDPTE3,
    HVM_REG_COUNT,
};

enum hvm_seg {
    HVM_ES,
    HVM_CS,
    HVM_SS,
    HVM_DS,
    HVM_FS,
    HVM_GS,
    HVM_TR,
    HVM_LDTR,
    HVM_GDTR, /* base and limit only */
    HVM_IDTR, /* base and limit only */
    HVM_SEG_COUNT,
};

/* attributes: access rights as in a descriptor's bytes 5 and 6: bits 0-3 type, 4 S, 5-6 DPL, 7 P,
 * 12 AVL, 13 L, 14 D/B, 15 G. */
struct hvm_segment {
    u16 selector;
    u16 attributes;
    u32 limit; /* in bytes, granularity applied */
    u64 base;
};

#define HVM_SEG_TYPE BIT(0) /* first bit; mask 0xf */
#define HVM_SEG_S    BIT(4)
#define HVM_SEG_P    BIT(7)
#define HVM_SEG_L    BIT(13)
#define HVM_SEG_DB   BIT(14)
#define HVM_SEG_G    BIT(15)

enum hvm_reset_kind { HVM_RESET_POWER_ON, HVM_RESET_INIT };

enum hvm_tlb_scope { HVM_TLB_VCPU };

/* How a vCPU reaches its local APIC. Only used where hvm_caps.has_virtual_apic. */
enum hvm_apic_mode {
    HVM_APIC_SOFTWARE, /* off, or moved: core serves it */
    HVM_APIC_XAPIC,    /* at HVM_APIC_GPA: the CPU serves what it can */
    HVM_APIC_X2APIC,   /* as MSRs: the same */
};

#define HVM_APIC_GPA 0xfee00000ull

/* What the CPUs of this host offer to guests, as data. */
struct hvm_caps {
    bool has_next_rip;      /* exits carry the instruction's length */
    bool has_decode_assist; /* memory exits carry the instruction's bytes */
    bool has_vnmi;
    bool has_virtual_apic; /* the CPU serves local APIC registers and delivers their interrupts */
    bool has_posted_irqs;  /* and takes vcpu_apic.requests in while the guest runs */
    u32 tlb_tags;          /* ASIDs or VPIDs, host's included */
    u64 slat_page_sizes;
};

/* Receives text lines of a dump. */
typedef void (*hvm_sink)(void *cookie, const char *line);

struct hvm_ops {
    const char *name; /* "AMD-V", "VT-x" */
    const struct slat_format *slat;

    /*
     * Looks at the boot pCPU. Context: boot, pCPU 0, before any other operation.
     * Return: 0 and *caps; -ENOENT if the CPU does not have this vendor's extension at all;
     * -ENODEV if a part of it is missing, -EPERM if firmware turned it off: *why then holds one
     * sentence for the user.
     */
    int (*probe)(struct hvm_caps *caps, const char **why) must_check;

    /* Turns virtualization on for the calling pCPU. Context: each pCPU, interrupts off. Return: 0,
     * -ENOMEM, -EPERM. */
    int (*cpu_enable)(void) must_check;
    void (*cpu_disable)(void);

    /* Vendor state of a VM (permission maps). vm->slat is ready. Context: management task. Return:
     * 0, -ENOMEM. */
    int (*vm_init)(struct vm *vm) must_check;
    void (*vm_fini)(struct vm *vm);

    /* Vendor state of a vCPU; sets vcpu->hw. Context: management task. Return: 0, -ENOMEM. */
    int (*vcpu_init)(struct vcpu *vcpu) must_check;
    void (*vcpu_fini)(struct vcpu *vcpu);

    /* Forgets pending injections, windows and cached translations; sets what reg_set does not
     * reach (DR0-3, at power-on floating point). Core sets the registers afterwards. Context: vCPU
     * not running; any pCPU, not loaded. */
    void (*vcpu_reset)(struct vcpu *vcpu, enum hvm_reset_kind kind);

    /*
     * Brings the vCPU's state that VM entry does not load (XSAVE area, XCR0, debug registers,
     * TSC_AUX) onto the calling pCPU, and takes it off again. Between them the task may neither
     * wait nor yield.
     */
    void (*vcpu_load)(struct vcpu *vcpu);
    void (*vcpu_put)(struct vcpu *vcpu);

    /*
     * Enters the guest until the next exit. Context: interrupts off; returns with interrupts off.
     * Handles host NMIs itself. Always fills *exit; a refused entry gives EXIT_ENTRY_FAILED.
     */
    void (*run)(struct vcpu *vcpu, struct vm_exit *exit);

    /* Registers; also allowed while the vCPU is not running and not loaded (builder, dumps). */
    u64 (*reg_get)(struct vcpu *vcpu, enum hvm_reg reg);
    void (*reg_set)(struct vcpu *vcpu, enum hvm_reg reg, u64 value);
    void (*seg_get)(struct vcpu *vcpu, enum hvm_seg seg, struct hvm_segment *out);
    void (*seg_set)(struct vcpu *vcpu, enum hvm_seg seg, const struct hvm_segment *in);

    /* Delivers the event at the next entry; at most one per entry. The caller has checked that it
     * is possible. */
    void (*inject)(struct vcpu *vcpu, const struct vm_event *event);

    /* True if an NMI must wait (one is being handled). */
    bool (*nmi_blocked)(struct vcpu *vcpu);

    /* Asks for (or withdraws) an exit as soon as the guest can take an interrupt or NMI. */
    void (*window_request)(struct vcpu *vcpu, enum vm_event_kind kind, bool wanted);

    /* Lets an MSR or port range through without exit, or takes that back; all exit after vm_init.
     */
    void (*intercept_msr)(struct vm *vm, u32 msr, bool on_read, bool on_write);
    void (*intercept_io)(struct vm *vm, u16 first, u16 last, bool intercept);

    void (*tlb_flush)(struct vcpu *vcpu, enum hvm_tlb_scope scope);

    /* Guest TSC = host TSC + offset. */
    void (*tsc_offset_set)(struct vcpu *vcpu, u64 offset);

    /* Who serves the local APIC from now on. Context: own task, loaded or not. */
    void (*apic_mode_set)(struct vcpu *vcpu, enum hvm_apic_mode mode);

    /* IRR, ISR or TMR in vcpu->apic->regs have changed: the CPU delivers by them from the next
     * entry on. Not with HVM_APIC_SOFTWARE. */
    void (*apic_sync)(struct vcpu *vcpu);

    /* Writes all vendor state as text. Context: vCPU not running, or its own task. */
    void (*dump)(struct vcpu *vcpu, hvm_sink sink, void *cookie);
};

/* The chosen vendor; NULL until core/main.c has chosen, and where VMs cannot run. */
extern const struct hvm_ops *hvm;

/* Why hvm is NULL: one sentence for the user. */
extern const char *hvm_unavailable;
extern struct hvm_caps hvm_caps;

#endif
