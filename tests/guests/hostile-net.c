/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a network driver that lies in rings, descriptors, headers and commands, and
 * changes them while they are read, lose frames or its device, and nothing else? Manual:
 * Virtio 1.2, 5.1.6 "Device Operation", 2.7 "Split Virtqueues". A failure would be a guest that
 * reaches out of its memory, stops net_task or another VM, or whose card does not come back after a
 * reset.
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
#define CTRL        4u /* with two CPUs */
#define QUEUES      5u
#define F_CSUM      (1u << 0)
#define F_GUEST     (1u << 1)
#define F_GUEST_TSO (3u << 7)
#define F_HOST_TSO  (7u << 11) /* with ECN */
#define F_MERGEABLE (1u << 15)
#define F_CTRL      (15u << 17) /* queue, modes, VLANs */
#define F_MQ        (1u << 22)
#define OFFLOADS    (F_CSUM | F_GUEST | F_GUEST_TSO | F_HOST_TSO | F_MERGEABLE | F_CTRL | F_MQ)
#define SEGMENT     54u /* headers of Ethernet, IPv4, TCP */
#define RACE_ROUNDS 3000u
#define ARP_TYPE    0x0608 /* as little endian reads it */
#define ARP_REPLY   0x0200

static const u8 question[FRAME] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,  0, 0, 0,   0, 0, 8, 6, /* to all, ARP */
    0,    1,    8,    0,    6,    4,    0,  1,                     /* who has? */
    0,    0,    0,    0,    0,    0,    10, 9, 8, 200,             /* the sender: this card */
    0,    0,    0,    0,    0,    0,    10, 9, 8, 1};              /* the gateway */

static struct queue queues[QUEUES];
static struct virtio net = {.queue = queues, .queue_count = 2};
static u8 buffers[2][QUEUE_SIZE][SLOT] __attribute__((aligned(4096)));
static u8 *const frame = buffers[TX][0];
static volatile u32 is_racing;

/* Each CPU has its own, that the second one's do not depend on the first one's. */
static u64 seeds[2] = {0x9e3779b97f4a7c15ull, 0x2545f4914f6cdd1dull};

static u32 random_of(u32 cpu)
{
    return random_next(&seeds[cpu]);
}

/* What is taken besides what every attack needs. */
static u32 offloads;

