/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines of the board: from a device to the PIC and the IOAPIC, from the PIC to LINT0. */
#include "core/vdev/virq.h"

#include "core/lib/assert.h"
#include "core/vdev/vioapic.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vlapic.h"
#include "core/vdev/vpic.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define LINE_PIT        0u
#define LINE_CASCADE    2u /* the slave PIC's; no device has it */
#define IOAPIC_PIN_PIT  2u
#define IOAPIC_PIN_NONE IOAPIC_PIN_COUNT

static void virq_reset(struct vdev *dev)
{
    struct virq *virq = container_of(dev, struct virq, dev);
    u64 flags = spin_lock_irqsave(&virq->lock);

    if (virq->pic)
        virq_pic_changed(virq);
    spin_unlock_irqrestore(&virq->lock, flags);
}

static void virq_fini(struct vdev *dev)
{
    struct virq *virq = container_of(dev, struct virq, dev);

    dev->vm->virq = NULL;
    kfree(virq);
}

static const struct vdev_ops virq_ops = {.reset = virq_reset, .fini = virq_fini};

struct virq *virq_get(struct vm *vm)
{
    struct virq *virq = vm->virq;

    if (virq)
        return virq;
    virq = kzalloc(sizeof(*virq));
    if (!virq)
        return NULL;
    spin_init(&virq->lock, "virq", LOCK_IRQCHIP);
    vdev_attach(vm, &virq->dev, "virq", &virq_ops);
    vm->virq = virq;
    return virq;
}

static unsigned ioapic_pin(unsigned line)
{
    if (line == LINE_PIT)
        return IOAPIC_PIN_PIT;
    return line == LINE_CASCADE ? IOAPIC_PIN_NONE : line;
}

void virq_pic_changed(struct virq *virq)
{
    bool level = vpic_output(virq->pic);

    if (level == virq->pic_output)
        return;
    virq->pic_output = level;
    vlapic_lint0(virq->dev.vm, level);
}

static void set_locked(struct virq *virq, unsigned line, bool level)
{
    unsigned pin = ioapic_pin(line);

    if (virq->pic && line < VPIC_LINE_COUNT && line != LINE_CASCADE) {
        vpic_set_line(virq->pic, line, level);
        virq_pic_changed(virq);
    }
    if (virq->ioapic && pin < IOAPIC_PIN_COUNT)
        vioapic_set_pin(virq->ioapic, pin, level);
}

void virq_set(struct vm *vm, unsigned line, bool level)
{
    struct virq *virq = vm->virq;
    u64 flags;

    assert(line < IOAPIC_PIN_COUNT);
    flags = spin_lock_irqsave(&virq->lock);
    set_locked(virq, line, level);
    spin_unlock_irqrestore(&virq->lock, flags);
}

void virq_pulse(struct vm *vm, unsigned line)
{
    struct virq *virq = vm->virq;
    u64 flags;

    assert(line < IOAPIC_PIN_COUNT);
    flags = spin_lock_irqsave(&virq->lock);
    set_locked(virq, line, true);
    set_locked(virq, line, false);
    spin_unlock_irqrestore(&virq->lock, flags);
}

u8 virq_pic_peek(struct vm *vm)
{
    struct virq *virq = vm->virq;
    u64 flags = spin_lock_irqsave(&virq->lock);
    u8 vector = vpic_peek(virq->pic);

    spin_unlock_irqrestore(&virq->lock, flags);
    return vector;
}

u8 virq_pic_acknowledge(struct vm *vm)
{
    struct virq *virq = vm->virq;
    u64 flags = spin_lock_irqsave(&virq->lock);
    u8 vector = vpic_acknowledge(virq->pic);

    virq_pic_changed(virq);
    spin_unlock_irqrestore(&virq->lock, flags);
    return vector;
}

void virq_eoi(struct vm *vm, u8 vector)
{
    struct virq *virq = vm->virq;
    u64 flags;

    if (!virq || !virq->ioapic)
        return;
    flags = spin_lock_irqsave(&virq->lock);
    vioapic_eoi(virq->ioapic, vector);
    spin_unlock_irqrestore(&virq->lock, flags);
}
