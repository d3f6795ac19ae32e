/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC of one vCPU, in xAPIC and x2APIC mode.
 *
 * The registers live in vcpu->apic, as the CPU lays them out, so that a CPU that can serves them by
 * itself (is_virtual); software does it everywhere else, on the same page.
 *
 * Members marked (o) belong to the vCPU's task, as the registers do. (a) ones are atomics: messages
 * arrive from any pCPU and from interrupt context, so requests, TMR, pending errors and the NMI
 * flag are set without a lock, followed by vcpu_notify() or vcpu_request(); the owner moves
 * requests into the IRR. What a sender needs for matching (base, LDR, DFR, SVR, LVT) is read as it
 * is. Spec: SDM 3A "Advanced Programmable Interrupt Controller (APIC)"; APM 2 "Advanced
 * Programmable Interrupt Controller (APIC)" and "x2APIC".
 */
#ifndef SOCLE_VDEV_VLAPIC_H
#define SOCLE_VDEV_VLAPIC_H

#include "core/kern/timer.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/irqchip.h"
#include "core/vm/vcpu.h"
#include "core/vm/vdev.h"

struct vcpu;

/* Register offsets in the xAPIC page; the x2APIC MSR is APIC_MSR_BASE + offset / 16. */
#define APIC_ID         0x020u
#define APIC_VERSION    0x030u
#define APIC_TPR        0x080u
#define APIC_APR        0x090u
#define APIC_PPR        0x0a0u
#define APIC_EOI        0x0b0u
#define APIC_RRD        0x0c0u
#define APIC_LDR        0x0d0u
#define APIC_DFR        0x0e0u
#define APIC_SVR        0x0f0u
#define APIC_ISR        0x100u /* eight registers */
#define APIC_TMR        0x180u
#define APIC_IRR        0x200u
#define APIC_ESR        0x280u
#define APIC_ICR        0x300u
#define APIC_ICR_HIGH   0x310u
#define APIC_LVT_TIMER  0x320u
#define APIC_LVT_LINT0  0x350u
#define APIC_LVT_ERROR  0x370u
#define APIC_TIMER_ICR  0x380u /* initial count */
#define APIC_TIMER_CCR  0x390u /* current count */
#define APIC_TIMER_DCR  0x3e0u /* divide configuration */
#define APIC_SELF_IPI   0x3f0u /* x2APIC only */
#define APIC_REG_STRIDE 0x10u
#define APIC_PAGE_BYTES 0x1000u

#define MSR_IA32_APIC_BASE    0x1bu
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define APIC_MSR_BASE         0x800u
#define APIC_MSR_LAST         0x8ffu

#define APIC_BASE_BSP   BIT(8)
#define APIC_BASE_EXTD  BIT(10) /* x2APIC mode */
#define APIC_BASE_EN    BIT(11)
#define APIC_BASE_ADDR  0x0000fffffffff000ull
#define APIC_XID_SHIFT  24u /* of the ID register in xAPIC mode */
#define APIC_SVR_ENABLE BIT(8)
#define APIC_LVT_MASKED BIT(16)
#define APIC_LVT_VECTOR 0xffu
#define APIC_LVT_MODE   0x700u

/* Local vector table, in register order. */
enum vlapic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

/* Delivery modes of ICR, LVT and IOAPIC entries. */
enum vlapic_delivery {
    VLAPIC_FIXED = 0,
    VLAPIC_LOWEST = 1,
    VLAPIC_SMI = 2,
    VLAPIC_NMI = 4,
    VLAPIC_INIT = 5,
    VLAPIC_SIPI = 6,
    VLAPIC_EXTINT = 7,
};

/* Errors as bits of the ESR. */
#define ESR_SEND_ILLEGAL_VECTOR    BIT(5)
#define ESR_RECEIVE_ILLEGAL_VECTOR BIT(6)
#define ESR_ILLEGAL_REGISTER       BIT(7)

#define APIC_VECTOR_MIN 16u /* lower ones are exceptions' and illegal for interrupts */

struct vlapic_message {
    u32 destination;
    bool is_logical;
    bool is_level;
    bool is_wide; /* 32-bit destination, as x2APIC sends it; else 8 bits */
    enum vlapic_delivery mode;
    u8 vector;
};

struct vlapic_timer {
    struct timer host;
    u64 deadline_ns;  /* VDEV_NEVER_NS: not counting */
    u64 tsc_deadline; /* IA32_TSC_DEADLINE */
    u32 initial;      /* as the registers say, for the timer's callback */
    u32 divide;
};

#define VLAPIC_WORDS 8u

/* An integrated APIC with all entries of the local vector table. */
#define APIC_VERSION_VALUE (0x14u | (u32)(LVT_COUNT - 1) << 16)

/* Set: pending() must look closer. A bit per word of the IRR that may be non-zero, one for the
 * PIC's output on LINT0, one for requests in vlapic.level. */
#define ATTENTION_IRR   0xffu
#define ATTENTION_PIC   0x100u
#define ATTENTION_LEVEL 0x200u

struct vlapic {
    struct vdev dev;           /* its lock protects timer */
    struct vcpu *vcpu;         /* (c) */
    struct vcpu_apic *apic;    /* (c) the vCPU's: registers and requests */
    u64 base;                  /* (a) IA32_APIC_BASE */
    u32 attention;             /* (a) ATTENTION_* */
    u32 level[VLAPIC_WORDS];   /* (a) requests of level-triggered interrupts: never posted */
    u32 isr_top;               /* (o) highest vector in service, 0 if none */
    u32 errors;                /* (a) since the last write of the ESR */
    u32 nmi;                   /* (a) an NMI is pending */
    bool is_extint;            /* (o) what pending() last found came from the PIC */
    bool is_virtual;           /* (o) the CPU serves the registers and delivers interrupts */
    struct vlapic_timer timer; /* dev.lock */
};

