/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions in their slots: BARs on the buses, interrupt lines. */
#include "core/vdev/vpci.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vdev/vmsi.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

/* A host bridge without peculiarities, as other virtual boards have it. */
#define BRIDGE_VENDOR 0x1b36u
#define BRIDGE_DEVICE 0x0008u
#define BRIDGE_CLASS  0x060000u

#define MEM32_SHARE (GUEST_PCI_MEM32_BYTES / GUEST_PCI_SLOTS)
#define IO_SHARE    0x400u

_Static_assert(IO_SHARE *GUEST_PCI_SLOTS <= GUEST_PCI_IO_BYTES, "ports for every slot");

static struct bus *bus_of(const struct vpci_function *fn, unsigned bar)
{
    struct vm *vm = fn->host->dev.vm;

    return fn->config.kind[bar] == VPCI_BAR_IO ? &vm->pio : &vm->mmio;
}

static bool is_inside(u64 base, u64 bytes, u64 window, u64 window_bytes)
{
    return base >= window && bytes <= window_bytes && base - window <= window_bytes - bytes;
}

/* Where the BAR answers by what its registers say; 0: nowhere. */
static u64 decoded_base(const struct vpci_function *fn, unsigned bar)
{
    enum vpci_bar_kind kind = fn->config.kind[bar];
    u64 enable = kind == VPCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    u64 base = vpci_config_bar(&fn->config, bar);
    u64 bytes = fn->config.bar_bytes[bar];
    bool is_passed = is_inside(base, bytes, GUEST_PCI_MEM32, GUEST_PCI_MEM32_BYTES) ||
                     is_inside(base, bytes, fn->host->mem64, GUEST_PCI_MEM64_BYTES);

    if (kind == VPCI_BAR_IO)
        is_passed = is_inside(base, bytes, GUEST_PCI_IO, GUEST_PCI_IO_BYTES);
    return is_passed && (fn->command & enable) ? base : 0;
}

static void unmap_moved(struct vpci_function *fn)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (fn->mapped[i] == 0 || fn->mapped[i] == decoded_base(fn, i))
            continue;
        if (bus_remove_at(bus_of(fn, i), fn->mapped[i], fn->dev))
            assert(false);
        fn->mapped[i] = 0;
    }
}

/* What overlaps another BAR, or finds the bus full, stays off it until something moves. */
static void map_missing(struct vpci_function *fn)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        u64 base = fn->config.kind[i] == VPCI_BAR_NONE ? 0 : decoded_base(fn, i);

        if (base != 0 && fn->mapped[i] == 0 &&
            bus_add(bus_of(fn, i), base, fn->config.bar_bytes[i], fn->bar_ops[i], fn->dev) == 0)
            fn->mapped[i] = base;
    }
}

/* A BAR that leaves may uncover another function's. */
static void remap(struct vpci_function *fn)
{
    struct vpci *host = fn->host;

    unmap_moved(fn);
    for (unsigned i = 0; i < GUEST_PCI_SLOTS; i++) {
        if (host->slots[i])
            map_missing(host->slots[i]);
    }
}

/* Drives the function's line by the device's wish and what software allows. Context: intx_lock. */
static void update_line(struct vpci_function *fn)
{
    struct vpci *host = fn->host;
    u32 *line = &host->asserted[fn->slot % GUEST_PCI_LINES];
    bool is_off = (__atomic_load_n(&fn->command, __ATOMIC_ACQUIRE) & PCI_COMMAND_INTX_OFF) != 0;
    u32 before = *line;

    if (host->slots[fn->slot] != fn)
        return;
    if (fn->intx && !is_off && !(fn->msi && vmsi_is_enabled(fn->msi)))
        *line |= (u32)BIT(fn->slot);
    else
        *line &= ~(u32)BIT(fn->slot);
    if ((before != 0) != (*line != 0))
        virq_set(host->dev.vm, GUEST_PCI_LINE(fn->slot), *line != 0);
}

void vpci_intx_set(struct vpci_function *fn, bool level)
{
    u64 flags = spin_lock_irqsave(&fn->host->intx_lock);

    fn->intx = level;
    update_line(fn);
    spin_unlock_irqrestore(&fn->host->intx_lock, flags);
}

