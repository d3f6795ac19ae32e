/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/block/blk*.c tests/fakes/assert.c tests/fakes/log.c */
/* Requests to a disk that is a few lines of this file: checks, parts, the line, errors, the end. */
#include "tests/unit/harness.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/block/blkq.h"

#include <string.h>

#define DEPTH      4u
#define PART_BYTES 8192u /* what the device moves by one command */

static struct blkq q;
static struct blkq *const queues[] = {&q};
static struct blkdev disk;
static struct task me;
static struct blk_seg segs[] = {{{0x1000}, 4096}, {{0x9000}, 16384}, {{0x20004}, 512}};

static u32 started, kicks, done_count, recoveries, late_tag;
static int start_error;
static u32 answers[16], answer_count; /* tags the device says it has ended */
static int answer_status;
static struct blk_req *done[16];
static u64 now;
static bool is_gone;

u64 time_ns(void)
{
    return now;
}

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
    blkq_turn(&q);
}

bool task_wait_until(u64 deadline)
{
    (void)deadline;
    return true;
}

int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg)
{
    (void)task, (void)name, (void)class, (void)pcpu, (void)entry, (void)arg;
    return 0;
}

static int start(struct blkq *queue, struct blk_req *req, u32 tag)
{
    u64 left = (u64)req->rest.blocks * disk.block_bytes;

    CHECK(queue == &q && tag < DEPTH && q.owner[tag] == NULL);
    if (start_error != 0)
        return start_error;
    if (req->op == BLK_READ || req->op == BLK_WRITE)
        blk_advance(req, (u32)MIN(left, PART_BYTES));
    else
        blk_advance_blocks(req, req->rest.blocks);
    started++;
    return 0;
}

static void kick(struct blkq *queue)
{
    (void)queue;
    kicks++;
}

static void poll(struct blkq *queue)
{
    for (u32 i = 0; i < answer_count; i++)
        (void)blkq_end(queue, answers[i], answer_status);
    answer_count = 0;
}

static void recover(struct blkq *queue, u32 tag)
{
    recoveries++;
    late_tag = tag;
    blkq_stop(queue);
    blkq_fail_all(queue, -ETIMEDOUT);
    blkq_resume(queue);
}

static bool is_present(struct blkq *queue)
{
    (void)queue;
    return !is_gone;
}

static const struct blkq_ops ops = {
    .is_present = is_present, .start = start, .kick = kick, .poll = poll, .recover = recover};

static void on_done(struct blk_req *req)
{
    CHECK(!q.lock.is_held);
    done[done_count++] = req;
}

static void reset(void)
{
    now = NS_PER_S;
    blkq_init(&q, &ops, NULL, DEPTH);
    disk = (struct blkdev){.name = "disk",
                           .block_bytes = 512,
                           .block_count = 1000,
                           .can_discard = true,
                           .qs = queues,
                           .q_count = 1};
    started = kicks = done_count = recoveries = answer_count = 0;
    start_error = answer_status = 0;
    is_gone = false;
}

static struct blk_req read_of(u32 blocks, u32 seg_count)
{
    return (struct blk_req){.op = BLK_READ,
                            .lba = 100,
                            .blocks = blocks,
                            .segs = segs,
                            .seg_count = seg_count,
                            .done = on_done};
}

static void answer(u32 tag)
{
    answers[answer_count++] = tag;
}

TEST(requests_are_checked)
{
    struct blk_req req = read_of(8, 1);

    reset();
    req.lba = 993;
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL); /* one block too far */
    req.lba = ~0ull;
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL);
    req = read_of(9, 1);
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL); /* more blocks than memory */
    req = read_of(0, 0);
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL);
    req = read_of(8, 1);
    segs[0].address = hpa(0x1002);
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL);
    segs[0].address = hpa(0x1000);
    req.op = BLK_WRITE_ZEROES;
    CHECK_EQ(blk_submit(&disk, &req), -EOPNOTSUPP);
    disk.is_read_only = true;
    req.op = BLK_DISCARD;
    CHECK_EQ(blk_submit(&disk, &req), -EPERM);
    req.op = BLK_FLUSH;
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL); /* of blocks */
    req.op = BLK_OP_COUNT;
    CHECK_EQ(blk_submit(&disk, &req), -EINVAL);
    CHECK_EQ(started + done_count, 0);
}

