/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs the redirection tables of the host's IOAPICs. */
#include "core/x86/ioapic.h"

#include "core/lib/errno.h"
#include "core/x86/ioapic_regs.h"
#include "core/x86/spinlock.h"

#define REG_VERSION      1u
#define REG_TABLE(pin)   (0x10u + 2 * (pin)) /* low half; the high one follows */
#define VERSION_LAST_PIN 0x00ff0000u
#define ABSENT           0xffffffffu

/* Low half; delivery mode fixed and destination mode physical are 0. */
#define ENTRY_ACTIVE_LOW  0x02000u
#define ENTRY_LEVEL       0x08000u
#define ENTRY_MASKED      0x10000u
#define DESTINATION_SHIFT 24
#define APIC_ID_LAST      0xfeu /* 0xff: all CPUs */

struct ioapic {
    volatile u32 *registers;
    u32 gsi_base;
    u32 pins;
};

static struct spinlock lock = SPINLOCK_INIT("IOAPIC", LOCK_HARDWARE); /* register accesses */
static struct ioapic ioapics[IOAPICS_MAX];                            /* constant after boot */
static u32 ioapic_count;

int ioapic_add(volatile void *registers, u32 gsi_base)
{
    struct ioapic *a = &ioapics[ioapic_count];
    u32 version;

    if (ioapic_count == IOAPICS_MAX)
        return -ENOSPC;
    version = ioapic_read(registers, REG_VERSION);
    if (version == ABSENT)
        return -ENODEV;
    *a = (struct ioapic){registers, gsi_base, (u32)FIELD_GET(VERSION_LAST_PIN, version) + 1};
    for (u32 pin = 0; pin < a->pins; pin++)
        ioapic_write(registers, REG_TABLE(pin), ENTRY_MASKED);
    ioapic_count++;
    return 0;
}

static const struct ioapic *ioapic_of(u32 gsi)
{
    for (u32 i = 0; i < ioapic_count; i++) {
        if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].pins)
            return &ioapics[i];
    }
    return NULL;
}

int ioapic_set_route(u32 gsi, const struct ioapic_route *route)
{
    const struct ioapic *a = ioapic_of(gsi);
    u32 reg, low = ENTRY_MASKED | route->vector;
    u64 flags;

    if (a == NULL)
        return -ENODEV;
    if (route->apic_id > APIC_ID_LAST)
        return -ERANGE;
    low |= route->is_active_low ? ENTRY_ACTIVE_LOW : 0;
    low |= route->is_level ? ENTRY_LEVEL : 0;
    reg = REG_TABLE(gsi - a->gsi_base);
    flags = spin_lock_irqsave(&lock);
    ioapic_write(a->registers, reg, low); /* masked first: the halves change one by one */
    ioapic_write(a->registers, reg + 1, route->apic_id << DESTINATION_SHIFT);
    spin_unlock_irqrestore(&lock, flags);
    return 0;
}

static void set_mask(u32 gsi, bool is_masked)
{
    const struct ioapic *a = ioapic_of(gsi);
    u32 reg, low;
    u64 flags;

    if (a == NULL)
        return;
    reg = REG_TABLE(gsi - a->gsi_base);
    flags = spin_lock_irqsave(&lock);
    low = ioapic_read(a->registers, reg) & ~ENTRY_MASKED;
    ioapic_write(a->registers, reg, low | (is_masked ? ENTRY_MASKED : 0));
    spin_unlock_irqrestore(&lock, flags);
}

void ioapic_mask(u32 gsi)
{
    set_mask(gsi, true);
}

void ioapic_unmask(u32 gsi)
{
    set_mask(gsi, false);
}
