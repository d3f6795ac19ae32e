/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/block/volume.c drivers/block/volume_disk.c drivers/block/volume_ram.c
 * drivers/block/blk_segs.c core/lib/str.c mm/kheap.c mm/memmap.c mm/pmm.c mm/pmm_init.c
 * mm/pmm_scrub.c tests/fakes/arena.c tests/fakes/assert.c tests/fakes/log.c
 */
/* Volumes: checks, users, memory that comes with writes and goes with discards, windows on disks.
 */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/kern/task.h"
#include "core/lib/errno.h"
#include "drivers/block/gpt.h"
#include "drivers/block/volume_disk.h"
#include "drivers/block/volume_ram.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define RAM    (64 * MiB)
#define CHUNK  VOLUME_RAM_CHUNK
#define BLOCK  VOLUME_RAM_BLOCK
#define BUFFER (256 * KiB)

static struct task me;
static u8 *buffer; /* guest's memory: in the arena, so that it has an address */
static struct blk_seg seg;
static u32 done_count, bases_released;
static struct pmm_stats before;
static struct kheap_stats heap_before;

/* The disk: keeps the last request, and answers when told to. */
static struct blk_req *at_disk;
static int submit_rc;

struct task *task_current(void)
{
    return &me;
}

void task_wake(struct task *task)
{
    (void)task;
}

void task_wait(void)
{
    at_disk->status = -EIO;
    at_disk->done(at_disk);
}

int blk_submit(struct blkdev *dev, struct blk_req *req)
{
    (void)dev;
    at_disk = req;
    return submit_rc;
}

static void setup(void)
{
    static bool is_done;
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}};
    hpa_t at;

    if (!is_done) {
        arena_init(RAM);
        CHECK_EQ(pmm_init(&map), 0);
        CHECK_EQ(pmm_alloc(pmm_order_for(BUFFER), PMM_GUEST, true, &at), 0);
        buffer = hpa_to_ptr(at);
        is_done = true;
    }
    done_count = bases_released = 0;
    submit_rc = 0;
    pmm_get_stats(&before);
    kheap_get_stats(&heap_before);
}

/* Everything was given back. */
static void teardown(void)
{
    struct pmm_stats after;
    struct kheap_stats heap;

    pmm_get_stats(&after);
    kheap_get_stats(&heap);
    CHECK_EQ(after.used_bytes[PMM_VOLUME], 0);
    CHECK_EQ(after.free_bytes, before.free_bytes);
    CHECK_EQ(after.promised_bytes, before.promised_bytes);
    CHECK_EQ(heap.live_blocks, heap_before.live_blocks);
}

static void on_done(struct volume_req *req)
{
    (void)req;
    done_count++;
}

static struct volume_req request(enum blk_op op, u64 offset, u64 bytes)
{
    seg = (struct blk_seg){ptr_to_hpa(buffer), (u32)bytes};
    return (struct volume_req){
        .op = op,
        .lba = offset / BLOCK,
        .blocks = (u32)(bytes / BLOCK),
        .segs = &seg,
        .seg_count = 1,
        .done = on_done,
    };
}

static int run(struct volume *v, enum blk_op op, u64 offset, u64 bytes)
{
    struct volume_req req = request(op, offset, bytes);

    CHECK(volume_submit(v, &req));
    return req.status;
}

static bool holds(struct volume *v, u64 offset, u64 bytes, u8 value)
{
    memset(buffer, ~value, bytes);
    if (run(v, BLK_READ, offset, bytes))
        return false;
    for (u64 i = 0; i < bytes; i++) {
        if (buffer[i] != value)
            return false;
    }
    return true;
}

static void fill(struct volume *v, u64 offset, u64 bytes, u8 value)
{
    memset(buffer, value, bytes);
    CHECK_EQ(run(v, BLK_WRITE, offset, bytes), 0);
}

static struct volume *ram_volume(u64 bytes, const struct volume_base *base, bool is_read_only)
{
    struct volume *v = NULL;