/* A register, where the CPU and the guest see it. Others than the owner only read, atomically; of
 * the TMR they change bits. */
static inline u32 *vlapic_reg(const struct vlapic *lapic, u32 offset)
{
    return &lapic->apic->regs[offset / sizeof(u32)];
}

static inline u32 vlapic_get(const struct vlapic *lapic, u32 offset)
{
    return __atomic_load_n(vlapic_reg(lapic, offset), __ATOMIC_RELAXED);
}

static inline void vlapic_set(struct vlapic *lapic, u32 offset, u32 value)
{
    __atomic_store_n(vlapic_reg(lapic, offset), value, __ATOMIC_RELAXED);
}

static inline u64 vlapic_base(const struct vlapic *lapic)
{
    return __atomic_load_n(&lapic->base, __ATOMIC_RELAXED);
}

static inline bool vlapic_is_x2(const struct vlapic *lapic)
{
    return (vlapic_base(lapic) & APIC_BASE_EXTD) != 0;
}

/* Not turned off by IA32_APIC_BASE: hears messages. */
static inline bool vlapic_is_on(const struct vlapic *lapic)
{
    return (vlapic_base(lapic) & APIC_BASE_EN) != 0;
}

static inline u32 vlapic_lvt(const struct vlapic *lapic, enum vlapic_lvt index)
{
    return vlapic_get(lapic, APIC_LVT_TIMER + index * APIC_REG_STRIDE);
}

/* What INIT leaves: the mode and the ID. */
void vlapic_init(struct vlapic *lapic);

/* State after power-on; on the boot vCPU LINT0 passes the PIC through, as a PC's firmware leaves
 * it. */
void vlapic_power_on(struct vlapic *lapic);

/* Requests a vector and makes the vCPU notice. Context: any. Return: false if it was refused. */
bool vlapic_set_irr(struct vlapic *lapic, u8 vector, bool is_level);
void vlapic_set_nmi(struct vlapic *lapic);

/* Records an error and raises the error interrupt. Context: any. */
void vlapic_error(struct vlapic *lapic, u32 esr_bit);

/* An event on a local vector table entry (timer expiry, LINT0 edge). Context: any. */
void vlapic_lvt_fire(struct vlapic *lapic, enum vlapic_lvt index);

/* The PIC's output, wired to LINT0 of every local APIC, has changed. Context: virq lock held. */
void vlapic_lint0(struct vm *vm, bool level);

/* Delivers a message to whoever matches. Context: any. Return: false if nobody took it. */
bool vlapic_send(struct vm *vm, const struct vlapic_message *message);

/* Sends what the ICR says. Context: own task. */
void vlapic_icr_write(struct vlapic *lapic, u64 icr);

/* Of the irqchip operations; context: own task. */
int vlapic_pending_slow(struct vlapic *lapic);

static inline int vlapic_pending(struct vlapic *lapic)
{
    /* Asked often, and nearly always for nothing. */
    if (likely(__atomic_load_n(&lapic->attention, __ATOMIC_ACQUIRE) == 0 &&
               __atomic_load_n(&lapic->apic->has_requests, __ATOMIC_ACQUIRE) == 0))
        return -1;
    return vlapic_pending_slow(lapic);
}

bool vlapic_has_pending(struct vlapic *lapic);
u8 vlapic_acknowledge(struct vlapic *lapic, u8 vector);
void vlapic_eoi(struct vlapic *lapic);
void vlapic_tpr_write(struct vlapic *lapic, u32 tpr);
u32 vlapic_ppr(const struct vlapic *lapic);

/* Tells the run loop to look again if something may have become deliverable. */
void vlapic_look_again(struct vlapic *lapic);

/* ID and LDR as x2APIC has them. */
void vlapic_enter_x2(struct vlapic *lapic);

/* The mode in IA32_APIC_BASE has changed: the CPU serves the registers where it can. */
void vlapic_mode_changed(struct vlapic *lapic);

/* Registers. Context: own task. The MSR functions return as irqchip_ops says. */
u32 vlapic_mmio_read(struct vlapic *lapic, u32 reg);
void vlapic_mmio_write(struct vlapic *lapic, u32 reg, u32 value);

/* The CPU has stored what the guest wrote. */
void vlapic_written(struct vlapic *lapic, u32 reg);
int vlapic_msr_read(struct vlapic *lapic, u32 msr, u64 *value) must_check;
int vlapic_msr_write(struct vlapic *lapic, u32 msr, u64 value) must_check;

/* The timer. Context: own task, power_on apart. */
void vlapic_timer_init(struct vlapic *lapic);
void vlapic_timer_stop(struct vlapic *lapic);
void vlapic_timer_set_initial(struct vlapic *lapic, u32 count);
u32 vlapic_timer_current(struct vlapic *lapic);
void vlapic_timer_set_divide(struct vlapic *lapic, u32 divide);
void vlapic_timer_set_lvt(struct vlapic *lapic, u32 lvt);
u64 vlapic_timer_tsc_deadline(struct vlapic *lapic);
void vlapic_timer_set_tsc_deadline(struct vlapic *lapic, u64 tsc);

#endif
