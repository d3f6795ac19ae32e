/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a network driver that lies in rings, descriptors and headers, and changes them
 * while they are read, lose frames or its device, and nothing else? Manual: Virtio 1.2, 5.1.6
 * "Device Operation", 2.7 "Split Virtqueues". A failure would be a guest that reaches out of its
 * memory, stops net_task or another VM, or whose card does not come back after a reset.
 *
 * The card is on a network of kind nat whose gateway is 10.9.8.1: after each attack a question by
 * ARP goes out and its answer comes in.
 */
#include "tests/guests/lib/smp.h"
#include "tests/guests/lib/virtio.h"

#define VIRTIO_NET  0x10411af4u
#define RX          0u
#define TX          1u
#define HEADER      12u
#define FRAME       60u
#define SLOT        2048u /* of a buffer */
#define BEYOND      0xb0000000ull
#define F_CSUM      1u
#define F_GUEST     2u
#define RACE_ROUNDS 3000u
#define ARP_TYPE    0x0608 /* as little endian reads it */
#define ARP_REPLY   0x0200

static const u8 question[FRAME] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,  0, 0, 0,   0, 0, 8, 6, /* to all, ARP */
    0,    1,    8,    0,    6,    4,    0,  1,                     /* who has? */
    0,    0,    0,    0,    0,    0,    10, 9, 8, 200,             /* the sender: this card */
    0,    0,    0,    0,    0,    0,    10, 9, 8, 1};              /* the gateway */

static struct queue queues[2];
static struct virtio net = {.queue = queues, .queue_count = 2};
static u8 buffers[2][QUEUE_SIZE][SLOT] __attribute__((aligned(4096)));
static u8 *const frame = buffers[TX][0];
static volatile u32 is_racing;

/* Each CPU has its own, that the second one's do not depend on the first one's. */
static u64 seeds[2] = {0x9e3779b97f4a7c15ull, 0x2545f4914f6cdd1dull};

static u32 random_of(u32 cpu)
{
    seeds[cpu] ^= seeds[cpu] << 13;
    seeds[cpu] ^= seeds[cpu] >> 7;
    seeds[cpu] ^= seeds[cpu] << 17;
    return (u32)(seeds[cpu] >> 16);
}

static void begin(void)
{
    EXPECT_EQ(virtio_start(&net, F_VERSION_1 | F_INDIRECT | F_CSUM | F_GUEST), READY);
}

/* The header, all zeroes, and the question. */
static void write_question(void)
{
    for (u32 i = 0; i < HEADER; i++)
        frame[i] = 0;
    for (u32 i = 0; i < FRAME; i++)
        frame[HEADER + i] = question[i];
    for (u32 i = 0; i < 6; i++) {
        u8 mac = mmio_read8(net.device + i);

        frame[HEADER + 6 + i] = mac;
        frame[HEADER + 22 + i] = mac;
    }
}

static void give_buffers(void)
{
    for (u16 i = 0; i < QUEUE_SIZE; i++) {
        queues[RX].table[i] = (struct descriptor){(u64)buffers[RX][i], SLOT, D_WRITE, 0};
        virtio_add_to(&net, RX, i);
    }
}

static bool has_answer(void)
{
    for (u16 i = 0; i < virtio_used_of(&net, RX) && i < QUEUE_SIZE; i++) {
        const u8 *got = buffers[RX][queues[RX].device[1 + 2 * i] % QUEUE_SIZE] + HEADER;

        if (*(const u16 *)(const void *)(got + 12) == ARP_TYPE &&
            *(const u16 *)(const void *)(got + 20) == ARP_REPLY)
            return true;
    }
    return false;
}

/* The card still serves a driver that behaves. */
static void expect_alive(void)
{
    u32 start = inl(PM_TIMER);

    begin();
    give_buffers();
    write_question();
    queues[TX].table[0] = (struct descriptor){(u64)frame, HEADER + FRAME, 0, 0};
    virtio_add_to(&net, TX, 0);
    EXPECT(virtio_wait_used_of(&net, TX, 1));
    while (!has_answer())
        EXPECT(inl(PM_TIMER) - start < 5 * PM_TIMER_HZ);
}

static void expect_refused(u16 head)
{
    u32 start = inl(PM_TIMER);

    virtio_add_to(&net, TX, head);
    while (mmio_read8(net.common + V_STATUS) != (READY | NEEDS_RESET))
        EXPECT(inl(PM_TIMER) - start < 2 * PM_TIMER_HZ);
    EXPECT_EQ(virtio_used_of(&net, TX), 0);
    expect_alive();
}