    CHECK_EQ(volume_ram_create("v", bytes, base, is_read_only, &v), 0);
    return v;
}

TEST(requests_are_checked)
{
    struct volume *v, *ro;
    struct volume_req req;

    setup();
    v = ram_volume(MiB, NULL, false);
    ro = ram_volume(MiB, NULL, true);
    CHECK_EQ(run(v, BLK_READ, MiB, BLOCK), -EINVAL);
    CHECK_EQ(run(v, BLK_WRITE, MiB - BLOCK, 2 * BLOCK), -EINVAL);
    CHECK_EQ(run(v, BLK_READ, 0, 0), -EINVAL);
    CHECK_EQ(run(v, (enum blk_op)99, 0, BLOCK), -EINVAL);
    CHECK_EQ(run(v, BLK_FLUSH, 0, BLOCK), -EINVAL);
    CHECK_EQ(run(v, BLK_FLUSH, 0, 0), 0);
    req = request(BLK_WRITE, 0, 2 * BLOCK);
    req.lba = ~0ull;
    CHECK(volume_submit(v, &req) && req.status == -EINVAL);
    req = request(BLK_WRITE, 0, 2 * BLOCK);
    seg.bytes = BLOCK; /* less memory than blocks */
    CHECK(volume_submit(v, &req) && req.status == -EINVAL);
    req = request(BLK_WRITE, 0, BLOCK);
    seg.address.v += 2;
    CHECK(volume_submit(v, &req) && req.status == -EINVAL);
    CHECK_EQ(run(ro, BLK_READ, 0, BLOCK), 0);
    CHECK_EQ(run(ro, BLK_WRITE, 0, BLOCK), -EPERM);
    CHECK_EQ(run(ro, BLK_DISCARD, 0, BLOCK), -EPERM);
    CHECK_EQ(run(ro, BLK_WRITE_ZEROES, 0, BLOCK), -EPERM);
    v->can_discard = v->can_write_zeroes = false;
    CHECK_EQ(run(v, BLK_DISCARD, 0, BLOCK), -EOPNOTSUPP);
    CHECK_EQ(run(v, BLK_WRITE_ZEROES, 0, BLOCK), -EOPNOTSUPP);
    CHECK_EQ(done_count, 0);
    v->ops->destroy(v);
    ro->ops->destroy(ro);
    teardown();
}

TEST(one_writes_or_many_read)
{
    struct volume *v, *ro;

    setup();
    v = ram_volume(MiB, NULL, false);
    ro = ram_volume(MiB, NULL, true);
    CHECK_EQ(volume_open(ro, true), -EPERM);
    CHECK_EQ(volume_open(v, true), 0);
    CHECK_EQ(volume_open(v, true), -EBUSY);
    CHECK_EQ(volume_open(v, false), -EBUSY);
    CHECK(volume_is_used(v));
    volume_close(v, true);
    CHECK(!volume_is_used(v));
    CHECK_EQ(volume_open(v, false), 0);
    CHECK_EQ(volume_open(v, false), 0);
    CHECK_EQ(volume_open(v, true), -EBUSY);
    volume_close(v, false);
    volume_close(v, false);
    CHECK_EQ(volume_open(v, true), 0);
    volume_close(v, true);
    v->ops->destroy(v);
    ro->ops->destroy(ro);
    teardown();
}

