/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a driver that breaks every rule of virtio and PCI get a device that wants a reset,
 * and nothing else? Manual: Virtio 1.2, 2.7 "Split Virtqueues". A failure would be a guest that
 * reaches out of its memory, or hangs a host's CPU.
 */
#include "tests/guests/lib/virtio.h"

#define ROUNDS 2000u
#define BEYOND 0xb0000000ull /* no RAM here, below the hole */

static struct queue queue;
static struct descriptor indirect[QUEUE_SIZE + 1] __attribute__((aligned(16)));
static u8 data[4096];
static struct virtio rng = {.queue = &queue};
static u64 seed = 0x9e3779b97f4a7c15ull;

/* The device still serves a driver that behaves. */
static void expect_alive(void)
{
    EXPECT_EQ(virtio_start(&rng, F_VERSION_1 | F_INDIRECT), READY);
    queue.table[0] = (struct descriptor){(u64)data, 16, D_WRITE, 0};
    virtio_add(&rng, 0);
    EXPECT(virtio_wait_used(&rng, 1));
}

static void begin(void)
{
    EXPECT_EQ(virtio_start(&rng, F_VERSION_1 | F_INDIRECT), READY);
}

static void expect_refused(u16 head)
{
    virtio_add(&rng, head);
    EXPECT_EQ(mmio_read8(rng.common + V_STATUS), READY | NEEDS_RESET);
    EXPECT_EQ(virtio_used(&rng), 0);
    expect_alive();
}

static void refuse_descriptor(u64 address, u32 bytes, u16 flags, u16 next)
{
    begin();
    queue.table[0] = (struct descriptor){address, bytes, flags, next};
    expect_refused(0);
}

static void break_rings(void)
{
    begin();
    expect_refused(QUEUE_SIZE);
    begin();
    expect_refused(0xffff);
    begin();
    queue.driver[1] = QUEUE_SIZE; /* and one more by expect_refused */
    expect_refused(0);
    begin();
    for (u16 i = 0; i < QUEUE_SIZE; i++) /* a loop */
        queue.table[i] =
            (struct descriptor){(u64)data, 1, D_NEXT | D_WRITE, (u16)((i + 1) % QUEUE_SIZE)};
    expect_refused(0);
    refuse_descriptor((u64)data, 1, D_NEXT | D_WRITE, 0);
    refuse_descriptor((u64)data, 1, D_NEXT | D_WRITE, QUEUE_SIZE);
    refuse_descriptor(BEYOND, 16, D_WRITE, 0);
    refuse_descriptor(ECAM, 16, D_WRITE, 0);
    refuse_descriptor(LAPIC_BASE, 16, D_WRITE, 0);
    refuse_descriptor(rng.bar, 16, D_WRITE, 0);
    refuse_descriptor(1ull << 40, 16, D_WRITE, 0);
    refuse_descriptor(~0ull, 2, D_WRITE, 0);
    refuse_descriptor((u64)data, 0xffffffff, D_WRITE, 0);
}

static void break_indirect(void)
{
    for (u32 i = 0; i <= QUEUE_SIZE; i++)
        indirect[i] = (struct descriptor){(u64)data, 1, D_NEXT | D_WRITE, (u16)(i + 1)};
    refuse_descriptor((u64)indirect, 0, D_INDIRECT, 0);
    refuse_descriptor((u64)indirect, 17, D_INDIRECT, 0);
    refuse_descriptor((u64)indirect, QUEUE_SIZE * 16, D_INDIRECT, 0); /* leads behind its end */
    refuse_descriptor((u64)indirect, (QUEUE_SIZE + 1) * 16, D_INDIRECT, 0);
    refuse_descriptor(BEYOND, 16, D_INDIRECT, 0);
    indirect[0].flags = D_INDIRECT;
    refuse_descriptor((u64)indirect, 16, D_INDIRECT, 0);
    indirect[0].flags = D_NEXT | D_WRITE;
    indirect[0].next = 0;
    refuse_descriptor((u64)indirect, 16, D_INDIRECT, 0);
}

