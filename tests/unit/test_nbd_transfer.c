/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/nbd/nbd_transfer.c mgmt/nbd/nbd_command.c drivers/block/volume.c
 * drivers/block/blk_segs.c core/lib/str.c tests/fakes/arena.c tests/fakes/assert.c
 */
/* NBD commands on a volume: in pieces, at once or later, and what an error in the middle does. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/kern/task.h"
#include "core/lib/errno.h"
#include "mgmt/nbd/nbd_transfer.h"
#include "mgmt/nbd/nbd_wire.h"
#include "mm/layout.h"

#define DISK  (1 * MiB)
#define PIECE NBD_PIECE_BYTES

static u8 disk[DISK], expected[DISK], received[DISK + 4096];
static size_t received_len;
static struct nbd_transfer t;
static struct nbd nbd;
static struct volume_req *at_disk; /* to be answered */
static bool is_late;               /* answers come when they are asked for */
static u32 fail_at, asked, flushes, wakes;
static struct task me;

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
}

static void wake(void)
{
    wakes++;
}

static void carry_out(struct volume_req *req)
{
    u8 *memory = req->seg_count ? hpa_to_ptr(req->segs[0].address) : NULL;
    size_t bytes = req->blocks * 512ul;

    req->status = ++asked == fail_at ? -ENOSPC : 0;
    flushes += req->op == BLK_FLUSH;
    if (req->status != 0)
        return;
    if (req->op == BLK_READ)
        memcpy(memory, disk + req->lba * 512, bytes);
    else if (req->op == BLK_WRITE)
        memcpy(disk + req->lba * 512, memory, bytes);
    else if (req->op != BLK_FLUSH)
        memset(disk + req->lba * 512, 0, bytes);
}

static bool submit(struct volume *volume, struct volume_req *req)
{
    (void)volume;
    if (is_late) {
        at_disk = req;
        return false;
    }
    carry_out(req);
    return true;
}

static const struct volume_ops ops = {.submit = submit};
static struct volume volume = {.ops = &ops,
                               .block_bytes = 512,
                               .block_count = DISK / 512,
                               .can_discard = true,
                               .can_write_zeroes = true};

static void setup(bool is_structured)
{
    static u8 *buffer;

    if (!buffer) {
        arena_init(4 * MiB);
        buffer = hpa_to_ptr(hpa(1 * MiB));
    }
    t = (struct nbd_transfer){.buffer = buffer, .wake = wake, .volume = &volume};
    memset(&nbd, 0, sizeof(nbd));
    nbd.disk = (struct nbd_disk){
        .bytes = DISK, .block_bytes = 512, .can_trim = true, .can_write_zeroes = true};
    nbd.is_structured = is_structured;
    for (size_t i = 0; i < DISK; i++)
        expected[i] = disk[i] = (u8)(i * 7 + i / 512);
    received_len = 0;
    fail_at = asked = flushes = wakes = 0;
    is_late = false;
}

/* Carries a command out, with `data` if it is a write, and `step` bytes of room at a time. Return:
 * what it wants in the end. */
static enum nbd_wants run(u16 type, u16 flags, u64 offset, u32 length, const u8 *data, u32 step)
{
    enum nbd_wants wants;

    nbd.command = (struct nbd_command){
        .type = type, .flags = flags, .offset = offset, .length = length, .cookie = 5};
    nbd_transfer_begin(&t, &nbd);
    while ((wants = nbd_transfer_run(&t)) != NBD_WANTS_COMMAND && wants != NBD_WANTS_END) {
        u32 bytes = MIN(step, t.out_len);

        if (wants == NBD_WANTS_ROOM) {
            memcpy(received + received_len, t.out, bytes);
            received_len += bytes;
            t.out += bytes;
            t.out_len -= bytes;
        } else if (wants == NBD_WANTS_DATA) {
            data += nbd_transfer_take(&t, data, step);
        } else if (wants == NBD_WANTS_ANSWER) {
            CHECK(nbd_transfer_is_asking(&t));
            carry_out(at_disk);
            at_disk->done(at_disk);
        }
    }
    return wants;
}

static void check_simple(u32 error)
{
    CHECK_EQ(received_len, 16);
    CHECK_EQ(nbd_get(received, 4), 0x67446698);
    CHECK_EQ(nbd_get(received + 4, 4), error);
    CHECK_EQ(nbd_get(received + 8, 8), 5);
}

TEST(a_simple_read)
{
    for (u32 late = 0; late < 2; late++) {
        setup(false);
        is_late = late;
        CHECK_EQ(run(NBD_CMD_READ, 0, 512, DISK - 1024, NULL, 1000), NBD_WANTS_COMMAND);
        CHECK_EQ(received_len, 16 + DISK - 1024);
        CHECK_EQ(nbd_get(received + 4, 4), 0);
        CHECK(memcmp(received + 16, expected + 512, DISK - 1024) == 0);
        CHECK_EQ(wakes, late ? asked : 0);
    }
}

