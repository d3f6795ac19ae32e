/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a disk driver that lies in rings, headers, lengths and ranges, and changes them
 * while they are read, get an error or a disk that wants a reset, and nothing else? Manual: Virtio
 * 1.2, 5.2.6 "Device Operation", 2.7 "Split Virtqueues". A failure would be a guest that reaches
 * out of its memory or its volume, or a disk that does not come back after a reset.
 *
 * The disk is a volume of 1 MiB. After each attack a sector is written, and read back.
 */
#include "tests/guests/lib/smp.h"
#include "tests/guests/lib/virtio.h"

#define VIRTIO_BLK     0x10421af4u
#define SECTOR         512u
#define SECTORS        2048u
#define BEYOND         0xb0000000ull
#define F_DISCARD      (1u << 13)
#define F_WRITE_ZEROES (1u << 14)
#define FEATURES       (F_VERSION_1 | F_INDIRECT | F_DISCARD | F_WRITE_ZEROES)
#define RACE_ROUNDS    3000u
#define UNTOUCHED      0xa5

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13 };
enum { OK, IOERR, UNSUPP };

struct header {
    u32 type;
    u32 reserved;
    u64 sector;
};

struct range {
    u64 sector;
    u32 sectors;
    u32 flags;
};

static struct queue queue;
static struct virtio blk = {.queue = &queue};
static struct header header;
static u8 data[16 * SECTOR] __attribute__((aligned(4096)));
static volatile u8 status;
static u32 round;      /* odd: the second CPU may lie */
static u32 seen_round; /* an even one: it does not, until the next */

/* Each CPU has its own, that the second one's do not depend on the first one's. */
static u64 seeds[2] = {0x9e3779b97f4a7c15ull, 0x2545f4914f6cdd1dull};

static u32 random_of(u32 cpu)
{
    return random_next(&seeds[cpu]);
}

/* A reset is done when what the disk was doing is. */
static void begin(void)
{
    u32 start = inl(PM_TIMER);

    mmio_write8(blk.common + V_STATUS, 0);
    while (mmio_read8(blk.common + V_STATUS) != 0)
        EXPECT(inl(PM_TIMER) - start < 5 * PM_TIMER_HZ);
    EXPECT_EQ(virtio_start(&blk, FEATURES), READY);
}

/* Header, data and status in three descriptors, as drivers do it. */
static void describe(u32 type, u64 sector, u64 address, u32 bytes, u16 flags)
{
    header = (struct header){.type = type, .sector = sector};
    status = UNTOUCHED;
    queue.table[0] = (struct descriptor){(u64)&header, sizeof(header), D_NEXT, 1};
    queue.table[1] = (struct descriptor){address, bytes, D_NEXT | flags, 2};
    queue.table[2] = (struct descriptor){(u64)&status, 1, D_WRITE, 0};
}

static u8 answer(void)
{
    virtio_add(&blk, 0);
    EXPECT(virtio_wait_used(&blk, queue.driver[1]));
    return status;
}

static u8 request(u32 type, u64 sector, void *from, u32 bytes, u16 flags)
{
    describe(type, sector, (u64)from, bytes, flags);
    return answer();
}

/* The disk still serves a driver that behaves. */
static void expect_alive(void)
{
    u8 mark = (u8)random_of(0);

    begin();
    data[0] = data[SECTOR - 1] = mark;
    EXPECT_EQ(request(OUT, 5, data, SECTOR, 0), OK);
    data[0] = data[SECTOR - 1] = (u8)~mark;
    EXPECT_EQ(request(IN, 5, data, SECTOR, D_WRITE), OK);
    EXPECT_EQ(data[0], mark);
    EXPECT_EQ(data[SECTOR - 1], mark);
}

static void expect_refused(u16 head)
{
    u32 start = inl(PM_TIMER);

    virtio_add(&blk, head);
    while (mmio_read8(blk.common + V_STATUS) != (READY | NEEDS_RESET))
        EXPECT(inl(PM_TIMER) - start < 2 * PM_TIMER_HZ);
    EXPECT_EQ(virtio_used(&blk), 0);
    expect_alive();
}

static void refuse_data(u64 address, u32 bytes)
{
    begin();
    describe(IN, 0, address, bytes, D_WRITE);
    expect_refused(0);
}