static void refuse_descriptor(u64 address, u32 bytes, u16 flags, u16 next)
{
    begin();
    queues[TX].table[0] = (struct descriptor){address, bytes, flags, next};
    expect_refused(0);
}

static void break_rings(void)
{
    begin();
    expect_refused(QUEUE_SIZE);
    begin();
    queues[TX].driver[1] = QUEUE_SIZE; /* and one more by expect_refused */
    expect_refused(0);
    begin();
    for (u16 i = 0; i < QUEUE_SIZE; i++) /* a loop */
        queues[TX].table[i] =
            (struct descriptor){(u64)frame, 1, D_NEXT, (u16)((i + 1) % QUEUE_SIZE)};
    expect_refused(0);
    refuse_descriptor((u64)frame, 1, D_NEXT, QUEUE_SIZE);
    refuse_descriptor(BEYOND, HEADER + FRAME, 0, 0);
    refuse_descriptor(LAPIC_BASE, HEADER + FRAME, 0, 0);
    refuse_descriptor(net.bar, HEADER + FRAME, 0, 0);
    refuse_descriptor(~0ull, 2, 0, 0);
    refuse_descriptor((u64)frame, 0xffffffff, 0, 0);
    refuse_descriptor((u64)frame, 17, D_INDIRECT, 0);
    refuse_descriptor(BEYOND, 16, D_INDIRECT, 0);
}

/* A chain that breaks no rule of rings, but is no frame: it is lost. */
static void lose(u32 bytes, u16 flags)
{
    begin();
    queues[TX].table[0] = (struct descriptor){(u64)frame, bytes, flags, 0};
    virtio_add_to(&net, TX, 0);
    EXPECT(virtio_wait_used_of(&net, TX, 1));
    EXPECT_EQ(mmio_read8(net.common + V_STATUS), READY);
}