TEST(memory_comes_with_writes)
{
    struct volume *v;

    setup();
    v = ram_volume(GiB, NULL, false);
    CHECK_EQ(v->ops->used_bytes(v), 0);
    CHECK(holds(v, 0, BUFFER, 0));
    CHECK(holds(v, GiB - BUFFER, BUFFER, 0));
    CHECK_EQ(v->ops->used_bytes(v), 0); /* reading costs nothing */
    fill(v, CHUNK - BLOCK, 2 * BLOCK, 0x11);
    CHECK_EQ(v->ops->used_bytes(v), 2 * CHUNK);
    CHECK(holds(v, CHUNK - BLOCK, 2 * BLOCK, 0x11));
    CHECK(holds(v, 0, CHUNK - BLOCK, 0));
    CHECK(holds(v, CHUNK + BLOCK, CHUNK - BLOCK, 0));
    fill(v, 33 * MiB, 2 * CHUNK, 0x22); /* another table */
    CHECK_EQ(v->ops->used_bytes(v), 4 * CHUNK);
    CHECK(holds(v, 33 * MiB, 2 * CHUNK, 0x22));
    v->ops->destroy(v);
    teardown();
}

TEST(memory_goes_with_discards)
{
    struct volume *v;

    setup();
    v = ram_volume(MiB, NULL, false);
    fill(v, 0, 4 * CHUNK, 0x33);
    CHECK_EQ(run(v, BLK_DISCARD, BLOCK, 3 * CHUNK), 0); /* whole chunks: 1 and 2 */
    CHECK_EQ(v->ops->used_bytes(v), 2 * CHUNK);
    CHECK(holds(v, 0, CHUNK, 0x33));
    CHECK(holds(v, CHUNK, 2 * CHUNK, 0));
    CHECK(holds(v, 3 * CHUNK, CHUNK, 0x33));
    CHECK_EQ(run(v, BLK_DISCARD, BLOCK, BLOCK), 0); /* nothing whole */
    CHECK(holds(v, 0, CHUNK, 0x33));
    CHECK_EQ(run(v, BLK_WRITE_ZEROES, BLOCK, CHUNK), 0);
    CHECK(holds(v, 0, BLOCK, 0x33));
    CHECK(holds(v, BLOCK, CHUNK, 0));
    CHECK_EQ(v->ops->used_bytes(v), 2 * CHUNK); /* chunk 1 needs no pages to be zeroes */
    CHECK_EQ(run(v, BLK_WRITE_ZEROES, 0, 4 * CHUNK), 0);
    CHECK_EQ(v->ops->used_bytes(v), 0);
    v->ops->destroy(v);
    teardown();
}

static const void *base_span(const void *cookie, u64 offset, size_t *bytes)
{
    *bytes = MIN(10000 - offset % 10000, CHUNK + 3 * BLOCK - offset); /* odd pieces */
    return (const u8 *)cookie + offset;
}

static void base_release(void *cookie)
{
    (void)cookie;
    bases_released++;
}

TEST(over_a_base)
{
    static u8 bytes[CHUNK + 3 * BLOCK];
    struct volume_base base = {base_span, base_release, bytes, sizeof(bytes)};
    struct volume *v, *out = NULL;

    setup();
    memset(bytes, 0x44, sizeof(bytes));
    CHECK_EQ(volume_ram_create("v", CHUNK, &base, false, &out), -EINVAL); /* too small */
    v = ram_volume(MiB, &base, false);
    CHECK(holds(v, 0, sizeof(bytes), 0x44));
    CHECK(holds(v, sizeof(bytes), CHUNK, 0));
    CHECK_EQ(v->ops->used_bytes(v), 0);
    fill(v, CHUNK, BLOCK, 0x55);
    CHECK(holds(v, 0, CHUNK, 0x44));
    CHECK(holds(v, CHUNK, BLOCK, 0x55));
    CHECK(holds(v, CHUNK + BLOCK, 2 * BLOCK, 0x44));
    CHECK(holds(v, CHUNK + 3 * BLOCK, BLOCK, 0));
    CHECK_EQ(run(v, BLK_WRITE_ZEROES, 0, 2 * CHUNK), 0); /* hides the base */
    CHECK_EQ(v->ops->used_bytes(v), 0);
    CHECK(holds(v, 0, 2 * CHUNK, 0));
    fill(v, 0, BLOCK, 0x66);
    CHECK(holds(v, BLOCK, CHUNK - BLOCK, 0));
    CHECK_EQ(bytes[0], 0x44);
    v->ops->destroy(v);
    CHECK_EQ(bases_released, 1);
    teardown();
}

