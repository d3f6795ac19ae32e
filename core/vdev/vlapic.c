/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC: requests, priorities, acceptance and end of interrupt.
 *
 * A request travels IRR → (pending, acknowledge) → ISR → EOI. Setting bits is anybody's, everything
 * that takes them away is the owner's, so no lock is needed.
 */
#include "core/vdev/vlapic.h"

#include "core/lib/string.h"
#include "core/vdev/virq_impl.h"
#include "core/vm/vm.h"
#include "core/vmm/guest_layout.h"

#define WORD_BITS   32u
#define CLASS_SHIFT 4u
#define CLASS_MASK  0xf0u
#define TPR_MASK    0xffu
#define DFR_FLAT    0xffffffffu
#define SVR_RESET   0xffu
#define EXTINT_LVT  ((u32)VLAPIC_EXTINT << 8)

void vlapic_power_on(struct vlapic *lapic)
{
    bool is_boot = lapic->vcpu->index == 0;

    vlapic_timer_stop(lapic);
    __atomic_store_n(&lapic->base, GUEST_LAPIC_BASE | APIC_BASE_EN | (is_boot ? APIC_BASE_BSP : 0),
                     __ATOMIC_RELAXED);
    for (unsigned i = 0; i < VLAPIC_WORDS; i++) {
        __atomic_store_n(&lapic->irr[i], 0, __ATOMIC_RELAXED);
        __atomic_store_n(&lapic->tmr[i], 0, __ATOMIC_RELAXED);
        lapic->isr[i] = 0;
    }
    __atomic_fetch_and(&lapic->attention, ~ATTENTION_IRR, __ATOMIC_RELAXED);
    __atomic_store_n(&lapic->nmi, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&lapic->errors, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&lapic->ldr, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&lapic->dfr, DFR_FLAT, __ATOMIC_RELAXED);
    __atomic_store_n(&lapic->svr, SVR_RESET, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < LVT_COUNT; i++)
        __atomic_store_n(&lapic->lvt[i], (u32)APIC_LVT_MASKED, __ATOMIC_RELAXED);
    if (is_boot)
        __atomic_store_n(&lapic->lvt[LVT_LINT0], EXTINT_LVT, __ATOMIC_RELAXED);
    lapic->isr_top = 0;
    lapic->tpr = 0;
    lapic->vcpu->cr8 = 0;
    lapic->esr = 0;
    lapic->icr = 0;
    lapic->is_extint = false;
}

bool vlapic_set_irr(struct vlapic *lapic, u8 vector, bool is_level)
{
    u32 word = vector / WORD_BITS;
    u32 bit = 1u << (vector % WORD_BITS);

    if (!(vlapic_base(lapic) & APIC_BASE_EN) ||
        !(__atomic_load_n(&lapic->svr, __ATOMIC_RELAXED) & APIC_SVR_ENABLE))
        return false;
    if (vector < APIC_VECTOR_MIN) {
        vlapic_error(lapic, ESR_RECEIVE_ILLEGAL_VECTOR);
        return false;
    }
    if (is_level)
        __atomic_fetch_or(&lapic->tmr[word], bit, __ATOMIC_RELAXED);
    else if (__atomic_load_n(&lapic->tmr[word], __ATOMIC_RELAXED) & bit)
        __atomic_fetch_and(&lapic->tmr[word], ~bit, __ATOMIC_RELAXED);
    if (__atomic_fetch_or(&lapic->irr[word], bit, __ATOMIC_SEQ_CST) & bit)
        return true; /* whoever set it first makes the vCPU notice */
    __atomic_fetch_or(&lapic->attention, 1u << word, __ATOMIC_SEQ_CST);
    vcpu_request(lapic->vcpu, VCPU_REQ_EVENT);
    return true;
}

void vlapic_set_nmi(struct vlapic *lapic)
{
    __atomic_store_n(&lapic->nmi, 1, __ATOMIC_SEQ_CST);
    vcpu_request(lapic->vcpu, VCPU_REQ_EVENT);
}

/* Only a new kind of error interrupts, which also ends what an illegal error vector would start. */
void vlapic_error(struct vlapic *lapic, u32 esr_bit)
{
    u32 old = __atomic_fetch_or(&lapic->errors, esr_bit, __ATOMIC_RELAXED);

    if (!(old & esr_bit))
        vlapic_lvt_fire(lapic, LVT_ERROR);
}

void vlapic_lvt_fire(struct vlapic *lapic, enum vlapic_lvt index)
{
    u32 lvt = vlapic_lvt(lapic, index);
    bool has_mode = index != LVT_TIMER && index != LVT_ERROR;
    u32 mode = has_mode ? (u32)FIELD_GET(APIC_LVT_MODE, lvt) : VLAPIC_FIXED;

    if (lvt & APIC_LVT_MASKED)
        return;
    if (mode == VLAPIC_FIXED)
        (void)vlapic_set_irr(lapic, (u8)(lvt & APIC_LVT_VECTOR), false);
    else if (mode == VLAPIC_NMI)
        vlapic_set_nmi(lapic);
}

/* Does LINT0 pass the PIC's interrupts straight to the CPU? It does where there is no APIC at all,
 * too. */
