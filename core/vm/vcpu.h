/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual CPU: its task, neutral registers, event state and run loop.
 *
 * Owner rule: everything here is touched by the vCPU's own task only, except the members marked
 * (a), which others set atomically and follow with vcpu_kick(), and everything while the task does
 * not run.
 */
#ifndef SOCLE_VM_VCPU_H
#define SOCLE_VM_VCPU_H

#include "core/kern/task.h"
#include "core/lib/compiler.h"
#include "core/lib/time_stats.h"
#include "core/lib/types.h"
#include "core/vm/hvm_ops.h"
#include "core/vm/vm_exit.h"

struct vm;
struct vlapic;
struct hvm_vcpu; /* vendor part, opaque outside vmx/ and svm/ */

/* Order of the hardware's register numbers (ModRM, REX). */
enum vcpu_gpr {
    GPR_RAX,
    GPR_RCX,
    GPR_RDX,
    GPR_RBX,
    GPR_RSP,
    GPR_RBP,
    GPR_RSI,
    GPR_RDI,
    GPR_R8,
    GPR_R9,
    GPR_R10,
    GPR_R11,
    GPR_R12,
    GPR_R13,
    GPR_R14,
    GPR_R15,
    GPR_COUNT,
};

enum vcpu_state { VCPU_NEW, VCPU_READY, VCPU_RUNNING, VCPU_BLOCKED, VCPU_PAUSED, VCPU_STOPPED };

/* Request bits, set by others, handled at the top of the run loop. */
#define VCPU_REQ_STOP  BIT(0) /* leave the loop for good */
#define VCPU_REQ_PAUSE BIT(1) /* stand still until it is cleared */
#define VCPU_REQ_EVENT BIT(2) /* an interrupt may have become deliverable */
#define VCPU_REQ_FLUSH BIT(3) /* second-level tables changed */
#define VCPU_REQ_INIT  BIT(4) /* INIT: back to its reset state, then wait for a start-up IPI */
#define VCPU_REQ_SIPI  BIT(5) /* start-up IPI: begin at sipi_vector */
#define VCPU_REQ_KICK  BIT(6) /* by hypercall: ends this HLT, or the next one */

/* Requests that do not wait until a limit on CPU time lets the vCPU run again. */
#define VCPU_REQ_YIELD_ENDS (VCPU_REQ_STOP | VCPU_REQ_PAUSE)

#define MTRR_FIXED_COUNT    11
#define MTRR_VARIABLE_COUNT 8

/* MSRs that core keeps itself; the vendor layer never sees them. */
struct vcpu_msrs {
    u64 mtrr_def_type;
    u64 mtrr_fixed[MTRR_FIXED_COUNT];
    u64 mtrr_variable[2 * MTRR_VARIABLE_COUNT]; /* base, mask, base, mask, … */
    u64 tsc_adjust;
    u64 misc_enable;
    u64 amd_hwcr;
};

/* Paravirtual state: MSRs as the guest wrote them, zero after reset, and versions of what lies in
 * its memory. */
struct vcpu_pv {
    u64 wall_clock;
    u64 system_time;
    u64 steal_time;
    u32 clock_version;
    u32 steal_version;
    bool is_kicked; /* the next HLT ends at once */
};

/*
 * One page: the local APIC's registers where the CPU's manual puts them, so that CPUs that serve
 * them without exit can do so, then interrupts requested by others, in the same spirit. A register
 * is 32 bits, at a multiple of 16. Spec: SDM 3C "Virtual APIC State", "Posted-Interrupt
 * Processing".
 */
struct vcpu_apic {
    u32 regs[256]; /* (o) and the CPU's own while in the guest */
    u8 unused_400[0x400];
    u32 requests[8];  /* (a) a bit per vector */
    u32 has_requests; /* (a) 1 once requests were added; only then they are looked at */
    u32 unused_824[503];
};

#define VCPU_APIC_TPR        0x080u /* offset of the task priority; its class is CR8 */
#define VCPU_APIC_CLASS(tpr) (((tpr) >> 4) & 0xfu)

