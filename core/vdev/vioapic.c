/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOAPIC: redirection entries turn pins into messages to local APICs.
 *
 * Level-triggered pins send once and set Remote IRR; the EOI of that vector clears it and sends
 * again while the line is still high. Edges on masked pins are lost, as in the 82093AA.
 */
#include "core/vdev/vioapic.h"

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vlapic.h"
#include "core/vm/vm.h"
#include "core/vmm/guest_layout.h"
#include "mm/kheap.h"

#define IOAPIC_BYTES  0x1000u
#define IOREGSEL      0x00u
#define IOWIN         0x10u
#define IOAPIC_EOI    0x40u
#define IOREGSEL_MASK 0xffu

#define IOAPIC_REG_ID      0x00u
#define IOAPIC_REG_VER     0x01u
#define IOAPIC_REG_ARB     0x02u
#define IOAPIC_REG_TABLE   0x10u
#define IOAPIC_ID_MASK     0x0f000000u
#define IOAPIC_ID_SHIFT    24u
#define IOAPIC_VERSION     0x20u
#define IOAPIC_VER_ENTRIES 16u /* shift */

#define REDIR_VECTOR     0xffull
#define REDIR_DELIVERY   0x700ull
#define REDIR_LOGICAL    BIT(11)
#define REDIR_STATUS     BIT(12)
#define REDIR_REMOTE_IRR BIT(14)
#define REDIR_LEVEL      BIT(15)
#define REDIR_MASKED     BIT(16)
#define REDIR_DEST       0xff00000000000000ull
#define REDIR_READ_ONLY  (REDIR_STATUS | REDIR_REMOTE_IRR)
#define REDIR_WRITABLE   (REDIR_DEST | 0x1afffull)

static void send(struct vioapic *ioapic, unsigned pin)
{
    u64 entry = ioapic->redirect[pin];
    struct vlapic_message message = {
        .destination = (u32)FIELD_GET(REDIR_DEST, entry),
        .is_logical = (entry & REDIR_LOGICAL) != 0,
        .is_level = (entry & REDIR_LEVEL) != 0,
        .mode = (enum vlapic_delivery)FIELD_GET(REDIR_DELIVERY, entry),
        .vector = (u8)FIELD_GET(REDIR_VECTOR, entry),
    };
    bool is_vectored = message.mode == VLAPIC_FIXED || message.mode == VLAPIC_LOWEST;

    /* Only what a local APIC will answer with an EOI waits for one. */
    if (vlapic_send(ioapic->dev.vm, &message) && message.is_level && is_vectored)
        ioapic->redirect[pin] |= REDIR_REMOTE_IRR;
}

/* Sends for a level-triggered pin whose line is high. */
static void service_level(struct vioapic *ioapic, unsigned pin)
{
    u64 entry = ioapic->redirect[pin];

    if ((entry & REDIR_LEVEL) && !(entry & (REDIR_MASKED | REDIR_REMOTE_IRR)) &&
        (ioapic->levels & BIT(pin)))
        send(ioapic, pin);
}

void vioapic_set_pin(struct vioapic *ioapic, unsigned pin, bool level)
{
    u32 bit = (u32)BIT(pin);
    bool is_rising = level && !(ioapic->levels & bit);

    if (level)
        ioapic->levels |= bit;
    else
        ioapic->levels &= ~bit;
    if (ioapic->redirect[pin] & REDIR_LEVEL)
        service_level(ioapic, pin);
    else if (is_rising && !(ioapic->redirect[pin] & REDIR_MASKED))
        send(ioapic, pin);
}

void vioapic_eoi(struct vioapic *ioapic, u8 vector)
{
    for (unsigned pin = 0; pin < IOAPIC_PIN_COUNT; pin++) {
        u64 entry = ioapic->redirect[pin];

        if (FIELD_GET(REDIR_VECTOR, entry) != vector || !(entry & REDIR_REMOTE_IRR))
            continue;
        ioapic->redirect[pin] = entry & ~REDIR_REMOTE_IRR;
        service_level(ioapic, pin);
    }
}

static u32 read_window(const struct vioapic *ioapic)
{
    u32 index = ioapic->select - IOAPIC_REG_TABLE;

    switch (ioapic->select) {
    case IOAPIC_REG_ID:
    case IOAPIC_REG_ARB:
        return ioapic->id;
    case IOAPIC_REG_VER:
        return IOAPIC_VERSION | ((IOAPIC_PIN_COUNT - 1) << IOAPIC_VER_ENTRIES);
    default:
        break;
    }
    if (ioapic->select < IOAPIC_REG_TABLE || index / 2 >= IOAPIC_PIN_COUNT)
        return 0;
    return (u32)(ioapic->redirect[index / 2] >> (index % 2 * 32));
}