static bool passes_extint(const struct vlapic *lapic)
{
    u32 lint0 = vlapic_lvt(lapic, LVT_LINT0);

    return !(vlapic_base(lapic) & APIC_BASE_EN) ||
           (lint0 & (APIC_LVT_MASKED | APIC_LVT_MODE)) == EXTINT_LVT;
}

static void set_lint0(struct vlapic *lapic, bool level)
{
    if (!level) {
        __atomic_fetch_and(&lapic->attention, ~ATTENTION_PIC, __ATOMIC_SEQ_CST);
        return;
    }
    __atomic_fetch_or(&lapic->attention, ATTENTION_PIC, __ATOMIC_SEQ_CST);
    if (passes_extint(lapic))
        vcpu_request(lapic->vcpu, VCPU_REQ_EVENT);
    else
        vlapic_lvt_fire(lapic, LVT_LINT0);
}

void vlapic_lint0(struct vm *vm, bool level)
{
    for (u32 i = 0; i < vm->vcpu_count; i++) {
        if (vm->vcpus[i] && vm->vcpus[i]->vlapic)
            set_lint0(vm->vcpus[i]->vlapic, level);
    }
}

u32 vlapic_tpr(const struct vlapic *lapic)
{
    u32 class = (u32)lapic->vcpu->cr8 << CLASS_SHIFT;

    /* A write to CR8 clears the lower half. */
    return class == (lapic->tpr & CLASS_MASK) ? lapic->tpr : class;
}

void vlapic_look_again(struct vlapic *lapic)
{
    if (__atomic_load_n(&lapic->attention, __ATOMIC_RELAXED))
        vcpu_request(lapic->vcpu, VCPU_REQ_EVENT);
}

void vlapic_tpr_write(struct vlapic *lapic, u32 tpr)
{
    lapic->tpr = tpr & TPR_MASK;
    lapic->vcpu->cr8 = lapic->tpr >> CLASS_SHIFT;
    vlapic_look_again(lapic);
}

/* Spec: SDM 3A "Task and Processor Priorities". */
u32 vlapic_ppr(const struct vlapic *lapic)
{
    u32 tpr = vlapic_tpr(lapic);
    u32 in_service = lapic->isr_top & CLASS_MASK;

    return (tpr & CLASS_MASK) >= in_service ? tpr : in_service;
}

static u32 top_bit(u32 word)
{
    return WORD_BITS - 1 - (u32)__builtin_clz(word);
}

/* Highest vector requested, 0 if none. Clears bits found stale, without losing a concurrent
 * request. */
static u32 top_request(struct vlapic *lapic)
{
    u32 words;

    while ((words = __atomic_load_n(&lapic->attention, __ATOMIC_ACQUIRE) & ATTENTION_IRR) != 0) {
        u32 word = top_bit(words);
        u32 bits = __atomic_load_n(&lapic->irr[word], __ATOMIC_ACQUIRE);

        if (bits)
            return word * WORD_BITS + top_bit(bits);
        __atomic_fetch_and(&lapic->attention, ~(1u << word), __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&lapic->irr[word], __ATOMIC_SEQ_CST))
            __atomic_fetch_or(&lapic->attention, 1u << word, __ATOMIC_SEQ_CST);
    }
    return 0;
}

int vlapic_pending_slow(struct vlapic *lapic)
{
    u32 vector;

    lapic->is_extint = (__atomic_load_n(&lapic->attention, __ATOMIC_ACQUIRE) & ATTENTION_PIC) &&
                       passes_extint(lapic);
    if (lapic->is_extint)
        return virq_pic_peek(lapic->vcpu->vm);
    vector = top_request(lapic);
    if (vector == 0 || !(vlapic_base(lapic) & APIC_BASE_EN))
        return -1;
    return (vector & CLASS_MASK) > (vlapic_ppr(lapic) & CLASS_MASK) ? (int)vector : -1;
}

u8 vlapic_acknowledge(struct vlapic *lapic, u8 vector)
{
    u32 word = vector / WORD_BITS;
    u32 bit = 1u << (vector % WORD_BITS);

    if (lapic->is_extint) {
        lapic->is_extint = false;
        return virq_pic_acknowledge(lapic->vcpu->vm);
    }
    __atomic_fetch_and(&lapic->irr[word], ~bit, __ATOMIC_SEQ_CST);
    lapic->isr[word] |= bit;
    lapic->isr_top = vector;
    return vector;
}

static u32 top_in_service(const struct vlapic *lapic)
{
    for (u32 word = VLAPIC_WORDS; word-- > 0;) {
        if (lapic->isr[word])
            return word * WORD_BITS + top_bit(lapic->isr[word]);
    }
    return 0;
}

void vlapic_eoi(struct vlapic *lapic)
{
    u32 vector = lapic->isr_top;
    u32 word = vector / WORD_BITS;
    u32 bit = 1u << (vector % WORD_BITS);

    if (vector == 0)
        return;
    lapic->isr[word] &= ~bit;
    lapic->isr_top = top_in_service(lapic);
    if (__atomic_load_n(&lapic->tmr[word], __ATOMIC_RELAXED) & bit)
        virq_eoi(lapic->vcpu->vm, (u8)vector);
    vlapic_look_again(lapic);
}