static void begin(void)
{
    net.queue_count = offloads != 0 ? QUEUES : 2;
    EXPECT_EQ(virtio_start(&net, F_VERSION_1 | F_INDIRECT | F_CSUM | F_GUEST | offloads), READY);
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

/* -- what is left to the card ------------------------------------------------------------------ */

/* A TCP segment of IPv4 that the card is to cut into pieces of `mss`; for an address nobody has, as
 * many broadcasts would be held back. */
static void write_segment(u8 kind, u16 mss)
{
    static const u8 ip_tcp[] = {8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6};

    write_question();
    for (u32 i = 0; i < 6; i++)
        frame[HEADER + i] = (u8)(2 + i);
    frame[0] = 1;
    frame[1] = kind;
    frame[4] = (u8)mss;
    frame[5] = (u8)(mss >> 8);
    frame[6] = 34;
    frame[8] = 16;
    for (u32 i = 0; i < sizeof(ip_tcp); i++)
        frame[HEADER + 12 + i] = ip_tcp[i];
    frame[HEADER + 46] = 0x50;
    frame[HEADER + 47] = 0x18;
}

static void send_segment(u32 bytes)
{
    queues[TX].table[0] = (struct descriptor){(u64)frame, bytes, 0, 0};
    virtio_add_to(&net, TX, 0);
}

/* Pieces of nothing, longer than all, kinds there are not, headers that end too late; then every
 * byte of both headers at random. Each is given back, and as many frames leave as may. */
static void lie_in_segments(void)
{
    static const u8 kinds[] = {1, 3, 4, 5, 0x80, 0x81, 0x84, 0xff};
    static const u16 sizes[] = {0, 1, 7, 100, 536, 1460, 1461, 0x7fff, 0xffff};
    static const u32 lengths[] = {
        HEADER + 14, HEADER + SEGMENT - 1, HEADER + SEGMENT,   HEADER + SEGMENT + 1,
        16000,       65535 + HEADER + 14,  65536 + HEADER + 14};
    u16 count = 0;

    begin();
    for (u32 i = 0; i < sizeof(kinds) * 9 * 7; i++) {
        write_segment(kinds[i / 63], sizes[i / 7 % 9]);
        send_segment(lengths[i % 7]);
        EXPECT(virtio_wait_used_of(&net, TX, ++count));
    }
    for (u32 i = 0; i < 300; i++) {
        write_segment(1, (u16)(100 + random_of(0) % 1400));
        for (u32 j = random_of(0) % 4; j > 0; j--)
            frame[random_of(0) % (HEADER + SEGMENT)] = (u8)random_of(0);
        send_segment(HEADER + random_of(0) % 8000);
        EXPECT(virtio_wait_used_of(&net, TX, ++count));
    }
    EXPECT_EQ(mmio_read8(net.common + V_STATUS), READY);
    expect_alive();
}

/* The longest segment in the smallest pieces, and the card is reset while it is cut. */
static void reset_while_cutting(void)
{
    for (u32 i = 0; i < 20; i++) {
        begin();
        write_segment(1, 8);
        send_segment(65535 + HEADER + 14);
    }
    expect_alive();
}

/* Commands of random text and length, in buffers that may lack an answer's place; all pairs of
 * queues, and more than there are, ring meanwhile. */
static void lie_in_commands(void)
{
    u8 *text = buffers[TX][1];
    u16 count = 0;

    begin();
    for (u32 i = 0; i < 2000; i++) {
        u32 bytes = i % 8 == 0 ? random_of(0) % SLOT : random_of(0) % 8;

        for (u32 j = 0; j < 8; j++)
            text[j] = (u8)random_of(0);
        text[0] = (u8)(i % 6);
        text[1] = (u8)(random_of(0) % 3);
        queues[CTRL].table[0] = (struct descriptor){(u64)text, bytes, i % 16 ? D_NEXT : 0, 1};
        queues[CTRL].table[1] =
            (struct descriptor){(u64)buffers[TX][2], random_of(0) % 3, D_WRITE, 0};
        virtio_add_to(&net, CTRL, 0);
        EXPECT(virtio_wait_used_of(&net, CTRL, ++count));
        mmio_write16(net.notify + random_of(0) % 16 * net.notify_step, (u16)random_of(0));
    }
    EXPECT_EQ(mmio_read8(net.common + V_STATUS), READY);
    expect_alive();
}

/* Mergeable buffers of a few bytes, far too few for a frame: it waits, or is lost, alone. */
static void starve_mergeable(void)
{
    for (u32 bytes = 0; bytes < 20; bytes++) {
        begin();
        for (u16 i = 0; i < QUEUE_SIZE; i++) {
            queues[RX].table[i] = (struct descriptor){(u64)buffers[RX][i], bytes, D_WRITE, 0};
            virtio_add_to(&net, RX, i);
        }
        ask();
        EXPECT(virtio_wait_used_of(&net, TX, 1));
    }
    EXPECT_EQ(mmio_read8(net.common + V_STATUS), READY);
    expect_alive();
}

static void misuse_offloads(void)
{
    offloads = OFFLOADS;
    expect_alive();
    lie_in_segments();
    reset_while_cutting();
    lie_in_commands();
    starve_mergeable();
    offloads = 0;
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
    misuse_offloads();
    cpus_prepare();
    cpu_start(1, race);
    change_under_our_feet();
    offloads = OFFLOADS;
    change_under_our_feet();
    expect_alive();
}
