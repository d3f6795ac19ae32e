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

#define LDR_MASK          0xff000000u
#define DFR_RESERVED      0x0fffffffu
#define SVR_WRITABLE      0x3ffu
#define LVT_BITS_TIMER    0x700ffu /* vector, mask, mode */
#define LVT_BITS_INTERNAL 0x107ffu /* vector, delivery mode, mask */
#define LVT_BITS_LINT     0x1a7ffu /* and polarity, trigger mode */
#define LVT_BITS_ERROR    0x100ffu
#define DCR_WRITABLE      0xbu
#define ICR_HIGH_MASK     0xff000000u
#define ICR_SHIFT         32u
#define X2_TPR_RESERVED   (~0xffull)
#define X2_CLUSTER_SHIFT  16u
#define X2_CLUSTER_IDS    16u

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

static bool is_vectors(u32 reg)
{
    return reg >= APIC_ISR && reg < APIC_ESR;
}

static bool reg_read(struct vlapic *lapic, u32 reg, u32 *value)
{
    if (is_vectors(reg) || is_lvt(reg)) {
        if (is_vectors(reg))
            (void)vlapic_has_pending(lapic); /* what was requested shows in the IRR */
        *value = vlapic_get(lapic, reg);
        return true;
    }
    switch (reg) {
    case APIC_ID:
    case APIC_VERSION:
    case APIC_TPR:
    case APIC_LDR:
    case APIC_DFR:
    case APIC_SVR:
    case APIC_ESR:
    case APIC_ICR:
    case APIC_ICR_HIGH:
    case APIC_TIMER_ICR:
    case APIC_TIMER_DCR:
        *value = vlapic_get(lapic, reg);
        return true;
    case APIC_PPR:
    case APIC_APR:
        *value = vlapic_ppr(lapic);
        return true;
    case APIC_EOI:
    case APIC_RRD:
        *value = 0;
        return true;
    case APIC_TIMER_CCR:
        *value = vlapic_timer_current(lapic);
        return true;
    default:
        return false;
    }
}

static void write_lvt(struct vlapic *lapic, enum vlapic_lvt index, u32 value)
{
    value &= lvt_writable[index];
    if (!(vlapic_get(lapic, APIC_SVR) & APIC_SVR_ENABLE))
        value |= (u32)APIC_LVT_MASKED;
    if (index == LVT_TIMER)
        vlapic_timer_set_lvt(lapic, value);
    else
        vlapic_set(lapic, APIC_LVT_TIMER + index * APIC_REG_STRIDE, value);
    vlapic_look_again(lapic); /* LINT0 may let the PIC through now */
}

/* Spec: SDM 3A "Local APIC State After It Has Been Software Disabled". */
static void write_svr(struct vlapic *lapic, u32 value)
{
    vlapic_set(lapic, APIC_SVR, value & SVR_WRITABLE);
    if (value & APIC_SVR_ENABLE)
        return;
    for (u32 reg = APIC_LVT_TIMER; reg <= APIC_LVT_ERROR; reg += APIC_REG_STRIDE)
        vlapic_set(lapic, reg, vlapic_get(lapic, reg) | (u32)APIC_LVT_MASKED);
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
        vlapic_set(lapic, APIC_LDR, value & LDR_MASK);
        break;
    case APIC_DFR:
        vlapic_set(lapic, APIC_DFR, value | DFR_RESERVED);
        break;
    case APIC_SVR:
        write_svr(lapic, value);
        break;
    case APIC_ESR: /* makes the errors since the last write readable */
        vlapic_set(lapic, APIC_ESR, __atomic_exchange_n(&lapic->errors, 0, __ATOMIC_RELAXED));
        break;
    case APIC_ICR:
        vlapic_icr_write(lapic, (u64)vlapic_get(lapic, APIC_ICR_HIGH) << ICR_SHIFT | value);
        break;
    case APIC_ICR_HIGH:
        vlapic_set(lapic, APIC_ICR_HIGH, value & ICR_HIGH_MASK);
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

/* The value is in the register already; what software keeps from the guest it puts back. */
void vlapic_written(struct vlapic *lapic, u32 reg)
{
    if (reg == APIC_ID)
        vlapic_set(lapic, APIC_ID, lapic->vcpu->index << APIC_XID_SHIFT);
    else
        vlapic_mmio_write(lapic, reg, vlapic_get(lapic, reg));
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
        *value = (u64)vlapic_get(lapic, APIC_ICR_HIGH) << ICR_SHIFT | vlapic_get(lapic, APIC_ICR);
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

void vlapic_enter_x2(struct vlapic *lapic)
{
    u32 id = lapic->vcpu->index;
    u32 ldr = id / X2_CLUSTER_IDS << X2_CLUSTER_SHIFT | 1u << id % X2_CLUSTER_IDS;

    vlapic_set(lapic, APIC_ID, id);
    vlapic_set(lapic, APIC_LDR, ldr);
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
        vlapic_enter_x2(lapic);
    vlapic_mode_changed(lapic);
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
