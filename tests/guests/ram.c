/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is all memory zero at power-on, and is it all there? Failure: what another VM left can be read.
 * Afterwards every word holds a value that says so, for the next one to look for.
 */
#include "tests/guests/lib/guest.h"

#define FIRST ((u64)4 << 20) /* this program and what it was given are below */
#define MARK  ((u64)0x0badf00d << 32)

/* Memory above 16 MiB in units of 64 KiB: the PC's CMOS. */
static u64 top_of_ram(void)
{
    u64 units;

    outb(0x70, 0x34);
    units = inb(0x71);
    outb(0x70, 0x35);
    units |= (u64)inb(0x71) << 8;
    return ((u64)16 << 20) + (units << 16);
}

void guest_main(void)
{
    u64 *first = (u64 *)FIRST, *end = (u64 *)top_of_ram();

    for (u64 *p = first; p < end; p++) {
        if (*p)
            failure("0x%lx holds 0x%lx", (u64)p, *p);
    }
    for (u64 *p = first; p < end; p++)
        *p = MARK | (u32)(u64)p;
    for (u64 *p = first; p < end; p++) {
        if (*p != (MARK | (u32)(u64)p))
            failure("0x%lx lost its word: 0x%lx", (u64)p, *p);
    }
    print("%lu MiB looked at\n", ((u64)end - FIRST) >> 20);
}
