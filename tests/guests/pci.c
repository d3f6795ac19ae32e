/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is there a PCI bus, both ways into its configuration space, with BARs that are sized
 * and moved, and do interrupts of a virtio device come by MSI-X and by line? Manual: PCI Local
 * Bus 3.0; Virtio 1.2, 4.1 "Virtio Over PCI Bus". A failure leaves guests without disk and network.
 */
#include "tests/guests/lib/virtio.h"

#define VECTOR_MSI  0x61u
#define VECTOR_LINE 0x62u
#define BYTES       64u

static struct queue queue;
static u8 data[BYTES];
static struct virtio rng = {.queue = &queue};
static volatile u32 messages, lines;

static void on_message(struct trap *t)
{
    (void)t;
    messages++;
    lapic_write(LAPIC_EOI, 0);
}

static void on_line(struct trap *t)
{
    (void)t;
    lines += mmio_read8(rng.isr) & 1;
    lapic_write(LAPIC_EOI, 0);
}

static u32 by_port(u32 slot, u32 reg)
{
    outl(0xcf8, 0x80000000u | slot << 11 | reg);
    return inl(0xcfc);
}

static void check_configuration(void)
{
    u32 slot = (u32)(rng.config - ECAM) >> 15;

    EXPECT_EQ(by_port(0, 8) >> 16, 0x0600); /* a host bridge */
    EXPECT_EQ(by_port(slot, 0), VIRTIO_RNG);
    EXPECT_EQ(by_port(31, 0), 0xffffffff);
    EXPECT_EQ(mmio_read(ECAM + (31 << 15)), 0xffffffff);
    EXPECT_EQ(inb(0xcfe), mmio_read8(ECAM + (31 << 15) + 2));
}

static void move_to(u64 bar)
{
    mmio_write16(rng.config + PCI_COMMAND, 0);
    mmio_write(rng.config + PCI_BAR0, (u32)bar);
    mmio_write(rng.config + PCI_BAR0 + 4, (u32)(bar >> 32));
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER);
    virtio_locate(&rng);
    EXPECT_EQ(rng.bar, bar);
}

static void check_bar(void)
{
    u64 first = rng.bar;
    u32 size;

    mmio_write(rng.config + PCI_BAR0, 0xffffffff);
    size = ~(mmio_read(rng.config + PCI_BAR0) & ~0xfu) + 1;
    EXPECT(size >= 0x1000 && (size & (size - 1)) == 0);
    mmio_write(rng.config + PCI_BAR0, (u32)first);
    for (u64 bar = 0xc1000000; bar < 0xe0000000; bar += 0x07000000) {
        u64 before = rng.common;

        move_to(bar);
        EXPECT_EQ(mmio_read8(rng.common + V_STATUS), 0);
        EXPECT_EQ(mmio_read16(rng.common + 0x12), 1); /* its queues */
        EXPECT_EQ(mmio_read(before), 0xffffffff);
    }
    mmio_write16(rng.config + PCI_COMMAND, CMD_MASTER);
    EXPECT_EQ(mmio_read(rng.common), 0xffffffff);
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER);
}

/* One request; its interrupt must raise *count to `expected`. */
static void request(volatile u32 *count, u32 expected)
{
    u32 start = inl(PM_TIMER);
    u16 used = virtio_used(&rng);
    u32 sum = 0;

    for (u32 i = 0; i < BYTES; i++)
        data[i] = 0;
    queue.table[0] = (struct descriptor){(u64)data, BYTES, D_WRITE, 0};
    virtio_add(&rng, 0);
    EXPECT(virtio_wait_used(&rng, (u16)(used + 1)));
    EXPECT_EQ(queue.device[1 + 2 * (used % QUEUE_SIZE)], 0);
    EXPECT_EQ(queue.device[2 + 2 * (used % QUEUE_SIZE)], BYTES);
    for (u32 i = 0; i < BYTES; i++)
        sum += ((volatile u8 *)data)[i] != 0;
    EXPECT(sum > BYTES / 2);
    sti();
    while (*count != expected && inl(PM_TIMER) - start < 2 * PM_TIMER_HZ)
        __asm__ volatile("pause");
    cli();
    EXPECT_EQ(*count, expected);
}

static u64 table(void)
{
    return rng.bar + (mmio_read(rng.config + rng.msix + 4) & ~7u);
}

static u64 pending(void)
{
    return rng.bar + (mmio_read(rng.config + rng.msix + 8) & ~7u);
}

static void check_messages(void)
{
    on_trap(VECTOR_MSI, on_message);
    mmio_write16(rng.config + rng.msix + 2, 0x8000);
    EXPECT_EQ(virtio_start(&rng, F_VERSION_1), READY);
    mmio_write16(rng.common + V_QUEUE_VECTOR, 1);
    mmio_write(table() + 16, (u32)LAPIC_BASE);
    mmio_write(table() + 20, 0);
    mmio_write(table() + 24, VECTOR_MSI);
    mmio_write(table() + 28, 0);
    request(&messages, 1);
    request(&messages, 2);
    mmio_write(table() + 28, 1); /* this vector masked */
    request(&messages, 2);
    EXPECT_EQ(mmio_read(pending()), 2);
    mmio_write(table() + 28, 0);
    EXPECT_EQ(mmio_read(pending()), 0);
    sti();
    __asm__ volatile("nop");
    cli();
    EXPECT_EQ(messages, 3);
    mmio_write16(rng.config + rng.msix + 2, 0xc000); /* all of them */
    request(&messages, 3);
    EXPECT_EQ(mmio_read(pending()), 2);
    mmio_write16(rng.config + rng.msix + 2, 0x8000);
    sti();
    __asm__ volatile("nop");
    cli();
    EXPECT_EQ(messages, 4);
    EXPECT_EQ(mmio_read8(rng.isr), 0);
}

static void check_line(void)
{
    u32 line = mmio_read8(rng.config + PCI_LINE);

    on_trap(VECTOR_LINE, on_line);
    mmio_write16(rng.config + rng.msix + 2, 0);
    ioapic_write(0x11 + 2 * line, 0);
    ioapic_write(0x10 + 2 * line, 0x8000 | VECTOR_LINE); /* level */
    EXPECT_EQ(virtio_start(&rng, F_VERSION_1 | F_EVENT_IDX), READY);
    for (u32 i = 1; i <= 3; i++) {
        queue.driver[2 + QUEUE_SIZE] = virtio_used(&rng);
        request(&lines, i);
    }
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    queue.driver[2 + QUEUE_SIZE] = virtio_used(&rng);
    request(&lines, 3);
    EXPECT(mmio_read(rng.config + PCI_COMMAND) & 0x80000); /* interrupt status */
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER);
    sti();
    __asm__ volatile("nop");
    cli();
    EXPECT_EQ(lines, 4);
}

static void check_bus_mastering(void)
{
    EXPECT_EQ(virtio_start(&rng, F_VERSION_1), READY);
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY);
    queue.table[0] = (struct descriptor){(u64)data, BYTES, D_WRITE, 0};
    virtio_add(&rng, 0);
    EXPECT_EQ(virtio_used(&rng), 0);
    mmio_write16(rng.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER);
    mmio_write16(rng.notify, 0);
    EXPECT(virtio_wait_used(&rng, 1));
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    EXPECT_EQ(by_port(0, 8) >> 16, 0x0600);
    if (!virtio_find(&rng, VIRTIO_RNG))
        skip("no virtio-rng: the host's CPU has no RDRAND");
    check_configuration();
    check_bar();
    check_messages();
    check_line();
    check_bus_mastering();
}