struct vcpu {
    u64 gpr[GPR_COUNT];    /* (o)wner; first member: the entry code addresses it from the struct's
                              start */
    struct vm *vm;         /* (c) */
    u32 index;             /* (c) 0..n-1; also the APIC ID */
    struct hvm_vcpu *hw;   /* (o) vendor part */
    struct vlapic *vlapic; /* (c) */
    struct task task;
    enum vcpu_state state;     /* (a) written by the owner */
    u32 requests;              /* (a) VCPU_REQ_* */
    u32 in_guest;              /* (a) 1 from the last request check until after the exit */
    struct vcpu_apic *apic;    /* (c) owned; content as said there */
    u64 tsc_offset;            /* (o) */
    u64 tsc_aux;               /* (o) */
    u32 sipi_vector;           /* (a) of the newest start-up IPI */
    bool waits_for_sipi;       /* (o) after INIT; all but the boot vCPU from power-on */
    bool is_halted;            /* (o) executed HLT and waits for an event */
    bool is_spinning;          /* (a) written by the owner: from a PAUSE exit until it runs again */
    u32 spin_next;             /* (o) the sibling looked at last */
    u64 let_pass;              /* (o) times a sibling went first; read by others */
    bool nmi_window_wanted;    /* (o) */
    bool irq_window_wanted;    /* (o) */
    struct vm_event exception; /* (o) to be injected at the next entry */
    struct vm_event
        interrupted;       /* (o) whose delivery the last exit cut short; goes in again first */
    bool is_injected;      /* (o) the next entry delivers an event already */
    bool events_pending;   /* (o) something waits for a window: look again at every turn */
    struct vcpu_msrs msrs; /* (o) */
    struct vcpu_pv pv;     /* (o) */
    struct vm_exit exit;   /* (o) last exit, for dumps */
    u64 exit_tsc;          /* (o) when it came; 0: already accounted */
    struct time_stats exits[EXIT_KIND_COUNT]; /* (o) time spent handling them; read by others
                                                 without lock: counters only */
    u64 halted_ns;                            /* (o) time blocked in HLT */
};

_Static_assert(sizeof(struct vcpu_apic) == PAGE_SIZE, "the APIC's registers are one page");
_Static_assert(offsetof(struct vcpu_apic, requests) == 0x800, "aligned as CPUs ask for");

/* The class of the task priority, 0-15: what the guest sees in CR8. Context: own task. */
static inline u8 vcpu_cr8(const struct vcpu *vcpu)
{
    return (u8)VCPU_APIC_CLASS(vcpu->apic->regs[VCPU_APIC_TPR / sizeof(u32)]);
}

static inline void vcpu_set_cr8(struct vcpu *vcpu, u8 cr8)
{
    vcpu->apic->regs[VCPU_APIC_TPR / sizeof(u32)] = (u32)cr8 << 4;
}

/* Context: builder. hvm vendor state and the task struct included. Return: 0, -ENOMEM. */
int vcpu_create(struct vm *vm, u32 index, struct vcpu **out) must_check;

/* The task has been joined or never started. */
void vcpu_destroy(struct vcpu *vcpu);

/* Architectural reset, GPRs included. Context: not running; any pCPU. */
void vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind);

/* Starts the run loop. Context: management task. Return: 0, -ENOMEM. */
int vcpu_start(struct vcpu *vcpu, const struct cpu_share *share) must_check;

/* Sets request bits and makes the vCPU notice: leaves guest mode or wakes from HLT. Context: any.
 */
void vcpu_request(struct vcpu *vcpu, u32 bits);

/* Interrupts have been added to vcpu->apic->requests: makes the vCPU notice, without an exit where
 * the CPU can take them from there. Context: any. */
void vcpu_notify(struct vcpu *vcpu);

/* INIT: overtakes start-up IPIs sent before it. Context: any. */
void vcpu_init(struct vcpu *vcpu);

/* A start-up IPI: if the vCPU waits for one it begins in real mode at vector * 4 KiB. Context: any.
 */
void vcpu_start_up(struct vcpu *vcpu, u8 vector);

/* Clears a request (end of a pause). Context: management task. */
void vcpu_unrequest(struct vcpu *vcpu, u32 bits);

/* Queues an exception for the next entry, combining into #DF as the manual's table says. */
void vcpu_inject_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code);
void vcpu_inject_gp(struct vcpu *vcpu); /* #GP(0) */
void vcpu_inject_ud(struct vcpu *vcpu);
void vcpu_inject_pf(struct vcpu *vcpu, gva_t address, u32 error_code);

/* Moves RIP behind an instruction core has carried out; ends the interrupt shadow, honours
 * RFLAGS.TF. */
void vcpu_advance(struct vcpu *vcpu, unsigned insn_len);

/* Current privilege level, 0–3. */
u8 vcpu_cpl(struct vcpu *vcpu);

/* Name of an exit kind as the API shows it ("cpuid", "slat_fault"). */
const char *exit_kind_name(enum vm_exit_kind kind);

#endif