TEST(a_request_is_done_once)
{
    struct blk_req req = read_of(8, 1);

    reset();
    CHECK_EQ(blk_submit(&disk, &req), 0);
    CHECK_EQ(started, 1);
    CHECK_EQ(kicks, 1);
    answer(0);
    answer(0); /* it has not this one any more */
    now += 500;
    blkq_turn(&q);
    CHECK_EQ(done_count, 1);
    CHECK(done[0] == &req && req.status == 0);
    CHECK_EQ(q.bogus_count, 1);
    CHECK_EQ(disk.stats.requests[BLK_READ], 1);
    CHECK_EQ(disk.stats.bytes[BLK_READ], 4096);
    CHECK_EQ(disk.stats.ns[BLK_READ], 500);
}

TEST(large_requests_go_in_parts)
{
    struct blk_req req = read_of(41, 3);

    reset();
    CHECK_EQ(blk_submit(&disk, &req), 0);
    CHECK_EQ(started, 3); /* 8192 + 8192 + 4608 bytes */
    CHECK_EQ(req.rest.seg, 3);
    CHECK_EQ(req.rest.lba, 141);
    answer(2);
    answer(0);
    blkq_turn(&q);
    CHECK_EQ(done_count, 0);
    answer(1);
    blkq_turn(&q);
    CHECK_EQ(done_count, 1);
    CHECK_EQ(req.status, 0);
}

TEST(surplus_waits_in_line)
{
    struct blk_req reqs[6];

    reset();
    for (u32 i = 0; i < 6; i++) {
        reqs[i] = read_of(8, 1);
        CHECK_EQ(blk_submit(&disk, &reqs[i]), 0);
    }
    CHECK_EQ(started, DEPTH);
    answer(1);
    answer(2);
    blkq_turn(&q);
    CHECK_EQ(started, 6);
    CHECK_EQ(done_count, 2);
    for (u32 tag = 0; tag < DEPTH; tag++)
        answer(tag);
    blkq_turn(&q);
    CHECK_EQ(done_count, 6);
    CHECK_EQ(q.free_count, DEPTH);
}

TEST(an_error_ends_the_whole_request)
{
    struct blk_req big = read_of(41, 3), other = read_of(8, 1);

    reset();
    q.free_count = 2; /* the third part waits */
    CHECK_EQ(blk_submit(&disk, &big), 0);
    CHECK_EQ(blk_submit(&disk, &other), 0);
    CHECK_EQ(started, 2);
    answer_status = -EIO;
    answer(2);
    blkq_turn(&q);
    CHECK_EQ(done_count, 0); /* the device still has the other part */
    CHECK_EQ(started, 3);    /* the other request's */
    answer_status = 0;
    answer(3);
    blkq_turn(&q);
    CHECK_EQ(done_count, 1);
    CHECK(done[0] == &big);
    CHECK_EQ(big.status, -EIO);
    CHECK_EQ(disk.stats.errors, 1);
    CHECK_EQ(disk.stats.bytes[BLK_READ], 0);
}

TEST(what_cannot_be_started_fails)
{
    struct blk_req req = read_of(8, 1);

    reset();
    start_error = -EIO;
    CHECK_EQ(blk_submit(&disk, &req), 0);
    CHECK_EQ(done_count, 0); /* not from within blk_submit */
    blkq_turn(&q);
    CHECK_EQ(done_count, 1);
    CHECK_EQ(req.status, -EIO);
}

