/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI power management registers, and the ports by which old software resets a PC.
 *
 * The hardware is always in ACPI mode (SCI_EN reads 1). There is no keyboard controller: its ports
 * read as an empty bus, which Linux's driver takes for what it is, and only the reset pulse is
 * heard. Spec: ACPI 6.4 "ACPI Hardware Specification", sections "PM1 Event Grouping" to "Power
 * Management Timer (PM_TMR)", and "General-Purpose Event Register Blocks".
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vm/vm.h"
#include "core/vmm/guest_layout.h"
#include "mm/kheap.h"

#define PM_TMR_HZ   3579545u
#define PM_TMR_HALF BIT(31) /* TMR_STS is set whenever the top bit changes */

#define PM1_TMR       BIT(0)
#define PM1_PWRBTN    BIT(8)
#define PM1_STS_KNOWN (PM1_TMR | PM1_PWRBTN)
#define PM1_EN_WRITABLE \
    0x0721u /* TMR, GBL, PWRBTN, SLPBTN, RTC; the last two and GBL never happen */
#define PM1_SCI_EN  BIT(0)
#define PM1_BM_RLD  BIT(1)
#define PM1_SLP_TYP 0x1c00u
#define PM1_SLP_EN  BIT(13)

/* Offsets in the register block. */
#define PM_STS 0u
#define PM_EN  2u
#define PM_CNT (GUEST_PM1A_CNT - GUEST_PM1A_EVT)
#define PM_TMR (GUEST_PM_TMR - GUEST_PM1A_EVT)
#define PM_GPE (GUEST_GPE0 - GUEST_PM1A_EVT)

#define GPE_KNOWN BIT(GUEST_GPE_HOTPLUG)

#define KBC_PORT        0x64u
#define KBC_PULSE_RESET 0xfeu
#define FAST_PORT       0x92u
#define FAST_RESET      BIT(0)
#define FAST_A20        BIT(1)

struct vpm {
    struct vdev dev; /* its lock protects everything below */
    u16 status;
    u16 enable;
    u16 control;
    u8 gpe_status, gpe_enable;
    u8 fast;            /* port 0x92 */
    u64 halves_seen;    /* half periods of the PM timer whose TMR_STS has been set */
    struct timer timer; /* next one, while PM1_TMR is enabled */
};

static u64 pm_ticks(const struct vpm *pm)
{
    return vdev_ticks_from_ns(time_ns() - pm->dev.vm->boot_ns, PM_TMR_HZ);
}

/* After every change of state, and when time has passed. */
static void update(struct vpm *pm)
{
    u64 halves = pm_ticks(pm) / PM_TMR_HALF;

    if (halves != pm->halves_seen)
        pm->status |= PM1_TMR;
    pm->halves_seen = halves;
    virq_set(pm->dev.vm, GUEST_SCI_LINE,
             (pm->status & pm->enable & PM1_STS_KNOWN) != 0 ||
                 (pm->gpe_status & pm->gpe_enable) != 0);
    if (pm->enable & PM1_TMR)
        timer_arm(&pm->timer,
                  pm->dev.vm->boot_ns + vdev_ns_from_ticks((halves + 1) * PM_TMR_HALF, PM_TMR_HZ));
}

static void on_half(void *arg)
{
    struct vpm *pm = arg;
    u64 flags = spin_lock_irqsave(&pm->dev.lock);

    update(pm);
    spin_unlock_irqrestore(&pm->dev.lock, flags);
}

/* The registers before the timer, as one little-endian image, so that any aligned width reads
 * right. */
static u64 pm1_image(const struct vpm *pm)
{
    return pm->status | (u64)pm->enable << PM_EN * 8 |
           (u64)(pm->control | PM1_SCI_EN) << PM_CNT * 8;
}

/* Those behind it, and a bus that nobody drives. */
static u64 gpe_image(const struct vpm *pm)
{
    return ~0ull << GUEST_GPE0_BYTES * 8 | (u64)pm->gpe_enable << 8 | pm->gpe_status;
}

static u64 pm_read(struct vdev *dev, u64 offset, unsigned size)
{
    struct vpm *pm = container_of(dev, struct vpm, dev);
    u64 value, flags;

    if (offset - PM_TMR < GUEST_PM_TMR_BYTES) /* by far the most frequent: needs no lock */
        return (u32)pm_ticks(pm) >> (offset - PM_TMR) * 8 & vdev_ones(size);
    flags = spin_lock_irqsave(&dev->lock);
    update(pm);
    if (offset < PM_TMR)
        value = pm1_image(pm) >> offset * 8;
    else
        value = gpe_image(pm) >> (offset - PM_GPE) * 8;
    spin_unlock_irqrestore(&dev->lock, flags);
    return value & vdev_ones(size);
}

/* Return: true if the guest switches itself off. */
static bool write_control(struct vpm *pm, u16 value)
{
    pm->control = value & (PM1_SLP_TYP | PM1_BM_RLD);
    return (value & PM1_SLP_EN) && FIELD_GET(PM1_SLP_TYP, value) == GUEST_SLP_TYP_S5;
}

