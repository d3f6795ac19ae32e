/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space through two ports: CF8h takes the address, CFCh passes the data. It reaches
 * the first 256 bytes of each function and is the only way on machines without PCI Express.
 */
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "core/x86/spinlock.h"
#include "drivers/pci/pci_root.h"

#define PORT_ADDRESS 0xcf8u
#define PORT_DATA    0xcfcu
#define ENABLE       0x80000000u
#define SPACE_BYTES  256u
#define BUS_LAST     255u

static struct spinlock lock = SPINLOCK_INIT("CF8h", LOCK_HARDWARE); /* address, then data */

/* Return: the port that holds the byte at offset. */
static u16 select(const struct pci_device *dev, u16 offset)
{
    outl(PORT_ADDRESS, pci_cf8_address(dev->bus, dev->slot, dev->function, offset));
    return (u16)(PORT_DATA + (offset & 3u));
}

static u32 cf8_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    u32 value;
    u64 flags;
    u16 port;

    if (offset >= SPACE_BYTES)
        return 0xffffffffu >> (32 - 8 * bytes);
    flags = spin_lock_irqsave(&lock);
    port = select(dev, offset);
    value = bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
    spin_unlock_irqrestore(&lock, flags);
    return value;
}

static void cf8_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value)
{
    u64 flags;
    u16 port;

    if (offset >= SPACE_BYTES)
        return;
    flags = spin_lock_irqsave(&lock);
    port = select(dev, offset);
    if (bytes == 1)
        outb(port, (u8)value);
    else if (bytes == 2)
        outw(port, (u16)value);
    else
        outl(port, value);
    spin_unlock_irqrestore(&lock, flags);
}

/* The address register is the only thing at CF8h that keeps what a doubleword write left there. */
static bool is_present(void)
{
    u64 flags = spin_lock_irqsave(&lock);
    u32 before = inl(PORT_ADDRESS), after;

    outl(PORT_ADDRESS, ENABLE);
    after = inl(PORT_ADDRESS);
    outl(PORT_ADDRESS, before);
    spin_unlock_irqrestore(&lock, flags);
    return after == ENABLE;
}

int pci_cf8_init(struct pci_root *root)
{
    if (!is_present())
        return -ENODEV;
    *root = (struct pci_root){
        .name = "ports CF8h/CFCh",
        .read = cf8_read,
        .write = cf8_write,
        .last_bus = BUS_LAST,
    };
    return 0;
}
