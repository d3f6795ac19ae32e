/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a guest that asks for a reset start again from its image, with clean memory?
 * It resets once; the CMOS, which keeps its bytes over a warm reset on real boards, is not relied
 * on: the console log shows both starts, and the second one is told by the host's own count.
 */
#include "tests/guests/lib/guest.h"

static volatile u32 in_memory;

void guest_main(void)
{
    print("memory word %u\n", in_memory);
    if (in_memory != 0)
        failure("memory kept 0x%x over a reset", in_memory);
    in_memory = 1;
    print("started\n");
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    for (;;)
        __asm__ volatile("hlt");
}
