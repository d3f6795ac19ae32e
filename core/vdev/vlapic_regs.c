/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC: the register file, as a page of memory (xAPIC) and as MSRs (x2APIC), and
 * IA32_APIC_BASE.
 *
 * Both modes share one read and one write function; x2APIC checks before them what it forbids.
 */
#include "core/lib/errno.h"
#include "core/vdev/vlapic.h"
#include "core/vm/vm.h"

#define VERSION_INTEGRATED 0x14u
#define VERSION_MAX_LVT    ((u32)(LVT_COUNT - 1) << 16)
#define XAPIC_ID_SHIFT     24u
#define LDR_MASK           0xff000000u
#define DFR_RESERVED       0x0fffffffu
#define SVR_WRITABLE       0x3ffu
#define LVT_BITS_TIMER     0x700ffu /* vector, mask, mode */
#define LVT_BITS_INTERNAL  0x107ffu /* vector, delivery mode, mask */
#define LVT_BITS_LINT      0x1a7ffu /* and polarity, trigger mode */
#define LVT_BITS_ERROR     0x100ffu
#define DCR_WRITABLE       0xbu
#define ICR_HIGH_MASK      0xff000000u
#define ICR_SHIFT          32u
#define X2_TPR_RESERVED    (~0xffull)
#define X2_CLUSTER_SHIFT   16u
#define X2_CLUSTER_IDS     16u

static const u32 lvt_writable[LVT_COUNT] = {
    [LVT_TIMER] = LVT_BITS_TIMER, [LVT_THERMAL] = LVT_BITS_INTERNAL, [LVT_PERF] = LVT_BITS_INTERNAL,
    [LVT_LINT0] = LVT_BITS_LINT,  [LVT_LINT1] = LVT_BITS_LINT,       [LVT_ERROR] = LVT_BITS_ERROR,
};

static bool is_lvt(u32 reg)
{
    return reg >= APIC_LVT_TIMER && reg <= APIC_LVT_ERROR;
}

static enum vlapic_lvt lvt_index(u32 reg)
{
    return (enum vlapic_lvt)((reg - APIC_LVT_TIMER) / APIC_REG_STRIDE);
}

/* One 32-bit slice of ISR, TMR or IRR. */
static u32 read_vectors(const u32 *words, u32 reg)
{
    return __atomic_load_n(&words[reg / APIC_REG_STRIDE % VLAPIC_WORDS], __ATOMIC_RELAXED);
}

static bool reg_read(struct vlapic *lapic, u32 reg, u32 *value)
{
    u32 id = lapic->vcpu->index;

    if (reg >= APIC_ISR && reg < APIC_TMR)
        *value = read_vectors(lapic->isr, reg);
    else if (reg >= APIC_TMR && reg < APIC_IRR)
        *value = read_vectors(lapic->tmr, reg);
    else if (reg >= APIC_IRR && reg < APIC_ESR)
        *value = read_vectors(lapic->irr, reg);
    else if (is_lvt(reg))
        *value = vlapic_lvt(lapic, lvt_index(reg));
    else
        switch (reg) {
        case APIC_ID:
            *value = vlapic_is_x2(lapic) ? id : id << XAPIC_ID_SHIFT;
            break;
        case APIC_VERSION:
            *value = VERSION_INTEGRATED | VERSION_MAX_LVT;
            break;
        case APIC_TPR:
            *value = vlapic_tpr(lapic);
            break;
        case APIC_PPR:
        case APIC_APR:
            *value = vlapic_ppr(lapic);
            break;
        case APIC_EOI:
        case APIC_RRD:
            *value = 0;
            break;
        case APIC_LDR:
            *value = lapic->ldr;
            break;
        case APIC_DFR:
            *value = lapic->dfr;
            break;
        case APIC_SVR:
            *value = lapic->svr;
            break;
        case APIC_ESR:
            *value = lapic->esr;
            break;
        case APIC_ICR:
            *value = (u32)lapic->icr;
            break;
        case APIC_ICR_HIGH:
            *value = (u32)(lapic->icr >> ICR_SHIFT);
            break;
        case APIC_TIMER_ICR:
            *value = lapic->timer.initial;
            break;
        case APIC_TIMER_CCR:
            *value = vlapic_timer_current(lapic);
            break;
        case APIC_TIMER_DCR:
            *value = lapic->timer.divide;
            break;
        default:
            return false;
        }
    return true;
}