/* Carries out what the registers say now. Context: host->lock. */
static void apply(struct vpci_function *fn)
{
    u16 command = (u16)vpci_config_get(&fn->config, PCI_COMMAND, 2);
    u64 flags;

    __atomic_store_n(&fn->command, command, __ATOMIC_RELEASE);
    remap(fn);
    if (fn->msi) {
        u32 control = vpci_config_get(&fn->config, fn->msi_at + PCI_MSIX_CONTROL, 2);

        vmsi_control(fn->msi, (control & PCI_MSIX_ENABLE) != 0, (control & PCI_MSIX_MASK_ALL) != 0,
                     (command & PCI_COMMAND_MASTER) != 0);
    }
    flags = spin_lock_irqsave(&fn->host->intx_lock);
    update_line(fn);
    spin_unlock_irqrestore(&fn->host->intx_lock, flags);
}

u32 vpci_read(struct vpci *host, unsigned slot, u32 offset, unsigned size)
{
    struct vpci_function *fn = host->slots[slot];
    u64 flags;
    u32 value;

    if (!fn)
        return (u32)vdev_ones(size);
    if (fn->hooks)
        fn->hooks->before_read(fn, offset, size);
    flags = spin_lock_irqsave(&host->lock);
    vpci_config_set(&fn->config, PCI_STATUS, 1,
                    (u32)PCI_STATUS_CAPABILITY * (fn->config.used > PCI_HEADER_END) |
                        (u32)PCI_STATUS_INTERRUPT * fn->intx);
    value = vpci_config_read(&fn->config, offset, size);
    spin_unlock_irqrestore(&host->lock, flags);
    return value;
}

void vpci_write(struct vpci *host, unsigned slot, u32 offset, unsigned size, u32 value)
{
    struct vpci_function *fn = host->slots[slot];
    u64 flags;

    if (!fn)
        return;
    flags = spin_lock_irqsave(&host->lock);
    vpci_config_write(&fn->config, offset, size, value);
    apply(fn);
    spin_unlock_irqrestore(&host->lock, flags);
    if (fn->hooks)
        fn->hooks->after_write(fn, offset, size);
}

void vpci_function_init(struct vpci_function *fn, struct vdev *dev, const struct vpci_ident *ident)
{
    *fn = (struct vpci_function){.dev = dev};
    vpci_config_init(&fn->config, ident);
}

void vpci_function_add_bar(struct vpci_function *fn, unsigned index, enum vpci_bar_kind kind,
                           u64 bytes, const struct bus_ops *ops)
{
    vpci_config_add_bar(&fn->config, index, kind, bytes);
    fn->bar_ops[index] = ops;
}

void vpci_function_add_msix(struct vpci_function *fn, struct vmsi *msi, unsigned bar, u32 table,
                            u32 pending)
{
    u16 control = (u16)(msi->count - 1);
    u8 body[PCI_MSIX_BYTES] = {
        [PCI_MSIX_CONTROL] = (u8)control,
        [PCI_MSIX_CONTROL + 1] = (u8)(control >> 8),
    };
    static const u8 writable[PCI_MSIX_BYTES] = {
        [PCI_MSIX_CONTROL + 1] = (u8)((PCI_MSIX_ENABLE | PCI_MSIX_MASK_ALL) >> 8),
    };

    for (unsigned i = 0; i < sizeof(u32); i++) {
        body[PCI_MSIX_TABLE + i] = (u8)((table | bar) >> 8 * i);
        body[PCI_MSIX_PBA + i] = (u8)((pending | bar) >> 8 * i);
    }
    fn->msi = msi;
    fn->msi_at =
        vpci_config_add_capability(&fn->config, PCI_CAP_MSIX, body, writable, sizeof(body));
}

/* As firmware would: one after the other, below 4 GiB. Each slot has its share of the windows, so
 * that those who come later find theirs free. */
