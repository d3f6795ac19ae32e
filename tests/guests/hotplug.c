/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: what can a guest do to the hot-plug of its PCI bus, and what if it does not play along?
 * A letter on the console says what to do next: e gives up what it is asked for, o all the others,
 * h touches the registers in every odd way, s shows what they say and which slots have something.
 * Manual: ACPI 6.4 "Device Insertion, Removal, and Status Objects".
 */
#include "tests/guests/lib/virtio.h"

#define GPE_STATUS 0x60cu
#define GPE_ENABLE 0x60du
#define CHECK      0x610u
#define WANTED     0x614u
#define EJECT      0x618u
#define END        0x61cu

static u32 filled_slots(void)
{
    u32 slots = 0;

    for (u32 slot = 0; slot < PCI_SLOTS; slot++) {
        if (mmio_read(ECAM + ((u64)slot << 15)) != ~0u)
            slots |= 1u << slot;
    }
    return slots;
}

static void hammer(void)
{
    for (u32 round = 0; round < 2000; round++) {
        u16 port = (u16)(GPE_STATUS + round % (END - GPE_STATUS));

        (void)inb(port);
        (void)inw(port);
        outb(port, (u8)round);
        outw(port, (u16)(round * 257));
        if (port < CHECK || port > EJECT)
            continue;
        outl(CHECK, round);
        outl(WANTED, ~round);
        (void)inl(EJECT);
    }
    outb(GPE_ENABLE, 0xff);
}

/* Reading forgets what is to be checked. */
static void show(void)
{
    u8 status = inb(GPE_STATUS);
    u32 check = inl(CHECK);

    outb(GPE_STATUS, 0xff);
    print("event %x check %x wanted %x slots %x\n", status, check, inl(WANTED), filled_slots());
}

static void act(char letter)
{
    switch (letter) {
    case 'e':
        outl(EJECT, inl(WANTED));
        break;
    case 'o':
        outl(EJECT, ~inl(WANTED));
        break;
    case 'h':
        hammer();
        break;
    case 's':
        show();
        break;
    default:
        return;
    }
    print("done %c\n", letter);
}

void guest_main(void)
{
    u32 before = filled_slots();

    outl(EJECT, ~0u);
    EXPECT_EQ(filled_slots(), before);
    print("hotplug ready\n");
    for (;;) {
        if (inb(COM1 + 5) & 1)
            act((char)inb(COM1));
    }
}