static void break_rings(void)
{
    begin();
    expect_refused(QUEUE_SIZE);
    begin();
    queue.driver[1] = QUEUE_SIZE; /* and one more by expect_refused */
    expect_refused(0);
    begin();
    for (u16 i = 0; i < QUEUE_SIZE; i++) /* a loop */
        queue.table[i] = (struct descriptor){(u64)data, 1, D_NEXT, (u16)((i + 1) % QUEUE_SIZE)};
    expect_refused(0);
    refuse_data(BEYOND, SECTOR);
    refuse_data(LAPIC_BASE, SECTOR);
    refuse_data(blk.bar, SECTOR);
    refuse_data(~0ull - SECTOR, 2 * SECTOR);
    refuse_data((u64)data, 0xfffffe00);
    begin();
    describe(IN, 0, (u64)data, SECTOR, D_WRITE);
    queue.table[2].flags = 0; /* readable after writable */
    expect_refused(0);
}

/* Sectors that are not there, at the end and where a sum wraps around. */
static void leave_the_volume(void)
{
    static const u64 sectors[] = {SECTORS,    SECTORS + 1, SECTORS - 1,
                                  1ull << 32, 1ull << 55,  (1ull << 55) - 1,
                                  1ull << 63, ~0ull,       ~0ull - 1};

    begin();
    for (u32 i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
        EXPECT_EQ(request(IN, sectors[i], data, 2 * SECTOR, D_WRITE), IOERR);
        EXPECT_EQ(request(OUT, sectors[i], data, 2 * SECTOR, 0), IOERR);
    }
    expect_alive();
}

static void lie_in_lengths(void)
{
    static const u32 lengths[] = {0, 1, SECTOR - 1, SECTOR + 1, 3 * SECTOR - 1};

    begin();
    for (u32 i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        EXPECT_EQ(request(IN, 0, data, lengths[i], D_WRITE), IOERR);
        EXPECT_EQ(request(OUT, 0, data, lengths[i], 0), IOERR);
    }
    EXPECT_EQ(request(GET_ID, 0, data, 19, D_WRITE), IOERR);
    EXPECT_EQ(request(GET_ID, 0, data, SECTOR, D_WRITE), IOERR);
    for (u32 type = 0; type < 64; type++) {
        if (type != IN && type != OUT && type != FLUSH && type != GET_ID && type != DISCARD &&
            type != WRITE_ZEROES)
            EXPECT_EQ(request(type, 0, data, SECTOR, 0), UNSUPP);
    }
    for (u32 bytes = 0; bytes < sizeof(header); bytes++) { /* no whole header: nothing is done */
        describe(OUT, 0, (u64)data, 0, 0);
        queue.table[0].bytes = bytes;
        EXPECT_EQ(answer(), IOERR);
    }
    header = (struct header){.type = OUT};
    queue.table[0] = (struct descriptor){(u64)&header, sizeof(header), 0, 0}; /* no status */
    virtio_add(&blk, 0);
    EXPECT(virtio_wait_used(&blk, queue.driver[1]));
    expect_alive();
}

static void lie_in_ranges(void)
{
    static const struct range ranges[] = {
        {SECTORS, 1, 0},
        {0, SECTORS + 1, 0},
        {SECTORS - 1, 2, 0},
        {0, 0, 0},
        {~0ull, 2, 0},
        {0, 0xffffffff, 0},
        {1ull << 63, 1, 0},
        {0xffffffff, 0xffffffff, 0},
        {~0ull - 1, 0xffffffff, 0},
    };
    struct range *range = (struct range *)(void *)data;

    for (u32 type = DISCARD; type <= WRITE_ZEROES; type += WRITE_ZEROES - DISCARD) {
        begin();
        for (u32 i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
            *range = ranges[i];
            EXPECT_EQ(request(type, 0, range, sizeof(*range), 0), IOERR);
        }
        *range = (struct range){0, 8, 0xfffffffe};
        EXPECT_EQ(request(type, 0, range, sizeof(*range), 0), UNSUPP);
        EXPECT_EQ(request(type, 0, range, sizeof(*range) - 1, 0), IOERR);
        EXPECT_EQ(request(type, 0, range, 0, 0), IOERR);
        EXPECT_EQ(request(type, 0, range, sizeof(data), 0), IOERR);
        expect_alive();
    }
}

