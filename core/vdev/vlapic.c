/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC: requests, priorities, acceptance and end of interrupt.
 *
 * A request travels requests → IRR → (pending, acknowledge) → ISR → EOI. Requests are anybody's,
 * the rest is the owner's, so no lock is needed. Where the CPU delivers interrupts itself it moves
 * them from IRR to ISR and takes EOIs; level-triggered ones come back to software at their end.
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

static u32 top_bit(u32 word)
{
    return WORD_BITS - 1 - (u32)__builtin_clz(word);
}

/* Highest vector in the ISR or IRR, 0 if none. */
static u32 top_vector(const struct vlapic *lapic, u32 reg)
{
    for (u32 word = VLAPIC_WORDS; word-- > 0;) {
        u32 bits = vlapic_get(lapic, reg + word * APIC_REG_STRIDE);

        if (bits)
            return word * WORD_BITS + top_bit(bits);
    }
    return 0;
}

static void clear_requests(struct vlapic *lapic)
{
    for (unsigned i = 0; i < VLAPIC_WORDS; i++) {
        __atomic_store_n(&lapic->apic->requests[i], 0, __ATOMIC_RELAXED);
        __atomic_store_n(&lapic->level[i], 0, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&lapic->apic->has_requests, 0, __ATOMIC_RELAXED);
    __atomic_fetch_and(&lapic->attention, ~(ATTENTION_IRR | ATTENTION_LEVEL), __ATOMIC_RELAXED);
}

static void reset_registers(struct vlapic *lapic, bool is_boot)
{
    memset(lapic->apic->regs, 0, sizeof lapic->apic->regs);
    vlapic_set(lapic, APIC_ID, lapic->vcpu->index << APIC_XID_SHIFT);
    vlapic_set(lapic, APIC_VERSION, APIC_VERSION_VALUE);
    vlapic_set(lapic, APIC_DFR, DFR_FLAT);
    vlapic_set(lapic, APIC_SVR, SVR_RESET);
    for (u32 reg = APIC_LVT_TIMER; reg <= APIC_LVT_ERROR; reg += APIC_REG_STRIDE)
        vlapic_set(lapic, reg, (u32)APIC_LVT_MASKED);
    if (is_boot)
        vlapic_set(lapic, APIC_LVT_LINT0, EXTINT_LVT);
}

/* All but the mode. */
static void reset(struct vlapic *lapic)
{
    vlapic_timer_stop(lapic);
    reset_registers(lapic, lapic->vcpu->index == 0);
    clear_requests(lapic);
    __atomic_store_n(&lapic->nmi, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&lapic->errors, 0, __ATOMIC_RELAXED);
    lapic->isr_top = 0;
    lapic->is_extint = false;
}

void vlapic_power_on(struct vlapic *lapic)
{
    bool is_boot = lapic->vcpu->index == 0;

    reset(lapic);
    __atomic_store_n(&lapic->base, GUEST_LAPIC_BASE | APIC_BASE_EN | (is_boot ? APIC_BASE_BSP : 0),
                     __ATOMIC_RELAXED);
    vlapic_mode_changed(lapic);
}

void vlapic_init(struct vlapic *lapic)
{
    reset(lapic);
    if (vlapic_is_x2(lapic))
        vlapic_enter_x2(lapic);
    vlapic_mode_changed(lapic);
}

/* Software does not know what the CPU has left. */
static void look_everywhere(struct vlapic *lapic)
{
    lapic->isr_top = top_vector(lapic, APIC_ISR);
    __atomic_fetch_or(&lapic->attention, ATTENTION_IRR, __ATOMIC_RELAXED);
}

void vlapic_mode_changed(struct vlapic *lapic)
{
    u64 base = vlapic_base(lapic);
    enum hvm_apic_mode mode = HVM_APIC_SOFTWARE;

    if (!hvm_caps.has_virtual_apic)
        return;
    if ((base & APIC_BASE_EN) && (base & APIC_BASE_EXTD))
        mode = HVM_APIC_X2APIC;
    else if ((base & APIC_BASE_EN) && (base & APIC_BASE_ADDR) == HVM_APIC_GPA)
        mode = HVM_APIC_XAPIC;
    lapic->is_virtual = mode != HVM_APIC_SOFTWARE;
    hvm->apic_mode_set(lapic->vcpu, mode);
    if (lapic->is_virtual)
        hvm->apic_sync(lapic->vcpu);
    else
        look_everywhere(lapic);
}

/* The end of a level-triggered interrupt must exit, which the owner arranges before it lets the CPU
 * see the request. */
static bool request_level(struct vlapic *lapic, u8 vector)
{
    u32 word = vector / WORD_BITS;
    u32 bit = 1u << (vector % WORD_BITS);

    __atomic_fetch_or(vlapic_reg(lapic, APIC_TMR + word * APIC_REG_STRIDE), bit, __ATOMIC_RELAXED);
    if (__atomic_fetch_or(&lapic->level[word], bit, __ATOMIC_SEQ_CST) & bit)
        return true; /* whoever set it first makes the vCPU notice */
    __atomic_fetch_or(&lapic->attention, ATTENTION_LEVEL, __ATOMIC_SEQ_CST);
    vcpu_request(lapic->vcpu, VCPU_REQ_EVENT);
    return true;
}

static bool request_edge(struct vlapic *lapic, u8 vector)
{
    u32 word = vector / WORD_BITS;
    u32 bit = 1u << (vector % WORD_BITS);
    u32 *tmr = vlapic_reg(lapic, APIC_TMR + word * APIC_REG_STRIDE);

    if (__atomic_load_n(tmr, __ATOMIC_RELAXED) & bit)
        __atomic_fetch_and(tmr, ~bit, __ATOMIC_RELAXED);
    if (!(__atomic_fetch_or(&lapic->apic->requests[word], bit, __ATOMIC_SEQ_CST) & bit))
        vcpu_notify(lapic->vcpu);
    return true;
}

bool vlapic_set_irr(struct vlapic *lapic, u8 vector, bool is_level)
{
    if (!vlapic_is_on(lapic) || !(vlapic_get(lapic, APIC_SVR) & APIC_SVR_ENABLE))
        return false;
    if (vector < APIC_VECTOR_MIN) {
        vlapic_error(lapic, ESR_RECEIVE_ILLEGAL_VECTOR);
        return false;
    }
    return is_level ? request_level(lapic, vector) : request_edge(lapic, vector);
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

    return !vlapic_is_on(lapic) || (lint0 & (APIC_LVT_MASKED | APIC_LVT_MODE)) == EXTINT_LVT;
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

void vlapic_look_again(struct vlapic *lapic)
{
    if (__atomic_load_n(&lapic->attention, __ATOMIC_RELAXED))
        vcpu_request(lapic->vcpu, VCPU_REQ_EVENT);
}

void vlapic_tpr_write(struct vlapic *lapic, u32 tpr)
{
    vlapic_set(lapic, APIC_TPR, tpr & TPR_MASK);
    vlapic_look_again(lapic);
}

static u32 in_service(const struct vlapic *lapic)
{
    return lapic->is_virtual ? top_vector(lapic, APIC_ISR) : lapic->isr_top;
}

/* Spec: SDM 3A "Task and Processor Priorities". */
u32 vlapic_ppr(const struct vlapic *lapic)
{
    u32 tpr = vlapic_get(lapic, APIC_TPR);
    u32 serving = in_service(lapic) & CLASS_MASK;

    return (tpr & CLASS_MASK) >= serving ? tpr : serving;
}

static void take_words(struct vlapic *lapic, u32 *words)
{
    for (u32 i = 0; i < VLAPIC_WORDS; i++) {
        u32 bits;

        /* A locked exchange costs twenty times what looking does, and most are empty. */
        if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) == 0)
            continue;
        bits = __atomic_exchange_n(&words[i], 0, __ATOMIC_SEQ_CST);
        *vlapic_reg(lapic, APIC_IRR + i * APIC_REG_STRIDE) |= bits;
        __atomic_fetch_or(&lapic->attention, 1u << i, __ATOMIC_RELAXED);
    }
}

