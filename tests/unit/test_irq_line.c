/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/irq_line.c tests/fakes/log.c */
/* Shared interrupt lines: all handlers run, a line nobody claims is turned off, all is given back.
 */
#include "tests/unit/harness.h"

#include "core/kern/irq.h"
#include "core/lib/errno.h"
#include "core/x86/ioapic.h"

#define GSIS 24

static irq_handler handlers[256];
static void *args[256];
static struct ioapic_route routes[GSIS];
static bool is_unmasked[GSIS];
static u32 vectors_used;

int irq_alloc(u32 pcpu, irq_handler handler, void *arg, u8 *vector, u32 *apic_id)
{
    CHECK_EQ(pcpu, 0);
    *vector = (u8)(0x30 + vectors_used++);
    *apic_id = 5;
    handlers[*vector] = handler;
    args[*vector] = arg;
    return 0;
}

void irq_free(u32 pcpu, u8 vector)
{
    (void)pcpu;
    CHECK(handlers[vector] != NULL);
    handlers[vector] = NULL;
    vectors_used--;
}

int ioapic_set_route(u32 gsi, const struct ioapic_route *route)
{
    if (gsi >= GSIS)
        return -ENODEV;
    routes[gsi] = *route;
    is_unmasked[gsi] = false;
    return 0;
}

void ioapic_mask(u32 gsi)
{
    is_unmasked[gsi] = false;
}

void ioapic_unmask(u32 gsi)
{
    is_unmasked[gsi] = true;
}

struct device {
    bool is_raising;
    u32 calls;
};

static bool handler(void *arg)
{
    struct device *dev = arg;
    bool was_raising = dev->is_raising;

    dev->is_raising = false;
    dev->calls++;
    return was_raising;
}

static void interrupt(u32 gsi)
{
    (void)handlers[routes[gsi].vector](args[routes[gsi].vector]);
}

TEST(two_devices_share_a_line)
{
    const struct irq_line line = {.gsi = 11, .is_level = true};
    const struct irq_line other = {.gsi = 11};
    struct device a = {0}, b = {0};

    CHECK_EQ(irq_line_attach(&line, handler, &a), 0);
    CHECK(is_unmasked[11] && routes[11].is_level && !routes[11].is_active_low);
    CHECK_EQ(routes[11].apic_id, 5);
    CHECK_EQ(irq_line_attach(&line, handler, &b), 0);
    CHECK_EQ(irq_line_attach(&other, handler, &b), -EBUSY); /* edge and level on one pin */
    CHECK_EQ(vectors_used, 1);
    a.is_raising = b.is_raising = true;
    interrupt(11);
    CHECK(!a.is_raising && !b.is_raising);
    irq_line_detach(11, handler, &a);
    CHECK(is_unmasked[11]);
    interrupt(11);
    CHECK_EQ(a.calls, 1);
    CHECK_EQ(b.calls, 2);
    irq_line_detach(11, handler, &a); /* not there any more */
    irq_line_detach(11, handler, &b);
    CHECK(!is_unmasked[11]);
    CHECK_EQ(vectors_used, 0);
}

TEST(a_stuck_line_is_turned_off)
{
    const struct irq_line line = {.gsi = 10, .is_level = true, .is_active_low = true};
    struct device a = {0};
    u32 count = 0;

    CHECK_EQ(irq_line_attach(&line, handler, &a), 0);
    CHECK(routes[10].is_active_low);
    for (u32 i = 0; i < 5000; i++) { /* every other one is claimed: the line is busy, not stuck */
        a.is_raising = i % 2 != 0;
        interrupt(10);
    }
    CHECK(is_unmasked[10]);
    for (; is_unmasked[10] && count < 5000; count++)
        interrupt(10);
    CHECK_EQ(count, 1000);
    irq_line_detach(10, handler, &a);
}

TEST(what_cannot_be_attached_leaves_nothing_behind)
{
    struct irq_line line = {.gsi = GSIS};
    struct device a = {0};
    u32 users = 0;

    CHECK_EQ(irq_line_attach(&line, handler, &a), -ENODEV);
    CHECK_EQ(vectors_used, 0);
    line.gsi = 3;
    while (users < 100 && irq_line_attach(&line, handler, &a) == 0)
        users++;
    CHECK(users > 3 && users < 100);
    CHECK_EQ(vectors_used, 1);
    while (users-- > 0)
        irq_line_detach(3, handler, &a);
    CHECK_EQ(vectors_used, 0);
    for (line.gsi = 0; line.gsi < GSIS && irq_line_attach(&line, handler, &a) == 0; line.gsi++)
        users++;
    CHECK(line.gsi < GSIS);
    while (line.gsi-- > 0)
        irq_line_detach(line.gsi, handler, &a);
    CHECK_EQ(vectors_used, 0);
}