static void write_redirect(struct vioapic *ioapic, unsigned pin, bool is_high, u32 value)
{
    u64 old = ioapic->redirect[pin];
    u64 mask = is_high ? 0xffffffff00000000ull : 0xffffffffull;
    u64 entry = (old & ~mask) | (is_high ? (u64)value << 32 : value);

    entry = (entry & REDIR_WRITABLE) | (old & REDIR_READ_ONLY);
    if (!(entry & REDIR_LEVEL))
        entry &= ~REDIR_REMOTE_IRR; /* an edge-triggered pin never waits for an EOI */
    ioapic->redirect[pin] = entry;
    service_level(ioapic, pin);
}

static void write_window(struct vioapic *ioapic, u32 value)
{
    u32 index = ioapic->select - IOAPIC_REG_TABLE;

    if (ioapic->select == IOAPIC_REG_ID)
        ioapic->id = value & IOAPIC_ID_MASK;
    else if (ioapic->select >= IOAPIC_REG_TABLE && index / 2 < IOAPIC_PIN_COUNT)
        write_redirect(ioapic, index / 2, index % 2 != 0, value);
}

u32 vioapic_read(struct vioapic *ioapic, u64 offset)
{
    switch (offset) {
    case IOREGSEL:
        return ioapic->select;
    case IOWIN:
        return read_window(ioapic);
    default:
        return 0;
    }
}

void vioapic_write(struct vioapic *ioapic, u64 offset, u32 value)
{
    switch (offset) {
    case IOREGSEL:
        ioapic->select = value & IOREGSEL_MASK;
        break;
    case IOWIN:
        write_window(ioapic, value);
        break;
    case IOAPIC_EOI:
        vioapic_eoi(ioapic, (u8)value);
        break;
    default:
        break;
    }
}

void vioapic_power_on(struct vioapic *ioapic)
{
    ioapic->select = 0;
    ioapic->id = GUEST_IOAPIC_ID << IOAPIC_ID_SHIFT;
    ioapic->levels = 0;
    for (unsigned pin = 0; pin < IOAPIC_PIN_COUNT; pin++)
        ioapic->redirect[pin] = REDIR_MASKED;
}

/* Registers are 32 bits wide at multiples of 16; the bus ignores anything else. */
static u64 mmio_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vioapic *ioapic = container_of(dev, struct vioapic, dev);
    struct virq *virq = dev->vm->virq;
    u64 flags;
    u32 value;

    if (size != sizeof(u32))
        return vdev_ones(size);
    flags = spin_lock_irqsave(&virq->lock);
    value = vioapic_read(ioapic, offset);
    spin_unlock_irqrestore(&virq->lock, flags);
    return value;
}

static void mmio_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vioapic *ioapic = container_of(dev, struct vioapic, dev);
    struct virq *virq = dev->vm->virq;
    u64 flags;

    if (size != sizeof(u32))
        return;
    flags = spin_lock_irqsave(&virq->lock);
    vioapic_write(ioapic, offset, (u32)value);
    spin_unlock_irqrestore(&virq->lock, flags);
}

static const struct bus_ops vioapic_bus_ops = {.read = mmio_read, .write = mmio_write};

static void vioapic_reset(struct vdev *dev)
{
    struct virq *virq = dev->vm->virq;
    u64 flags = spin_lock_irqsave(&virq->lock);

    vioapic_power_on(container_of(dev, struct vioapic, dev));
    spin_unlock_irqrestore(&virq->lock, flags);
}

static void vioapic_fini(struct vdev *dev)
{
    kfree(container_of(dev, struct vioapic, dev));
}

static const struct vdev_ops vioapic_ops = {.reset = vioapic_reset, .fini = vioapic_fini};

int vioapic_create(struct vm *vm)
{
    struct virq *virq = virq_get(vm);
    struct vioapic *ioapic;

    if (!virq)
        return -ENOMEM;
    ioapic = kzalloc(sizeof(*ioapic));
    if (!ioapic)
        return -ENOMEM;
    vioapic_power_on(ioapic);
    vdev_attach(vm, &ioapic->dev, "vioapic", &vioapic_ops);
    virq->ioapic = ioapic;
    return bus_add(&vm->mmio, GUEST_IOAPIC_BASE, IOAPIC_BYTES, &vioapic_bus_ops, &ioapic->dev);
}