static bool write_byte(struct vpm *pm, u64 offset, u8 value)
{
    unsigned shift = offset % 2 * 8;
    u16 mask = (u16)(0xffu << shift);
    u16 word = (u16)((unsigned)value << shift);

    if (offset < PM_EN)
        pm->status &= (u16)~word; /* write 1 to clear */
    else if (offset < PM_CNT)
        pm->enable = (u16)(((pm->enable & ~mask) | word) & PM1_EN_WRITABLE);
    else if (offset < PM_CNT + GUEST_PM1A_CNT_BYTES)
        return write_control(pm, (u16)((pm->control & ~mask) | word));
    else if (offset == PM_GPE)
        pm->gpe_status &= (u8)~value;
    else if (offset == PM_GPE + GUEST_GPE0_BYTES / 2)
        pm->gpe_enable = value & GPE_KNOWN;
    return false;
}

static void pm_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpm *pm = container_of(dev, struct vpm, dev);
    u64 flags = spin_lock_irqsave(&dev->lock);
    bool is_off = false;

    for (unsigned i = 0; i < size; i++)
        is_off |= write_byte(pm, offset + i, (u8)(value >> i * 8));
    update(pm);
    spin_unlock_irqrestore(&dev->lock, flags);
    if (is_off)
        vm_stop(dev->vm, VM_STOP_POWEROFF);
}

static u64 kbc_read(struct vdev *dev, u64 offset, unsigned size)
{
    (void)dev;
    (void)offset;
    return vdev_ones(size);
}

static void kbc_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    (void)offset;
    if (size == 1 && (u8)value == KBC_PULSE_RESET)
        vm_stop(dev->vm, VM_STOP_RESET);
}

static u64 fast_read(struct vdev *dev, u64 offset, unsigned size)
{
    const struct vpm *pm = container_of(dev, struct vpm, dev);

    (void)offset;
    return size == 1 ? pm->fast : vdev_ones(size);
}

/* Spec: ICH "PORT92 - Fast A20 and Init Register". A20 itself is always open. */
static void fast_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    struct vpm *pm = container_of(dev, struct vpm, dev);
    u64 flags;
    bool is_rising;

    (void)offset;
    if (size != 1)
        return;
    flags = spin_lock_irqsave(&dev->lock);
    is_rising = (value & FAST_RESET) && !(pm->fast & FAST_RESET);
    pm->fast = (u8)(value & (FAST_RESET | FAST_A20));
    spin_unlock_irqrestore(&dev->lock, flags);
    if (is_rising)
        vm_stop(dev->vm, VM_STOP_RESET);
}

static const struct bus_ops pm_ops = {.read = pm_read, .write = pm_write};
static const struct bus_ops kbc_ops = {.read = kbc_read, .write = kbc_write};
static const struct bus_ops fast_ops = {.read = fast_read, .write = fast_write};

static void vpm_reset(struct vdev *dev)
{
    struct vpm *pm = container_of(dev, struct vpm, dev);
    u64 flags = spin_lock_irqsave(&dev->lock);

    pm->status = 0;
    pm->enable = 0;
    pm->control = 0;
    pm->gpe_status = 0;
    pm->gpe_enable = 0;
    pm->fast = FAST_A20;
    pm->halves_seen = pm_ticks(pm) / PM_TMR_HALF;
    update(pm);
    spin_unlock_irqrestore(&dev->lock, flags);
    timer_cancel(&pm->timer);
}

static void vpm_fini(struct vdev *dev)
{
    struct vpm *pm = container_of(dev, struct vpm, dev);

    timer_cancel(&pm->timer);
    kfree(pm);
}

static const struct vdev_ops vpm_ops = {.reset = vpm_reset, .fini = vpm_fini};

int vpm_create(struct vm *vm)
{
    struct vpm *pm = kzalloc(sizeof(*pm));
    int err;

    if (!pm)
        return -ENOMEM;
    vdev_attach(vm, &pm->dev, "vpm", &vpm_ops);
    timer_init(&pm->timer, on_half, pm);
    vpm_reset(&pm->dev);
    err = bus_add(&vm->pio, GUEST_PM1A_EVT, GUEST_PM_BYTES, &pm_ops, &pm->dev);
    if (!err)
        err = bus_add(&vm->pio, KBC_PORT, 1, &kbc_ops, &pm->dev);
    if (!err)
        err = bus_add(&vm->pio, FAST_PORT, 1, &fast_ops, &pm->dev);
    return err;
}

static struct vpm *find_pm(const struct vm *vm)
{
    struct vdev *dev = vm->devices;

    while (dev && dev->ops != &vpm_ops)
        dev = dev->next;
    return dev ? container_of(dev, struct vpm, dev) : NULL;
}

static void raise(struct vm *vm, u16 status, u8 gpe_status)
{
    struct vpm *pm = find_pm(vm);
    u64 flags;

    if (!pm)
        return;
    flags = spin_lock_irqsave(&pm->dev.lock);
    pm->status |= status;
    pm->gpe_status |= gpe_status;
    update(pm);
    spin_unlock_irqrestore(&pm->dev.lock, flags);
}

void vpm_power_button(struct vm *vm)
{
    raise(vm, PM1_PWRBTN, 0);
}

void vpm_gpe(struct vm *vm, unsigned gpe)
{
    raise(vm, 0, (u8)BIT(gpe));
}