static void misplace_part(u32 reg, u64 address)
{
    begin();
    mmio_write8(rng.common + V_STATUS, 0);
    mmio_write8(rng.common + V_STATUS, 3);
    mmio_write(rng.common + V_ACCEPTED_SELECT, 1);
    mmio_write(rng.common + V_ACCEPTED, 1);
    mmio_write8(rng.common + V_STATUS, 0xb);
    mmio_write16(rng.common + V_QUEUE_SIZE, QUEUE_SIZE);
    mmio_write(rng.common + V_DESCRIPTORS, (u32)(u64)queue.table);
    mmio_write(rng.common + V_DRIVER, (u32)(u64)queue.driver);
    mmio_write(rng.common + V_DEVICE, (u32)(u64)queue.device);
    mmio_write(rng.common + reg, (u32)address);
    mmio_write(rng.common + reg + 4, (u32)(address >> 32));
    mmio_write16(rng.common + V_QUEUE_ENABLE, 1);
    mmio_write8(rng.common + V_STATUS, READY);
    EXPECT_EQ(mmio_read8(rng.common + V_STATUS), READY | NEEDS_RESET);
    mmio_write16(rng.notify, 0);
    expect_alive();
}

static void misplace_parts(void)
{
    static const u64 places[] = {BEYOND, ECAM, LAPIC_BASE, 1ull << 52, ~0ull << 4, 0x1001};

    for (u32 part = 0; part < 3; part++)
        for (u32 i = 0; i < sizeof(places) / sizeof(places[0]); i++)
            misplace_part(V_DESCRIPTORS + 8 * part, places[i]);
}

/* Messages to anywhere: none may arrive, and the VM must live. */
static void send_nonsense(void)
{
    static const u32 addresses[] = {0,         0x1000,           (u32)BEYOND,
                                    (u32)ECAM, (u32)IOAPIC_BASE, 0xfee55000};
    u64 table = rng.bar + (mmio_read(rng.config + rng.msix + 4) & ~7u);

    mmio_write16(rng.config + rng.msix + 2, 0x8000);
    for (u32 i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        begin();
        mmio_write16(rng.common + V_QUEUE_VECTOR, 0);
        mmio_write(table, addresses[i]);
        mmio_write(table + 4, i % 2);
        mmio_write(table + 8, 0xffffff61);
        mmio_write(table + 12, 0xfffffffe);
        queue.table[0] = (struct descriptor){(u64)data, 16, D_WRITE, 0};
        virtio_add(&rng, 0);
        EXPECT(virtio_wait_used(&rng, 1));
    }
    for (u32 i = 0; i < 0x1000; i += 4) /* the table, what is behind it, the pending bits */
        mmio_write(table + i, random_next(&seed));
    mmio_write16(rng.config + rng.msix + 2, 0);
}

/* Registers at random, the BAR included; then the device is put together again. */
static void storm(void)
{
    u64 bar = rng.bar;

    for (u32 i = 0; i < ROUNDS; i++) {
        u32 value = random_next(&seed);

        switch (random_next(&seed) % 4) {
        case 0:
            mmio_write(rng.config + random_next(&seed) % 0x400 * 4, value);
            break;
        case 1:
            mmio_write8(rng.config + random_next(&seed) % 0x100, (u8)value);
            break;
        case 2: /* never as a message that could be an INIT: MSI-X stays off below */
            mmio_write(rng.bar + random_next(&seed) % 0x800 * 4, value);
            break;
        default:
            mmio_write16(rng.bar + random_next(&seed) % 0x40 * 2, (u16)value);
        }
        mmio_write16(rng.config + rng.msix + 2, 0);
        mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_INTX_OFF | (value & CMD_MASTER));
    }
    mmio_write(rng.config + PCI_BAR0, (u32)bar);
    mmio_write(rng.config + PCI_BAR0 + 4, (u32)(bar >> 32));
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    virtio_locate(&rng);
    EXPECT_EQ(rng.bar, bar);
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    if (!virtio_find(&rng, VIRTIO_RNG))
        skip("no virtio-rng: the host's CPU has no RDRAND");
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    expect_alive();
    break_rings();
    break_indirect();
    misplace_parts();
    send_nonsense();
    expect_alive();
    storm();
    expect_alive();
}
