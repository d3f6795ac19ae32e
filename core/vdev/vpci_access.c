/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways into configuration space: the ports CF8h and CFCh, and the memory window that the MCFG table
 * announces (ECAM). Between the ports' bytes lies the chipset's reset control register, CF9h. Spec:
 * PCI Local Bus 3.0 "Configuration Mechanism #1"; PCI Firmware 3.2 "MCFG"; ICH "RST_CNT - Reset
 * Control Register".
 */
#include "core/lib/errno.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vpci.h"
#include "core/vm/vm.h"

#define PORT_ADDRESS 0xcf8u
#define PORT_DATA    0xcfcu
#define PORT_BYTES   4u

#define ADDRESS_ENABLE   BIT(31)
#define ADDRESS_BUS      0x00ff0000u
#define ADDRESS_SLOT     0x0000f800u
#define ADDRESS_FUNCTION 0x00000700u
#define ADDRESS_REGISTER 0x000000fcu
#define ADDRESS_WRITABLE (ADDRESS_ENABLE | 0x00fffffcu)

#define RESET_OFFSET   (GUEST_RESET_PORT - PORT_ADDRESS)
#define RESET_CPU      BIT(2) /* a rising edge resets */
#define RESET_WRITABLE 0x0eu

#define ECAM_SLOT     0xf8000u
#define ECAM_FUNCTION 0x07000u
#define ECAM_REGISTER 0x00fffu

_Static_assert(GUEST_PCI_ECAM_BYTES == ECAM_SLOT + ECAM_FUNCTION + ECAM_REGISTER + 1, "one bus");

static u64 address_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    u64 flags = spin_lock_irqsave(&host->lock);
    u64 value = vdev_ones(size);

    if (size == sizeof(u32))
        value = host->address;
    else if (size == 1 && offset == RESET_OFFSET)
        value = host->reset;
    spin_unlock_irqrestore(&host->lock, flags);
    return value;
}

static void reset_control(struct vpci *host, u8 value)
{
    u64 flags = spin_lock_irqsave(&host->lock);
    bool is_rising = (value & RESET_CPU) && !(host->reset & RESET_CPU);

    host->reset = value & RESET_WRITABLE;
    spin_unlock_irqrestore(&host->lock, flags);
    if (is_rising)
        vm_stop(host->dev.vm, VM_STOP_RESET);
}

static void address_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    u64 flags;

    if (size == 1 && offset == RESET_OFFSET)
        reset_control(host, (u8)value);
    if (size != sizeof(u32))
        return;
    flags = spin_lock_irqsave(&host->lock);
    host->address = (u32)value & (u32)ADDRESS_WRITABLE;
    spin_unlock_irqrestore(&host->lock, flags);
}

/* Return: false if the address register selects nothing. */
static bool selected(struct vpci *host, u64 port_offset, unsigned *slot, u32 *offset)
{
    u64 flags = spin_lock_irqsave(&host->lock);
    u32 address = host->address;

    spin_unlock_irqrestore(&host->lock, flags);
    *slot = (unsigned)FIELD_GET(ADDRESS_SLOT, address);
    *offset = (address & ADDRESS_REGISTER) + (u32)port_offset;
    return (address & ADDRESS_ENABLE) && !(address & (ADDRESS_BUS | ADDRESS_FUNCTION));
}

static u64 data_read(struct vdev *dev, u64 port_offset, unsigned size)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    unsigned slot;
    u32 offset;

    if (!selected(host, port_offset, &slot, &offset))
        return vdev_ones(size);
    return vpci_read(host, slot, offset, size);
}

static void data_write(struct vdev *dev, u64 port_offset, unsigned size, u64 value)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    unsigned slot;
    u32 offset;

    if (selected(host, port_offset, &slot, &offset))
        vpci_write(host, slot, offset, size, (u32)value);
}

static u64 ecam_read(struct vdev *dev, u64 at, unsigned size)
{
    struct vpci *host = container_of(dev, struct vpci, dev);

    if ((at & ECAM_FUNCTION) || size > sizeof(u32))
        return vdev_ones(size);
    return vpci_read(host, (unsigned)FIELD_GET(ECAM_SLOT, at), at & ECAM_REGISTER, size);
}

static void ecam_write(struct vdev *dev, u64 at, unsigned size, u64 value)
{
    struct vpci *host = container_of(dev, struct vpci, dev);

    if (!(at & ECAM_FUNCTION) && size <= sizeof(u32))
        vpci_write(host, (unsigned)FIELD_GET(ECAM_SLOT, at), at & ECAM_REGISTER, size, (u32)value);
}

static const struct bus_ops address_ops = {.read = address_read, .write = address_write};
static const struct bus_ops data_ops = {.read = data_read, .write = data_write};
static const struct bus_ops ecam_ops = {.read = ecam_read, .write = ecam_write};

int vpci_access_init(struct vpci *host)
{
    struct vm *vm = host->dev.vm;
    int rc = bus_add(&vm->pio, PORT_ADDRESS, PORT_BYTES, &address_ops, &host->dev);

    if (rc == 0)
        rc = bus_add(&vm->pio, PORT_DATA, PORT_BYTES, &data_ops, &host->dev);
    if (rc == 0)
        rc = bus_add(&vm->mmio, GUEST_PCI_ECAM, GUEST_PCI_ECAM_BYTES, &ecam_ops, &host->dev);
    return rc;
}