TEST(a_read_in_chunks)
{
    size_t at = 0, offset = 512;

    setup(true);
    CHECK_EQ(run(NBD_CMD_READ, 0, 512, DISK - 1024, NULL, 100000), NBD_WANTS_COMMAND);
    while (at < received_len) {
        u32 bytes = (u32)nbd_get(received + at + 16, 4) - 8;
        bool is_last = nbd_get(received + at + 4, 2);

        CHECK_EQ(nbd_get(received + at, 4), 0x668e33ef);
        CHECK_EQ(nbd_get(received + at + 6, 2), 1);
        CHECK_EQ(nbd_get(received + at + 20, 8), offset);
        CHECK(memcmp(received + at + 28, expected + offset, bytes) == 0);
        at += 28 + bytes;
        offset += bytes;
        CHECK_EQ(is_last, at == received_len);
    }
    CHECK_EQ(offset, DISK - 512);
}

TEST(errors_of_reads)
{
    setup(false); /* before anything was promised */
    fail_at = 1;
    CHECK_EQ(run(NBD_CMD_READ, 0, 0, 4 * PIECE, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(NBD_ENOSPC);
    setup(false);
    fail_at = 3;
    CHECK_EQ(run(NBD_CMD_READ, 0, 0, 4 * PIECE, NULL, 1000), NBD_WANTS_END);
    setup(true);
    fail_at = 3;
    CHECK_EQ(run(NBD_CMD_READ, 0, 0, 4 * PIECE, NULL, 1000), NBD_WANTS_COMMAND);
    CHECK_EQ(received_len, 2 * (28 + PIECE) + 26);
    CHECK_EQ(nbd_get(received + received_len - 22, 4), 0x18001);
    CHECK_EQ(nbd_get(received + received_len - 6, 4), NBD_ENOSPC);
}

TEST(a_write)
{
    for (u32 late = 0; late < 2; late++) {
        setup(late);
        is_late = late;
        memset(expected + 512, 0x5a, 3 * PIECE);
        CHECK_EQ(run(NBD_CMD_WRITE, NBD_CMD_FLAG_FUA, 512, 3 * PIECE, expected + 512, 777),
                 NBD_WANTS_COMMAND);
        check_simple(0);
        CHECK(memcmp(disk, expected, DISK) == 0);
        CHECK_EQ(asked, 4);
        CHECK_EQ(flushes, 1);
    }
}

TEST(data_of_a_failed_write_are_thrown_away)
{
    static const u8 zeroes[4 * PIECE];

    setup(false);
    fail_at = 2;
    memset(expected, 0, PIECE);
    CHECK_EQ(run(NBD_CMD_WRITE, NBD_CMD_FLAG_FUA, 0, 4 * PIECE, zeroes, 5000), NBD_WANTS_COMMAND);
    check_simple(NBD_ENOSPC);
    CHECK(memcmp(disk, expected, DISK) == 0);
    CHECK_EQ(asked, 2);
    CHECK_EQ(flushes, 0);
    setup(false); /* refused at once, and yet its data come */
    CHECK_EQ(run(NBD_CMD_WRITE, 0, DISK - 512, 2 * PIECE, zeroes, 5000), NBD_WANTS_COMMAND);
    check_simple(NBD_ENOSPC);
    CHECK_EQ(asked, 0);
    setup(false);
    CHECK_EQ(run(NBD_CMD_WRITE, 0, 0, 0xfffffe00, zeroes, 5000), NBD_WANTS_END);
}

TEST(commands_without_data)
{
    setup(true);
    CHECK_EQ(run(NBD_CMD_FLUSH, 0, 0, 0, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(0);
    CHECK_EQ(flushes, 1);
    setup(true);
    memset(expected + 512, 0, 1024);
    CHECK_EQ(run(NBD_CMD_TRIM, NBD_CMD_FLAG_FUA, 512, 1024, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(0);
    CHECK(memcmp(disk, expected, DISK) == 0);
    CHECK_EQ(flushes, 1);
    setup(true);
    memset(expected, 0, DISK);
    CHECK_EQ(run(NBD_CMD_WRITE_ZEROES, 0, 0, DISK, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(0);
    CHECK(memcmp(disk, expected, DISK) == 0);
    setup(true);
    fail_at = 1;
    CHECK_EQ(run(NBD_CMD_TRIM, NBD_CMD_FLAG_FUA, 0, DISK, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(NBD_ENOSPC);
    CHECK_EQ(flushes, 0);
    setup(true);
    CHECK_EQ(run(77, 0, 0, DISK, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(NBD_EINVAL);
    setup(true);
    CHECK_EQ(run(NBD_CMD_TRIM, 0, 512, 0, NULL, 1000), NBD_WANTS_COMMAND);
    check_simple(0);
    CHECK_EQ(asked, 0);
}