static void lose_lengths(void)
{
    static const u32 lengths[] = {0, 1, HEADER - 1, HEADER, HEADER + 1, HEADER + 13, 1531, 65536};

    write_question();
    for (u32 i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        lose(lengths[i], 0);
    lose(SLOT, D_WRITE);
    expect_alive();
}

/* Every field of the header at its limits and at random: checksums far outside the frame, segments
 * of nothing, headers longer than all. */
static void lie_in_headers(void)
{
    static const u8 limits[] = {0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xfe, 0xff};

    for (u32 i = 0; i < HEADER; i++) {
        for (u32 j = 0; j < sizeof(limits); j++) {
            write_question();
            frame[0] = 1; /* a checksum is wanted */
            frame[i] = limits[j];
            lose(HEADER + FRAME, 0);
        }
    }
    begin();
    for (u16 i = 1; i <= 200; i++) {
        write_question();
        for (u32 j = 0; j < HEADER; j++)
            frame[j] = (u8)random_of(0);
        queues[TX].table[0] =
            (struct descriptor){(u64)frame, HEADER + 14 + random_of(0) % FRAME, 0, 0};
        virtio_add_to(&net, TX, 0);
        EXPECT(virtio_wait_used_of(&net, TX, i));
    }
    expect_alive();
}

/* Has the gateway answer into what is in the receive queue, if older answers do not come first. */
static void ask(void)
{
    write_question();
    queues[TX].table[0] = (struct descriptor){(u64)frame, HEADER + FRAME, 0, 0};
    virtio_add_to(&net, TX, 0);
}

/* Buffers too small, not writable, elsewhere, and the rings themselves as buffers. */
static void misuse_buffers(void)
{
    static const u32 lengths[] = {0, 1, HEADER - 1, HEADER, HEADER + 1, HEADER + FRAME - 1};
    const u64 places[] = {BEYOND, net.bar, ~0ull - 100, 1ull << 40};

    for (u32 i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin();
        queues[RX].table[0] = (struct descriptor){(u64)buffers[RX][0], lengths[i], D_WRITE, 0};
        virtio_add_to(&net, RX, 0);
        ask();
        EXPECT(virtio_wait_used_of(&net, RX, 1));
        EXPECT_EQ(queues[RX].device[2] <= lengths[i], 1);
    }
    for (u32 i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        u32 start = inl(PM_TIMER);

        begin();
        queues[RX].table[0] = (struct descriptor){places[i], SLOT, D_WRITE, 0};
        virtio_add_to(&net, RX, 0);
        ask();
        while (mmio_read8(net.common + V_STATUS) != (READY | NEEDS_RESET))
            EXPECT(inl(PM_TIMER) - start < 2 * PM_TIMER_HZ);
    }
    begin();
    queues[RX].table[0] = (struct descriptor){(u64)&queues[RX], sizeof(queues[RX]), D_WRITE, 0};
    virtio_add_to(&net, RX, 0);
    ask();
    expect_alive();
}

/* Messages to anywhere while frames come and go: none may arrive, and the VM must live. */
static void send_nonsense(void)
{
    static const u32 addresses[] = {0,         0x1000,           (u32)BEYOND,
                                    (u32)ECAM, (u32)IOAPIC_BASE, 0xfee55000};
    u64 table = net.bar + (mmio_read(net.config + net.msix + 4) & ~7u);

    for (u32 i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        begin();
        mmio_write16(net.config + net.msix + 2, 0x8000);
        for (u16 q = 0; q < 2; q++) {
            mmio_write16(net.common + V_QUEUE_SELECT, q);
            mmio_write16(net.common + V_QUEUE_VECTOR, q);
            mmio_write(table + 16 * q, addresses[i]);
            mmio_write(table + 16 * q + 4, i % 2);
            mmio_write(table + 16 * q + 8, 0xffffff61);
            mmio_write(table + 16 * q + 12, 0xfffffffe);
        }
        give_buffers();
        ask();
        EXPECT(virtio_wait_used_of(&net, TX, 1));
        mmio_write16(net.common + V_QUEUE_SELECT, 1);
        mmio_write16(net.common + V_QUEUE_VECTOR, (u16)random_of(0));
        ask();
        EXPECT(virtio_wait_used_of(&net, TX, 2));
        mmio_write16(net.config + net.msix + 2, 0);
    }
    expect_alive();
}

/* The second CPU: descriptors, rings and headers never stay as they were read. Addresses are those
 * of the buffers, or where there is no RAM: this program must survive its own lies. */
static void race(void)
{
    for (;;) {
        struct queue *queue = &queues[random_of(1) % 2];
        volatile struct descriptor *d = &queue->table[random_of(1) % QUEUE_SIZE];
        u32 value = random_of(1);

        if (!__atomic_load_n(&is_racing, __ATOMIC_ACQUIRE))
            continue;
        d->address = value % 8 == 0 ? BEYOND + value : (u64)buffers[value % 2][value % QUEUE_SIZE];
        d->bytes = value % 16 == 0 ? value : value % SLOT;
        d->flags = (u16)(value >> 8) & (value % 4 == 0 ? 7 : D_NEXT | D_WRITE);
        d->next = (u16)(value >> 16) % (QUEUE_SIZE + (value % 32 == 0));
        queue->driver[2 + value % QUEUE_SIZE] = (u16)(value >> 4) % QUEUE_SIZE;
        if (value % 64 == 0)
            queue->driver[1] = (u16)(queue->driver[1] + value % 32);
        frame[value % (HEADER + FRAME)] = (u8)(value >> 24);
    }
}

/* Meanwhile the first one starts the card, rings, and starts it again when it has enough. */
static void change_under_our_feet(void)
{
    u32 broken = 0;

    for (u32 i = 0; i < RACE_ROUNDS; i++) {
        bool is_broken = (mmio_read8(net.common + V_STATUS) & NEEDS_RESET) != 0;

        broken += is_broken;
        if (i % 16 == 0 || is_broken) {
            __atomic_store_n(&is_racing, 0, __ATOMIC_SEQ_CST);
            begin();
            give_buffers();
            __atomic_store_n(&is_racing, 1, __ATOMIC_SEQ_CST);
        }
        virtio_add_to(&net, (u16)(i % 2), (u16)(random_of(0) % QUEUE_SIZE));
    }
    __atomic_store_n(&is_racing, 0, __ATOMIC_SEQ_CST);
    print("%u times broken\n", broken);
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    if (!virtio_find(&net, VIRTIO_NET))
        failure("no virtio-net");
    mmio_write16(net.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    expect_alive();
    break_rings();
    lose_lengths();
    lie_in_headers();
    misuse_buffers();
    send_nonsense();
    cpus_prepare();
    cpu_start(1, race);
    change_under_our_feet();
    expect_alive();
}