TEST(grows_while_it_is_used)
{
    struct volume *v;

    setup();
    v = ram_volume(MiB, NULL, false);
    fill(v, 0, CHUNK, 0x77);
    CHECK_EQ(v->ops->grow(v, VOLUME_RAM_BYTES_MAX / BLOCK + 1), -EINVAL);
    CHECK_EQ(v->ops->grow(v, 100 * MiB / BLOCK), 0);
    CHECK_EQ(volume_bytes(v), 100 * MiB);
    CHECK(holds(v, 0, CHUNK, 0x77));
    CHECK(holds(v, 100 * MiB - CHUNK, CHUNK, 0));
    fill(v, 100 * MiB - CHUNK, CHUNK, 0x78);
    CHECK(holds(v, 100 * MiB - CHUNK, CHUNK, 0x78));
    v->ops->destroy(v);
    teardown();
}

TEST(no_room)
{
    struct volume *v;
    u64 at = 0;
    int rc;

    setup();
    v = ram_volume(GiB, NULL, false);
    memset(buffer, 0x88, BUFFER);
    while ((rc = run(v, BLK_WRITE, at, BUFFER)) == 0)
        at += BUFFER;
    CHECK_EQ(rc, -ENOSPC);
    CHECK(at > RAM / 2);
    CHECK(holds(v, at - BUFFER, BUFFER, 0x88));
    CHECK_EQ(run(v, BLK_DISCARD, 0, BUFFER), 0);
    fill(v, at, BUFFER, 0x99); /* what was given back is there again */
    CHECK(holds(v, at, BUFFER, 0x99));
    v->ops->destroy(v);
    teardown();
}

TEST(streams)
{
    static u8 text[CHUNK * 2];
    static u8 back[CHUNK * 2];
    struct volume *v;

    setup();
    v = ram_volume(MiB, NULL, true); /* also what guests may not write */
    for (u32 i = 0; i < sizeof(text); i++)
        text[i] = (u8)(i * 7);
    CHECK_EQ(volume_ram_write(v, 12345, text, sizeof(text)), 0);
    CHECK_EQ(volume_ram_read(v, 12345, back, sizeof(back)), 0);
    CHECK(memcmp(text, back, sizeof(text)) == 0);
    CHECK_EQ(volume_ram_write(v, MiB - 1, text, 2), -EINVAL);
    CHECK_EQ(volume_ram_write(v, ~0ull, text, 2), -EINVAL);
    CHECK_EQ(volume_ram_read(v, MiB + 1, back, 0), -EINVAL);
    CHECK_EQ(volume_ram_read(v, MiB, back, 0), 0);
    CHECK(volume_is_ram(v));
    v->ops->destroy(v);
    teardown();
}

TEST(sizes_that_are_refused)
{
    struct volume *v;

    setup();
    CHECK_EQ(volume_ram_create("v", 0, NULL, false, &v), -EINVAL);
    CHECK_EQ(volume_ram_create("v", 511, NULL, false, &v), -EINVAL);
    CHECK_EQ(volume_ram_create("v", VOLUME_RAM_BYTES_MAX + BLOCK, NULL, false, &v), -EINVAL);
    teardown();
}

static struct blkdev *disk(const struct gpt *gpt)
{
    static struct blkdev dev;

    dev = (struct blkdev){.name = "d",
                          .block_bytes = BLOCK,
                          .block_count = 1000,
                          .has_write_cache = true,
                          .can_discard = true,
                          .gpt = gpt};
    return &dev;
}

