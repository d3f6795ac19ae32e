/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that come and go while the guest runs: registers that the methods of its DSDT read and
 * write, and the event that has it look there.
 *
 * The guest is told to check a slot, finds by its configuration space what is there now, and binds
 * or unbinds a driver. It is asked to give a slot up, unbinds the driver and writes the slot's bit;
 * what it was not asked for it cannot give up. Both are bits that stay until they are taken, so
 * nothing is lost while the guest does not listen. Spec: ACPI 6.4, 6.3 "Device Insertion, Removal,
 * and Status Objects".
 */
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/vpci.h"
#include "core/vm/vm.h"

static u64 hotplug_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    u64 value = vdev_ones(size);
    u64 flags;

    if (size != sizeof(u32))
        return value;
    flags = spin_lock_irqsave(&host->lock);
    if (offset == GUEST_HOTPLUG_CHECK) {
        value = host->to_check;
        host->to_check = 0;
    } else if (offset == GUEST_HOTPLUG_WANTED) {
        value = host->wanted;
    }
    spin_unlock_irqrestore(&host->lock, flags);
    return value;
}

static void hotplug_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    u32 given;
    u64 flags;

    if (offset != GUEST_HOTPLUG_EJECT || size != sizeof(u32))
        return;
    flags = spin_lock_irqsave(&host->lock);
    given = (u32)value & host->wanted;
    host->wanted &= ~given;
    host->ejected |= given;
    spin_unlock_irqrestore(&host->lock, flags);
    if (given != 0 && dev->vm->on_ejected)
        dev->vm->on_ejected(dev->vm);
}

static const struct bus_ops hotplug_ops = {.read = hotplug_read, .write = hotplug_write};

int vpci_hotplug_init(struct vpci *host)
{
    return bus_add(&host->dev.vm->pio, GUEST_HOTPLUG, GUEST_HOTPLUG_BYTES, &hotplug_ops,
                   &host->dev);
}

u32 vpci_hotplug_slots(const struct vpci *host)
{
    u32 slots = 0;

    for (unsigned i = 1; i < GUEST_PCI_SLOTS; i++) {
        if (!host->slots[i] || host->slots[i]->can_leave)
            slots |= (u32)BIT(i);
    }
    return slots;
}

void vpci_announce(struct vpci *host, unsigned slot)
{
    u64 flags = spin_lock_irqsave(&host->lock);

    host->to_check |= (u32)BIT(slot);
    spin_unlock_irqrestore(&host->lock, flags);
    vpm_gpe(host->dev.vm, GUEST_GPE_HOTPLUG);
}

void vpci_want_eject(struct vpci *host, unsigned slot)
{
    u64 flags = spin_lock_irqsave(&host->lock);

    host->wanted |= (u32)BIT(slot);
    host->ejected &= ~(u32)BIT(slot);
    spin_unlock_irqrestore(&host->lock, flags);
    vpm_gpe(host->dev.vm, GUEST_GPE_HOTPLUG);
}

void vpci_want_back(struct vpci *host, unsigned slot)
{
    u64 flags = spin_lock_irqsave(&host->lock);

    host->wanted &= ~(u32)BIT(slot);
    spin_unlock_irqrestore(&host->lock, flags);
}

bool vpci_was_ejected(struct vpci *host, unsigned slot)
{
    u64 flags = spin_lock_irqsave(&host->lock);
    bool was = (host->ejected & BIT(slot)) != 0;

    host->ejected &= ~(u32)BIT(slot);
    spin_unlock_irqrestore(&host->lock, flags);
    return was;
}
