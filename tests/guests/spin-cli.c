/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a guest that spins with interrupts off delay anyone else, and can it be stopped?
 * It never ends by itself; the test powers it off from outside.
 */
#include "tests/guests/lib/guest.h"

void guest_main(void)
{
    print("spinning with interrupts off\n");
    cli();
    for (;;)
        __asm__ volatile("");
}