/* Places used twice: data that come into the header, and into the same sector again and again. */
static void overlap(void)
{
    begin();
    describe(IN, 0, (u64)data, SECTOR, D_WRITE);
    *(struct header *)(void *)data = header;
    queue.table[0].address = (u64)data;
    queue.table[2].address = (u64)data + 3;
    virtio_add(&blk, 0);
    EXPECT(virtio_wait_used(&blk, 1));
    EXPECT_EQ(data[3], OK);
    begin();
    describe(IN, 0, (u64)data, SECTOR, D_WRITE);
    for (u16 i = 1; i < QUEUE_SIZE - 1; i++)
        queue.table[i] = (struct descriptor){(u64)data, SECTOR, D_NEXT | D_WRITE, (u16)(i + 1)};
    queue.table[QUEUE_SIZE - 1] = (struct descriptor){(u64)&status, 1, D_WRITE, 0};
    EXPECT_EQ(answer(), OK);
    expect_alive();
}

/* What the second CPU makes of a descriptor. The first ones are headers, the last ones are nowhere,
 * those between are data: this program must survive its own lies. */
static void lie_in(u32 slot, u32 value)
{
    volatile struct descriptor *d = &queue.table[slot];

    d->next = (u16)(value >> 16) % (QUEUE_SIZE + (value % 32 == 0));
    d->flags = (u16)(value >> 8) & (D_NEXT | D_WRITE);
    if (slot < 2) {
        d->address = (u64)&header;
        d->bytes = value % 4 == 0 ? value % 32 : sizeof(header);
        d->flags = D_NEXT;
    } else if (slot < QUEUE_SIZE - 2) {
        d->address = (u64)data + value % SECTOR;
        d->bytes = value % 4 == 0 ? value % SECTOR : value % 4 * SECTOR;
    } else {
        d->address = BEYOND + value;
        d->bytes = value;
        d->flags = (u16)(value >> 8) & (D_NEXT | D_WRITE | D_INDIRECT);
    }
}

/* The second CPU: nothing stays as it was read. */
static void race(void)
{
    volatile struct header *shared = &header;

    for (;;) {
        u32 value = random_of(1), now = __atomic_load_n(&round, __ATOMIC_ACQUIRE);

        if (now % 2 == 0) {
            __atomic_store_n(&seen_round, now, __ATOMIC_RELEASE);
            continue;
        }
        lie_in(random_of(1) % QUEUE_SIZE, value);
        queue.driver[2 + value % QUEUE_SIZE] = (u16)(value >> 4) % QUEUE_SIZE;
        if (value % 64 == 0)
            queue.driver[1] = (u16)(queue.driver[1] + value % 32);
        shared->type = value % 4 ? value % 2 : value % 16;
        shared->sector = value % 8 == 0 ? ~0ull : value % SECTORS;
        data[value % sizeof(data)] = (u8)(value >> 24);
    }
}

static void race_begin(void)
{
    __atomic_fetch_add(&round, 1, __ATOMIC_SEQ_CST);
}

/* From here on nothing changes but by this CPU and the disk. */
static void race_end(void)
{
    u32 even = __atomic_add_fetch(&round, 1, __ATOMIC_SEQ_CST);

    while (__atomic_load_n(&seen_round, __ATOMIC_ACQUIRE) != even)
        __asm__ volatile("pause");
}

/* Meanwhile the first one starts the disk, rings, and starts it again when it has enough. */
static void change_under_our_feet(void)
{
    u32 broken = 0;

    race_begin();
    for (u32 i = 0; i < RACE_ROUNDS; i++) {
        bool is_broken = (mmio_read8(blk.common + V_STATUS) & NEEDS_RESET) != 0;

        broken += is_broken;
        if (i % 16 == 0 || is_broken) {
            race_end();
            begin();
            describe(i % 2 ? IN : OUT, 0, (u64)data, SECTOR, i % 2 ? D_WRITE : 0);
            race_begin();
        }
        virtio_add(&blk, (u16)(random_of(0) % QUEUE_SIZE));
    }
    race_end();
    print("%u times broken\n", broken);
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    if (!virtio_find(&blk, VIRTIO_BLK))
        failure("no virtio-blk");
    mmio_write16(blk.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    expect_alive();
    break_rings();
    leave_the_volume();
    lie_in_lengths();
    lie_in_ranges();
    overlap();
    cpus_prepare();
    cpu_start(1, race);
    change_under_our_feet();
    expect_alive();
}
