/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: how soon does a guest that sleeps most of the time run again when its timer calls? The
 * host's metrics answer; the guest only takes a hundred naps.
 * Manual: APM vol. 2 "Local APIC Timer". A failure hangs it: wake-ups are lost.
 */
#include "tests/guests/lib/guest.h"

#define NAPS         100u
#define NAP_TICKS    1000000u
#define TIMER_VECTOR 0x40u

static volatile u32 woken;

static void on_timer(struct trap *t)
{
    (void)t;
    woken++;
    lapic_write(LAPIC_EOI, 0);
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    on_trap(TIMER_VECTOR, on_timer);
    lapic_write(LAPIC_LVT_TIMER, TIMER_VECTOR);
    for (u32 i = 1; i <= NAPS; i++) {
        lapic_write(LAPIC_TIMER_ICR, NAP_TICKS);
        while (woken < i)
            sti_hlt_cli();
    }
}