/* Moves what others asked for into the IRR. */
static void take_requests(struct vlapic *lapic)
{
    bool has_edge = __atomic_exchange_n(&lapic->apic->has_requests, 0, __ATOMIC_SEQ_CST) != 0;
    bool has_level = __atomic_load_n(&lapic->attention, __ATOMIC_SEQ_CST) & ATTENTION_LEVEL;

    if (has_edge)
        take_words(lapic, lapic->apic->requests);
    if (has_level) {
        __atomic_fetch_and(&lapic->attention, ~ATTENTION_LEVEL, __ATOMIC_SEQ_CST);
        take_words(lapic, lapic->level);
    }
    if ((has_edge || has_level) && lapic->is_virtual)
        hvm->apic_sync(lapic->vcpu);
}

/* Highest vector requested, 0 if none. */
static u32 top_request(struct vlapic *lapic)
{
    u32 words;

    if (lapic->is_virtual) /* the CPU takes bits away without a word */
        return top_vector(lapic, APIC_IRR);
    while ((words = lapic->attention & ATTENTION_IRR) != 0) {
        u32 word = top_bit(words);
        u32 bits = vlapic_get(lapic, APIC_IRR + word * APIC_REG_STRIDE);

        if (bits)
            return word * WORD_BITS + top_bit(bits);
        __atomic_fetch_and(&lapic->attention, ~(1u << word), __ATOMIC_RELAXED);
    }
    return 0;
}