static void write_lvt(struct vlapic *lapic, enum vlapic_lvt index, u32 value)
{
    value &= lvt_writable[index];
    if (!(lapic->svr & APIC_SVR_ENABLE))
        value |= (u32)APIC_LVT_MASKED;
    if (index == LVT_TIMER)
        vlapic_timer_set_lvt(lapic, value);
    else
        __atomic_store_n(&lapic->lvt[index], value, __ATOMIC_RELAXED);
    vlapic_look_again(lapic); /* LINT0 may let the PIC through now */
}

/* Spec: SDM 3A "Local APIC State After It Has Been Software Disabled". */
static void write_svr(struct vlapic *lapic, u32 value)
{
    __atomic_store_n(&lapic->svr, value & SVR_WRITABLE, __ATOMIC_RELAXED);
    if (value & APIC_SVR_ENABLE)
        return;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        __atomic_fetch_or(&lapic->lvt[i], (u32)APIC_LVT_MASKED, __ATOMIC_RELAXED);
}

static bool reg_write(struct vlapic *lapic, u32 reg, u32 value)
{
    if (is_lvt(reg)) {
        write_lvt(lapic, lvt_index(reg), value);
        return true;
    }
    switch (reg) {
    case APIC_TPR:
        vlapic_tpr_write(lapic, value);
        break;
    case APIC_EOI:
        vlapic_eoi(lapic);
        break;
    case APIC_LDR:
        __atomic_store_n(&lapic->ldr, value & LDR_MASK, __ATOMIC_RELAXED);
        break;
    case APIC_DFR:
        __atomic_store_n(&lapic->dfr, value | DFR_RESERVED, __ATOMIC_RELAXED);
        break;
    case APIC_SVR:
        write_svr(lapic, value);
        break;
    case APIC_ESR: /* makes the errors since the last write readable */
        lapic->esr = __atomic_exchange_n(&lapic->errors, 0, __ATOMIC_RELAXED);
        break;
    case APIC_ICR:
        vlapic_icr_write(lapic, (lapic->icr & ~(u64)UINT32_MAX) | value);
        break;
    case APIC_ICR_HIGH:
        lapic->icr = (u32)lapic->icr | (u64)(value & ICR_HIGH_MASK) << ICR_SHIFT;
        break;
    case APIC_TIMER_ICR:
        vlapic_timer_set_initial(lapic, value);
        break;
    case APIC_TIMER_DCR:
        vlapic_timer_set_divide(lapic, value & DCR_WRITABLE);
        break;
    case APIC_ID: /* read-only: software finds vCPUs by what the MADT says */
    case APIC_VERSION:
    case APIC_APR:
    case APIC_PPR:
    case APIC_RRD:
    case APIC_TIMER_CCR:
        break;
    default:
        return false;
    }
    return true;
}

u32 vlapic_mmio_read(struct vlapic *lapic, u32 reg)
{
    u32 value = 0;

    if (!reg_read(lapic, reg, &value))
        vlapic_error(lapic, ESR_ILLEGAL_REGISTER);
    return value;
}

void vlapic_mmio_write(struct vlapic *lapic, u32 reg, u32 value)
{
    if (!reg_write(lapic, reg, value))
        vlapic_error(lapic, ESR_ILLEGAL_REGISTER);
}

/* Registers that x2APIC does not have. Spec: SDM 3A "x2APIC Register Address Space". */
static bool x2_lacks(u32 reg)
{
    return reg == APIC_APR || reg == APIC_RRD || reg == APIC_DFR || reg == APIC_ICR_HIGH;
}

static int x2_read(struct vlapic *lapic, u32 reg, u64 *value)
{
    u32 low;

    if (x2_lacks(reg) || reg == APIC_EOI)
        return -EINVAL;
    if (reg == APIC_ICR) {
        *value = lapic->icr;
        return 0;
    }
    if (!reg_read(lapic, reg, &low))
        return -EINVAL;
    *value = low;
    return 0;
}