TEST(late_commands_are_recovered)
{
    struct blk_req req = read_of(8, 1);

    reset();
    CHECK_EQ(blk_submit(&disk, &req), 0);
    now += BLK_TIMEOUT_NS - 1;
    blkq_turn(&q);
    CHECK_EQ(recoveries, 0);
    now += 1;
    blkq_turn(&q);
    CHECK_EQ(recoveries, 1);
    CHECK_EQ(late_tag, 0);
    CHECK_EQ(done_count, 1);
    CHECK_EQ(req.status, -ETIMEDOUT);
    CHECK_EQ(disk.stats.timeouts, 1);
    blkq_request_recovery(&q);
    blkq_turn(&q);
    CHECK_EQ(late_tag, BLKQ_NO_TAG);
}

TEST(answers_in_the_last_moment_count)
{
    struct blk_req req = read_of(8, 1);

    reset();
    CHECK_EQ(blk_submit(&disk, &req), 0);
    now += 2 * BLK_TIMEOUT_NS;
    answer(0); /* its interrupt was lost */
    blkq_turn(&q);
    CHECK_EQ(recoveries, 0);
    CHECK_EQ(req.status, 0);
}

TEST(nothing_is_started_while_stopped)
{
    struct blk_req req = read_of(8, 1);

    reset();
    blkq_stop(&q);
    CHECK_EQ(blk_submit(&disk, &req), 0);
    answer(0);
    now += 2 * BLK_TIMEOUT_NS;
    blkq_turn(&q);
    CHECK_EQ(started + recoveries + done_count, 0);
    answer_count = 0;
    blkq_resume(&q);
    CHECK_EQ(started, 1);
}

TEST(the_end_fails_all)
{
    struct blk_req reqs[6], after = read_of(8, 1);

    reset();
    for (u32 i = 0; i < 6; i++) {
        reqs[i] = read_of(8, 1);
        CHECK_EQ(blk_submit(&disk, &reqs[i]), 0);
    }
    blkq_kill(&q);
    blkq_turn(&q);
    CHECK_EQ(done_count, 6);
    CHECK_EQ(blk_submit(&disk, &after), 0);
    blkq_turn(&q);
    CHECK_EQ(done_count, 7);
    CHECK_EQ(after.status, -ENODEV);
    CHECK_EQ(started, DEPTH);
}

TEST(the_device_is_looked_for)
{
    reset();
    blkq_turn(&q);
    is_gone = true;
    blkq_turn(&q);
    CHECK_EQ(recoveries, 0); /* not all the time */
    now += NS_PER_S;
    blkq_turn(&q);
    CHECK_EQ(recoveries, 1);
    CHECK_EQ(late_tag, BLKQ_NO_TAG);
}

TEST(what_must_wait_waits)
{
    struct blk_req first = read_of(8, 1), second = read_of(8, 1);

    reset();
    CHECK_EQ(blk_submit(&disk, &first), 0);
    start_error = -EAGAIN;
    CHECK_EQ(blk_submit(&disk, &second), 0);
    CHECK_EQ(started, 1);
    answer(0);
    start_error = 0;
    blkq_turn(&q);
    CHECK_EQ(started, 2);
    CHECK_EQ(second.status, 0);
}

TEST(waiting)
{
    struct blk_req req = read_of(8, 1);

    reset();
    answer(0);
    CHECK_EQ(blk_wait(&disk, &req), 0);
    req = (struct blk_req){.op = BLK_FLUSH};
    answer_status = -EIO;
    answer(0);
    CHECK_EQ(blk_wait(&disk, &req), -EIO);
    req.blocks = 1;
    CHECK_EQ(blk_wait(&disk, &req), -EINVAL);
}

TEST(bogus_answers_do_nothing)
{
    struct blk_req req = read_of(8, 1);

    reset();
    CHECK_EQ(blk_submit(&disk, &req), 0);
    answer(3);
    answer(DEPTH);
    answer(0xffff);
    blkq_turn(&q);
    CHECK_EQ(q.bogus_count, 3);
    CHECK_EQ(done_count, 0);
    CHECK_EQ(q.in_flight, 1);
}