static bool has_extint(const struct vlapic *lapic)
{
    return (__atomic_load_n(&lapic->attention, __ATOMIC_ACQUIRE) & ATTENTION_PIC) &&
           passes_extint(lapic);
}

/* The local APIC's own highest vector if it is above the processor priority, or -1. */
static int own_pending(struct vlapic *lapic)
{
    u32 vector;

    take_requests(lapic);
    vector = top_request(lapic);
    if (vector == 0 || !vlapic_is_on(lapic))
        return -1;
    return (vector & CLASS_MASK) > (vlapic_ppr(lapic) & CLASS_MASK) ? (int)vector : -1;
}

int vlapic_pending_slow(struct vlapic *lapic)
{
    lapic->is_extint = has_extint(lapic);
    if (lapic->is_extint)
        return virq_pic_peek(lapic->vcpu->vm);
    if (!lapic->is_virtual)
        return own_pending(lapic);
    take_requests(lapic);
    return -1;
}

bool vlapic_has_pending(struct vlapic *lapic)
{
    return has_extint(lapic) || own_pending(lapic) >= 0;
}

u8 vlapic_acknowledge(struct vlapic *lapic, u8 vector)
{
    u32 offset = vector / WORD_BITS * APIC_REG_STRIDE;
    u32 bit = 1u << (vector % WORD_BITS);

    if (lapic->is_extint) {
        lapic->is_extint = false;
        return virq_pic_acknowledge(lapic->vcpu->vm);
    }
    *vlapic_reg(lapic, APIC_IRR + offset) &= ~bit;
    *vlapic_reg(lapic, APIC_ISR + offset) |= bit;
    lapic->isr_top = vector;
    return vector;
}

void vlapic_eoi(struct vlapic *lapic)
{
    u32 vector = in_service(lapic);
    u32 offset = vector / WORD_BITS * APIC_REG_STRIDE;
    u32 bit = 1u << (vector % WORD_BITS);

    if (vector == 0)
        return;
    *vlapic_reg(lapic, APIC_ISR + offset) &= ~bit;
    lapic->isr_top = top_vector(lapic, APIC_ISR);
    if (lapic->is_virtual)
        hvm->apic_sync(lapic->vcpu);
    if (vlapic_get(lapic, APIC_TMR + offset) & bit)
        virq_eoi(lapic->vcpu->vm, (u8)vector);
    vlapic_look_again(lapic);
}
