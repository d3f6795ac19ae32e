/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can a guest harm anyone by touching every port with every width, and device memory at
 * odd places? Manual: SECURITY classes 4 and 7. Only this VM may suffer; reading nothing gives
 * ones.
 */
#include "tests/guests/lib/guest.h"

static bool is_spared(u32 port)
{
    /* Writing these ends this VM by design (power, reset) or its console. */
    return (port >= PM1A_EVT - 4 && port < PM_TIMER + 4) || (port >= 0xcf5 && port <= 0xcf9) ||
           (port >= 0x5d && port <= 0x64) || (port >= 0x8d && port <= 0x92) ||
           (port >= COM1 - 4 && port < COM1 + 8);
}

static void sweep_ports(u32 first, u32 last)
{
    for (u32 port = first; port <= last; port++) {
        (void)inb((u16)port);
        (void)inw((u16)port);
        (void)inl((u16)port);
        if (is_spared(port))
            continue;
        outb((u16)port, 0xff);
        outw((u16)port, 0xffff);
        outl((u16)port, 0xffffffff);
        outl((u16)port, 0);
    }
}

static void poke(void *arg)
{
    volatile u8 *p = arg;

    (void)*p;
    (void)*(volatile u16 *)p;
    (void)*(volatile u64 *)p;
    *p = 0xff;
    *(volatile u16 *)p = 0xffff;
    *(volatile u64 *)p = ~0ull;
}

void guest_main(void)
{
    sweep_ports(0, 0x1ff);
    sweep_ports(0x3e0, 0x6ff);
    sweep_ports(0xce0, 0xd10);
    sweep_ports(0xffe0, 0xffff);
    for (u64 a = 0; a < 0x40; a++)
        (void)catch_trap(poke, (void *)(IOAPIC_BASE + a));
    for (u64 a = 0; a < 0x400; a += 7)
        (void)catch_trap(poke, (void *)(LAPIC_BASE + a));
    (void)catch_trap(poke, (void *)(LAPIC_BASE + 0xffc)); /* across the page's end */
    (void)catch_trap(poke, (void *)(LAPIC_BASE - 4));
    (void)catch_trap(poke, (void *)0xfffffff0ull);
}
