/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controllers as the vCPU loop sees them: struct irqchip_ops on top of the local
 * APIC. */
#include "core/lib/errno.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vlapic.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define CR8_SHIFT 4u
#define CR8_MASK  0xfu

static int op_pending(struct vcpu *vcpu)
{
    return vlapic_pending(vcpu->vlapic);
}

static bool op_has_pending(struct vcpu *vcpu)
{
    return vlapic_has_pending(vcpu->vlapic);
}

static void op_register_written(struct vcpu *vcpu, u16 offset)
{
    vlapic_written(vcpu->vlapic, offset);
}

static void op_level_ended(struct vcpu *vcpu, u8 vector)
{
    virq_eoi(vcpu->vm, vector);
}

static u8 op_acknowledge(struct vcpu *vcpu, u8 vector)
{
    return vlapic_acknowledge(vcpu->vlapic, vector);
}

static void op_tpr_set(struct vcpu *vcpu, u8 tpr)
{
    vlapic_tpr_write(vcpu->vlapic, (u32)(tpr & CR8_MASK) << CR8_SHIFT);
}

static int op_msr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
    return vlapic_msr_read(vcpu->vlapic, msr, value);
}

static int op_msr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
    return vlapic_msr_write(vcpu->vlapic, msr, value);
}

static bool op_mmio_covers(struct vcpu *vcpu, gpa_t gpa)
{
    u64 base = vlapic_base(vcpu->vlapic);

    return (base & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EN &&
           gpa.v - (base & APIC_BASE_ADDR) < APIC_PAGE_BYTES;
}

/* Registers are 32 bits wide, at multiples of 16; other accesses are undefined and reach nothing
 * here. */
static bool is_register(gpa_t gpa, unsigned size)
{
    return size == sizeof(u32) && IS_ALIGNED(gpa.v, (u64)APIC_REG_STRIDE);
}

static u64 op_mmio_read(struct vcpu *vcpu, gpa_t gpa, unsigned size)
{
    if (!is_register(gpa, size))
        return vdev_ones(size);
    return vlapic_mmio_read(vcpu->vlapic, (u32)(gpa.v & (APIC_PAGE_BYTES - 1)));
}

static void op_mmio_write(struct vcpu *vcpu, gpa_t gpa, unsigned size, u64 value)
{
    if (is_register(gpa, size))
        vlapic_mmio_write(vcpu->vlapic, (u32)(gpa.v & (APIC_PAGE_BYTES - 1)), (u32)value);
}

static bool op_nmi_take(struct vcpu *vcpu)
{
    return __atomic_exchange_n(&vcpu->vlapic->nmi, 0, __ATOMIC_SEQ_CST) != 0;
}

static bool op_nmi_pending(struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->vlapic->nmi, __ATOMIC_ACQUIRE) != 0;
}

static bool op_send_fixed(struct vcpu *to, u8 vector)
{
    return vlapic_is_on(to->vlapic) && vlapic_set_irr(to->vlapic, vector, false);
}

static bool op_send_nmi(struct vcpu *to)
{
    if (!vlapic_is_on(to->vlapic))
        return false;
    vlapic_set_nmi(to->vlapic);
    return true;
}

static void op_vcpu_init(struct vcpu *vcpu)
{
    vlapic_init(vcpu->vlapic);
}

static const struct irqchip_ops irqchip_ops = {
    .pending = op_pending,
    .acknowledge = op_acknowledge,
    .has_pending = op_has_pending,
    .register_written = op_register_written,
    .level_ended = op_level_ended,
    .tpr_set = op_tpr_set,
    .msr_read = op_msr_read,
    .msr_write = op_msr_write,
    .mmio_covers = op_mmio_covers,
    .mmio_read = op_mmio_read,
    .mmio_write = op_mmio_write,
    .nmi_take = op_nmi_take,
    .nmi_pending = op_nmi_pending,
    .send_fixed = op_send_fixed,
    .send_nmi = op_send_nmi,
    .vcpu_init = op_vcpu_init,
};

static void vlapic_reset(struct vdev *dev)
{
    vlapic_power_on(container_of(dev, struct vlapic, dev));
}

static void vlapic_fini(struct vdev *dev)
{
    struct vlapic *lapic = container_of(dev, struct vlapic, dev);

    timer_cancel(&lapic->timer.host);
    lapic->vcpu->vlapic = NULL;
    kfree(lapic);
}

static const struct vdev_ops vlapic_ops = {.reset = vlapic_reset, .fini = vlapic_fini};

int vlapic_create(struct vcpu *vcpu)
{
    struct vlapic *lapic = kzalloc(sizeof(*lapic));

    if (!lapic)
        return -ENOMEM;
    lapic->vcpu = vcpu;
    lapic->apic = vcpu->apic;
    vdev_attach(vcpu->vm, &lapic->dev, "vlapic", &vlapic_ops);
    vlapic_timer_init(lapic);
    vlapic_power_on(lapic);
    vcpu->vlapic = lapic;
    vcpu->vm->irqchip = &irqchip_ops;
    return 0;
}
