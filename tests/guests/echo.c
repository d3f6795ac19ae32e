/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does console input reach the guest by interrupt, and does an idle guest cost nothing?
 * It halts between bytes and answers each line in brackets, and an NMI by "nmi"; "quit" switches
 * it off.
 */
#include "tests/guests/lib/guest.h"

static char line[80];
static unsigned used;

static void on_uart(struct trap *t)
{
    (void)t;
    while (inb(COM1 + 5) & 1) {
        char c = (char)inb(COM1);

        if (c == '\n' || c == '\r') {
            line[used] = '\0';
            print("[%s]\n", line);
            if (used == 4 && line[0] == 'q' && line[1] == 'u' && line[2] == 'i' && line[3] == 't')
                power_off();
            used = 0;
        } else if (used < sizeof line - 1) {
            line[used++] = c;
        }
    }
    lapic_write(LAPIC_EOI, 0);
}

static void on_nmi(struct trap *t)
{
    (void)t;
    print("nmi\n");
}

void guest_main(void)
{
    on_trap(2, on_nmi);
    pic_disable();
    lapic_enable();
    on_trap(0x44, on_uart);
    ioapic_write(0x19, 0); /* pin 4 */
    ioapic_write(0x18, 0x44);
    outb(COM1 + 1, 0x01); /* interrupt on received data */
    outb(COM1 + 4, 0x0b); /* DTR, RTS, OUT2 */
    print("echo ready\n");
    for (;;)
        sti_hlt_cli();
}