static int assign_bars(struct vpci_function *fn)
{
    u64 io = GUEST_PCI_IO + (fn->slot - 1u) * IO_SHARE, io_end = io + IO_SHARE;
    u64 memory = GUEST_PCI_MEM32 + (fn->slot - 1u) * MEM32_SHARE, end = memory + MEM32_SHARE;

    for (unsigned i = 0; i < PCI_BARS; i++) {
        bool is_io = fn->config.kind[i] == VPCI_BAR_IO;
        u64 bytes = fn->config.bar_bytes[i];
        u64 base = ALIGN_UP(is_io ? io : memory, bytes);

        if (fn->config.kind[i] == VPCI_BAR_NONE)
            continue;
        if (base + bytes > (is_io ? io_end : end))
            return -ENOSPC;
        *(is_io ? &io : &memory) = base + bytes;
        vpci_config_set_bar(&fn->config, i, base);
    }
    return 0;
}

int vpci_add(struct vpci *host, struct vpci_function *fn)
{
    u8 slot = 0;
    int rc = 0;

    fn->host = host;
    while (slot < GUEST_PCI_SLOTS && host->slots[slot])
        slot++;
    if (slot == GUEST_PCI_SLOTS)
        return -ENOSPC;
    fn->slot = slot;
    if (fn != &host->bridge) {
        rc = assign_bars(fn);
        vpci_config_set_interrupt(&fn->config, (u8)GUEST_PCI_LINE(slot));
    }
    if (rc == 0)
        host->slots[slot] = fn;
    return rc;
}

void vpci_remove(struct vpci_function *fn)
{
    struct vpci *host = fn->host;
    u64 flags, intx_flags;

    if (!host || host->slots[fn->slot] != fn)
        return;
    flags = spin_lock_irqsave(&host->lock);
    vpci_config_set(&fn->config, PCI_COMMAND, 2, 0);
    if (fn->msi)
        vpci_config_write(&fn->config, fn->msi_at + PCI_MSIX_CONTROL, 2, 0);
    apply(fn);
    host->wanted &= ~(u32)BIT(fn->slot);
    host->ejected &= ~(u32)BIT(fn->slot);
    intx_flags = spin_lock_irqsave(&host->intx_lock);
    fn->intx = false;
    update_line(fn);
    host->slots[fn->slot] = NULL;
    spin_unlock_irqrestore(&host->intx_lock, intx_flags);
    spin_unlock_irqrestore(&host->lock, flags);
}

/* Addresses stay, as firmware would assign the same ones again. */
static void vpci_reset(struct vdev *dev)
{
    struct vpci *host = container_of(dev, struct vpci, dev);
    u64 flags = spin_lock_irqsave(&host->lock);

    host->address = 0;
    host->reset = 0;
    host->to_check = 0;
    for (unsigned i = 0; i < GUEST_PCI_SLOTS; i++) {
        struct vpci_function *fn = host->slots[i];

        if (!fn)
            continue;
        vpci_config_set(&fn->config, PCI_COMMAND, 2, 0);
        if (fn->msi)
            vpci_config_write(&fn->config, fn->msi_at + PCI_MSIX_CONTROL, 2, 0);
        apply(fn);
    }
    spin_unlock_irqrestore(&host->lock, flags);
}

static void vpci_fini(struct vdev *dev)
{
    dev->vm->pci = NULL;
    kfree(container_of(dev, struct vpci, dev));
}

static const struct vdev_ops vpci_ops = {.reset = vpci_reset, .fini = vpci_fini};

int vpci_create(struct vm *vm, u64 mem64)
{
    static const struct vpci_ident ident = {
        .vendor = BRIDGE_VENDOR, .device = BRIDGE_DEVICE, .class_code = BRIDGE_CLASS};
    struct vpci *host = kzalloc(sizeof(*host));
    int rc;

    if (!host)
        return -ENOMEM;
    spin_init(&host->lock, "vpci", LOCK_PCI);
    spin_init(&host->intx_lock, "vpci intx", LOCK_INTX);
    host->mem64 = mem64;
    vdev_attach(vm, &host->dev, "vpci", &vpci_ops);
    vm->pci = host;
    vpci_function_init(&host->bridge, &host->dev, &ident);
    rc = vpci_add(host, &host->bridge);
    if (rc == 0)
        rc = vpci_access_init(host);
    return rc ? rc : vpci_hotplug_init(host);
}