/* Partition 1 for EFI, 3 for data. */
static struct gpt *table(void)
{
    static const u8 efi[16] = {0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2,
                               0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
    static struct {
        struct gpt gpt;
        struct gpt_partition parts[2];
    } t;

    memset(&t, 0, sizeof(t));
    t.gpt.state = GPT_GOOD;
    t.gpt.has_boot_sector = true;
    t.gpt.count = 2;
    t.parts[0] = (struct gpt_partition){.number = 1, .first_lba = 40, .blocks = 60};
    t.parts[1] = (struct gpt_partition){.number = 3, .first_lba = 100, .blocks = 200};
    memcpy(t.parts[0].type, efi, sizeof(efi));
    return &t.gpt;
}

static int take(struct blkdev *dev, u32 partition, bool allow_boot, struct volume **v)
{
    const struct volume_disk_source source = {dev, partition, allow_boot, false};

    return volume_disk_create("v", &source, v);
}

TEST(windows_on_a_disk)
{
    struct gpt none = {.state = GPT_NONE};
    struct volume *v = NULL, *other = NULL;
    struct blkdev *dev;

    setup();
    dev = disk(NULL);
    CHECK_EQ(take(dev, 0, true, &v), -EAGAIN);
    dev->gpt = table();
    CHECK_EQ(take(dev, 2, true, &v), -ENOENT);
    CHECK_EQ(take(dev, 1, false, &v), -EPERM);
    CHECK_EQ(take(dev, 0, false, &v), -EPERM); /* it has one */
    CHECK_EQ(take(dev, 3, false, &v), 0);
    CHECK_EQ(volume_blocks(v), 200);
    CHECK(v->has_write_cache && v->can_discard && !v->can_write_zeroes && !v->is_read_only);
    CHECK_EQ(take(dev, 3, false, &other), -EBUSY);
    CHECK_EQ(take(dev, 0, true, &other), -EBUSY);
    CHECK_EQ(take(dev, 1, true, &other), 0);
    other->ops->destroy(other);
    CHECK_EQ(v->ops->grow(v, 300), -EOPNOTSUPP);
    v->ops->destroy(v);
    CHECK_EQ(take(dev, 0, true, &v), 0);
    CHECK_EQ(volume_blocks(v), 1000);
    v->ops->destroy(v);
    dev->gpt = &none;
    CHECK_EQ(take(dev, 0, false, &v), 0);
    v->ops->destroy(v);
    none.has_boot_sector = true;
    CHECK_EQ(take(dev, 0, false, &v), -EPERM);
    teardown();
}

TEST(requests_move_to_the_disk)
{
    struct volume *v = NULL;
    struct volume_req req;

    setup();
    CHECK_EQ(take(disk(table()), 3, false, &v), 0);
    req = request(BLK_WRITE, 10 * BLOCK, 2 * BLOCK);
    CHECK(!volume_submit(v, &req));
    CHECK_EQ(at_disk->lba, 110);
    CHECK_EQ(at_disk->blocks, 2);
    CHECK(at_disk->segs == &seg && at_disk->seg_count == 1); /* no copy */
    CHECK_EQ(done_count, 0);
    at_disk->status = -ETIMEDOUT;
    at_disk->done(at_disk);
    CHECK_EQ(done_count, 1);
    CHECK_EQ(req.status, -ETIMEDOUT);
    req = request(BLK_READ, 199 * BLOCK, 2 * BLOCK);
    at_disk = NULL;
    CHECK(volume_submit(v, &req) && req.status == -EINVAL && at_disk == NULL);
    req = request(BLK_FLUSH, 0, 0);
    CHECK(!volume_submit(v, &req));
    CHECK(at_disk->op == BLK_FLUSH && at_disk->lba == 0 && at_disk->blocks == 0);
    submit_rc = -EPERM; /* the disk itself refuses */
    req = request(BLK_WRITE, 0, BLOCK);
    CHECK(volume_submit(v, &req) && req.status == -EPERM);
    submit_rc = 0;
    req = request(BLK_READ, 0, BLOCK);
    CHECK_EQ(volume_wait(v, &req), -EIO);
    v->ops->destroy(v);
    teardown();
}