static bool x2_is_read_only(u32 reg)
{
    return reg == APIC_ID || reg == APIC_VERSION || reg == APIC_PPR || reg == APIC_LDR ||
           reg == APIC_TIMER_CCR;
}

/* Bits whose setting raises #GP. */
static u64 x2_reserved(u32 reg)
{
    if (is_lvt(reg)) /* status bits may be written back */
        return ~(u64)(lvt_writable[lvt_index(reg)] | 0x5000u);
    switch (reg) {
    case APIC_EOI:
    case APIC_ESR:
        return ~0ull;
    case APIC_TPR:
    case APIC_SELF_IPI:
        return X2_TPR_RESERVED;
    case APIC_SVR:
        return ~(u64)SVR_WRITABLE;
    case APIC_TIMER_DCR:
        return ~(u64)DCR_WRITABLE;
    default:
        return ~(u64)UINT32_MAX;
    }
}

static int x2_write(struct vlapic *lapic, u32 reg, u64 value)
{
    if (reg == APIC_ICR) {
        vlapic_icr_write(lapic, value);
        return 0;
    }
    if (x2_lacks(reg) || x2_is_read_only(reg) || (value & x2_reserved(reg)))
        return -EINVAL;
    if (reg == APIC_SELF_IPI) {
        if (value < APIC_VECTOR_MIN)
            vlapic_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
        else
            (void)vlapic_set_irr(lapic, (u8)value, false);
        return 0;
    }
    return reg_write(lapic, reg, (u32)value) ? 0 : -EINVAL;
}

static void enter_x2(struct vlapic *lapic)
{
    u32 id = lapic->vcpu->index;
    u32 ldr = id / X2_CLUSTER_IDS << X2_CLUSTER_SHIFT | 1u << id % X2_CLUSTER_IDS;

    __atomic_store_n(&lapic->ldr, ldr, __ATOMIC_RELAXED);
}

/*
 * Mode changes. The boot-processor flag is read-only here.
 * Spec: SDM 3A "x2APIC State Transitions".
 */
static int write_base(struct vlapic *lapic, u64 value)
{
    const u64 modes = APIC_BASE_EN | APIC_BASE_EXTD;
    u64 old = vlapic_base(lapic);
    u64 from = old & modes, to = value & modes;

    if (value & ~(APIC_BASE_ADDR | APIC_BASE_BSP | modes))
        return -EINVAL;
    if (to == APIC_BASE_EXTD || (from == modes && to == APIC_BASE_EN) || (from == 0 && to == modes))
        return -EINVAL;
    if (from != 0 && to == 0)
        vlapic_power_on(lapic);
    __atomic_store_n(&lapic->base, (value & ~APIC_BASE_BSP) | (old & APIC_BASE_BSP),
                     __ATOMIC_RELAXED);
    if (to == modes && from != modes)
        enter_x2(lapic);
    return 0;
}

static u32 msr_register(u32 msr)
{
    return (msr - APIC_MSR_BASE) * APIC_REG_STRIDE;
}

int vlapic_msr_read(struct vlapic *lapic, u32 msr, u64 *value)
{
    if (msr == MSR_IA32_APIC_BASE)
        *value = vlapic_base(lapic);
    else if (msr == MSR_IA32_TSC_DEADLINE)
        *value = vlapic_timer_tsc_deadline(lapic);
    else if (msr < APIC_MSR_BASE || msr > APIC_MSR_LAST)
        return -ENOENT;
    else
        return vlapic_is_x2(lapic) ? x2_read(lapic, msr_register(msr), value) : -EINVAL;
    return 0;
}

int vlapic_msr_write(struct vlapic *lapic, u32 msr, u64 value)
{
    if (msr >= APIC_MSR_BASE && msr <= APIC_MSR_LAST)
        return vlapic_is_x2(lapic) ? x2_write(lapic, msr_register(msr), value) : -EINVAL;
    if (msr == MSR_IA32_APIC_BASE)
        return write_base(lapic, value);
    if (msr != MSR_IA32_TSC_DEADLINE)
        return -ENOENT;
    vlapic_timer_set_tsc_deadline(lapic, value);
    return 0;
}
