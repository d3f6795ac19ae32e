/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/x86/ioapic.c */
/* IOAPICs: look-up by GSI, encoding of entries, and that no entry is ever half set and unmasked. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "core/x86/ioapic.h"
#include "core/x86/ioapic_regs.h"

#include <string.h>

#define TABLE(pin) (0x10 + 2 * (pin))
#define MASKED     0x10000u

static u32 first[256], second[256]; /* registers of two IOAPICs */
static u32 high_while_unmasked;

u32 ioapic_read(volatile u32 *registers, u32 index)
{
    return registers[index];
}

void ioapic_write(volatile u32 *registers, u32 index, u32 value)
{
    if (index > 0x10 && (index & 1) != 0 && (registers[index - 1] & MASKED) == 0)
        high_while_unmasked++;
    registers[index] = value;
}

/* One life of the module for the file, as on a machine. */
TEST(absent_then_two_ioapics)
{
    static u32 absent[256];

    memset(absent, 0xff, sizeof absent);
    CHECK_EQ(ioapic_add(absent, 0), -ENODEV);
    CHECK_EQ(ioapic_set_route(0, &(struct ioapic_route){0}), -ENODEV);
    memset(first, 0x5a, sizeof first); /* firmware's routes, not masked */
    memset(second, 0x5a, sizeof second);
    first[1] = 0x00170011;
    second[1] = 0x00070011;
    CHECK_EQ(ioapic_add(first, 0), 0);
    CHECK_EQ(ioapic_add(second, 24), 0);
    for (u32 pin = 0; pin < 24; pin++)
        CHECK_EQ(first[TABLE(pin)], MASKED);
    CHECK_EQ(second[TABLE(7)], MASKED);
    CHECK_EQ(second[TABLE(8)], 0x5a5a5a5a); /* it has eight pins */
}

TEST(routes)
{
    struct ioapic_route route = {.vector = 0x31, .apic_id = 7};

    CHECK_EQ(ioapic_set_route(11, &route), 0);
    CHECK_EQ(first[TABLE(11)], MASKED | 0x31);
    CHECK_EQ(first[TABLE(11) + 1], 0x07000000);
    ioapic_unmask(11);
    CHECK_EQ(first[TABLE(11)], 0x31);
    route = (struct ioapic_route){.vector = 0x32, .is_level = true, .is_active_low = true};
    CHECK_EQ(ioapic_set_route(11, &route), 0); /* from unmasked to another route */
    CHECK_EQ(first[TABLE(11)], MASKED | 0xa000 | 0x32);
    CHECK_EQ(high_while_unmasked, 0);
    route.is_active_low = false;
    CHECK_EQ(ioapic_set_route(31, &route), 0);
    CHECK_EQ(second[TABLE(7)], MASKED | 0x8000 | 0x32);
    ioapic_unmask(31);
    CHECK_EQ(second[TABLE(7)], 0x8032);
    ioapic_mask(31);
    CHECK_EQ(second[TABLE(7)], MASKED | 0x8032);
    CHECK_EQ(ioapic_set_route(32, &route), -ENODEV);
    CHECK_EQ(ioapic_set_route(0xffffffff, &route), -ENODEV);
    route.apic_id = 255;
    CHECK_EQ(ioapic_set_route(11, &route), -ERANGE);
}
