/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/block/nvme_identify.c drivers/block/nvme_queue.c drivers/block/blk*.c
 * tests/fakes/assert.c tests/fakes/log.c
 */
/* NVMe rings, commands with lists of pages and pieces, Identify data: what is only memory. */
#include "tests/unit/harness.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/block/nvme_identify.h"
#include "drivers/block/nvme_queue.h"

#include <string.h>

#define ENTRIES  4u
#define LIST_HPA 0x77000u

static struct nvme_sqe sq[ENTRIES];
static struct nvme_cqe cq[ENTRIES];
static struct nvme_ring ring;
static u64 list[NVME_LIST_ENTRIES + 1];
static struct blkdev disk = {.block_bytes = 512, .block_count = 1ull << 40};
static struct nvme_controller_facts facts;
static struct nvme_sqe cmd;

u64 time_ns(void)
{
    return 0;
}

struct task *task_current(void)
{
    return NULL;
}

void task_wake(struct task *task)
{
    (void)task;
}

void task_wait(void)
{
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

TEST(rings_wrap_with_the_phase)
{
    struct nvme_sqe command = {.opcode = 1};
    struct nvme_cqe answer;

    memset(cq, 0xff, sizeof cq); /* what was there before means nothing */
    nvme_ring_init(&ring, sq, cq, ENTRIES);
    for (u32 i = 0; i < 3 * ENTRIES; i++) {
        CHECK(!nvme_ring_take(&ring, &answer));
        command.cid = (u16)i;
        nvme_ring_push(&ring, &command);
        CHECK_EQ(sq[i % ENTRIES].cid, i);
        cq[i % ENTRIES] = (struct nvme_cqe){.cid = (u16)i, .status = (i / ENTRIES % 2) == 0};
        CHECK(nvme_ring_take(&ring, &answer));
        CHECK_EQ(answer.cid, i);
    }
    CHECK_EQ(ring.sq_tail, 0);
    CHECK_EQ(ring.cq_head, 0);
}

TEST(status)
{
    CHECK_EQ(nvme_status_to_errno(0x0001), 0);
    CHECK_EQ(nvme_status_to_errno(0x4000), 0);        /* only "do not retry" */
    CHECK_EQ(nvme_status_to_errno(0x281 << 1), -EIO); /* unrecovered read error */
    CHECK_EQ(nvme_status_to_errno(0x007 << 1), -ETIMEDOUT);
    CHECK_EQ(nvme_status_to_errno(0x00b << 1), -ENODEV);
    CHECK_EQ(nvme_status_to_errno(0xffff), -EIO);
}

static struct blk_req transfer(const struct blk_seg *segs, u32 count)
{
    struct blk_req req = {.op = BLK_READ, .segs = segs, .seg_count = count, .dev = &disk};

    for (u32 i = 0; i < count; i++)
        req.rest.blocks += segs[i].bytes / disk.block_bytes;
    req.rest.lba = 0x123456789aull;
    return req;
}

static u32 build(struct blk_req *req, u32 max_bytes)
{
    memset(list, 0xee, sizeof list);
    facts.max_bytes = max_bytes;
    nvme_build(&cmd, req, 7, &facts, list, hpa(LIST_HPA));
    CHECK_EQ(list[NVME_LIST_ENTRIES], 0xeeeeeeeeeeeeeeeeull);
    CHECK_EQ(cmd.nsid, 7);
    return (cmd.cdw12 + 1) * disk.block_bytes;
}

TEST(one_page_two_pages_a_list)
{
    struct blk_seg seg = {{0x10200}, 3584};
    struct blk_req req = transfer(&seg, 1);

    CHECK_EQ(build(&req, 1u << 18), 3584);
    CHECK_EQ(cmd.opcode, NVME_READ);
    CHECK_EQ(cmd.prp1, 0x10200);
    CHECK_EQ(cmd.prp2, 0);
    CHECK_EQ(cmd.cdw10, 0x3456789a);
    CHECK_EQ(cmd.cdw11, 0x12);
    CHECK_EQ(req.rest.blocks, 0);

    seg.bytes = 4096;
    req = transfer(&seg, 1);
    CHECK_EQ(build(&req, 1u << 18), 4096);
    CHECK_EQ(cmd.prp2, 0x11000);

    seg.bytes = 3 * 4096;
    req = transfer(&seg, 1);
    CHECK_EQ(build(&req, 1u << 18), 3 * 4096);
    CHECK_EQ(cmd.prp2, LIST_HPA);
    CHECK_EQ(list[0], 0x11000);
    CHECK_EQ(list[2], 0x13000);
}

TEST(memory_with_gaps_ends_a_command)
{
    struct blk_seg segs[] = {{{0x10800}, 2048},
                             {{0x20000}, 4096},
                             {{0x30000}, 512},
                             {{0x40000}, 4096},
                             {{0x50200}, 512}};
    struct blk_req req = transfer(segs, 5);

    /* From the middle of a page, over whole ones, to the middle of one: a list can say that. */
    CHECK_EQ(build(&req, 1u << 18), 2048 + 4096 + 512);
    CHECK_EQ(list[1], 0x30000);
    CHECK_EQ(build(&req, 1u << 18), 4096); /* the next does not begin a page */
    CHECK_EQ(cmd.prp1, 0x40000);
    CHECK_EQ(build(&req, 1u << 18), 512);
    CHECK_EQ(req.rest.blocks, 0);
}

TEST(lists_and_controllers_have_an_end)
{
    struct blk_seg seg = {{0x100e00}, 1 << 20};
    struct blk_req req = transfer(&seg, 1);

    CHECK_EQ(build(&req, 8192), 8192);
    CHECK_EQ(req.rest.offset, 8192);
    /* 512 bytes of the first page, then as many pages as the list holds. */
    seg.address = hpa(0x100e00);
    req = transfer(&seg, 1);
    CHECK_EQ(build(&req, 1u << 30), 512 + NVME_LIST_ENTRIES * 4096);
    disk.block_bytes = 4096;
    seg.bytes = 1 << 20;
    req = transfer(&seg, 1);
    CHECK_EQ(build(&req, 1u << 30), NVME_LIST_ENTRIES * 4096); /* whole blocks only */
    disk.block_bytes = 512;
}

static void check_piece(u32 i, u64 address, u32 bytes)
{
    const struct nvme_sgl *piece = (const struct nvme_sgl *)(const void *)list + i;

    CHECK_EQ(piece->address, address);
    CHECK_EQ(piece->bytes, bytes);
    CHECK_EQ(piece->type, NVME_SGL_DATA);
}

TEST(pieces_where_pages_have_gaps)
{
    struct blk_seg segs[40];
    struct blk_req req;

    facts.has_sgl = true;
    for (u32 i = 0; i < 40; i++)
        segs[i] = (struct blk_seg){hpa(0x100000 + 0x1004 * i), 512u * (1 + i % 2)};
    req = transfer(segs, 40);
    CHECK_EQ(build(&req, 1u << 18), 16 * (512 + 1024)); /* as many as the list holds */
    CHECK_EQ(cmd.flags, NVME_FLAGS_SGL);
    CHECK_EQ(cmd.prp1, LIST_HPA);
    CHECK_EQ(cmd.prp2, (u64)NVME_SGL_LAST_SEGMENT << 56 | 512);
    check_piece(0, 0x100000, 512);
    check_piece(31, 0x100000 + 31 * 0x1004, 1024);
    CHECK_EQ(build(&req, 1u << 18), 4 * (512 + 1024)); /* the rest */
    CHECK_EQ(cmd.prp2, (u64)NVME_SGL_LAST_SEGMENT << 56 | 128);
    check_piece(0, 0x100000 + 32 * 0x1004, 512);
    CHECK_EQ(req.rest.blocks, 0);

    req = transfer(segs, 40);
    CHECK_EQ(build(&req, 4096), 4096); /* in the middle of a piece */
    check_piece(4, 0x104010, 512);
    check_piece(5, 0x105014, 512);
    CHECK_EQ(build(&req, 4096), 4096);
    check_piece(0, 0x105214, 512);
    facts.has_sgl = false;
}

/* Whole pages after another: a list of them holds more than one of pieces. */
TEST(pages_where_they_do)
{
    struct blk_seg segs[NVME_LIST_ENTRIES + 8];
    struct blk_req req;

    facts.has_sgl = true;
    for (u32 i = 0; i < NVME_LIST_ENTRIES + 8; i++)
        segs[i] = (struct blk_seg){hpa(0x100000 + 0x2000 * i), 4096};
    segs[NVME_LIST_ENTRIES - 10].address.v += 512;
    req = transfer(segs, NVME_LIST_ENTRIES + 8);
    CHECK_EQ(build(&req, 1u << 18), (NVME_LIST_ENTRIES - 10) * 4096);
    CHECK_EQ(cmd.flags, 0);
    CHECK_EQ(cmd.prp2, LIST_HPA);
    CHECK_EQ(build(&req, 1u << 18), 18 * 4096);
    CHECK_EQ(cmd.flags, NVME_FLAGS_SGL);
    CHECK_EQ(req.rest.blocks, 0);
    facts.has_sgl = false;
}

TEST(commands_without_memory)
{
    struct blk_req req = {
        .op = BLK_WRITE_ZEROES, .dev = &disk, .rest = {.lba = 5, .blocks = 70000}};
    const struct nvme_dsm_range *range = (const void *)list;

    CHECK_EQ(build(&req, 4096), 65536 * 512);
    CHECK_EQ(req.rest.lba, 65541);
    req = (struct blk_req){.op = BLK_DISCARD, .dev = &disk, .rest = {.lba = 5, .blocks = 70000}};
    nvme_build(&cmd, &req, 7, &facts, list, hpa(LIST_HPA));
    CHECK_EQ(cmd.opcode, NVME_DSM);
    CHECK_EQ(cmd.prp1, LIST_HPA);
    CHECK_EQ(range->lba, 5);
    CHECK_EQ(range->blocks, 70000);
    CHECK_EQ(req.rest.blocks, 0);
    req = (struct blk_req){.op = BLK_FLUSH, .dev = &disk};
    nvme_build(&cmd, &req, 7, &facts, list, hpa(LIST_HPA));
    CHECK_EQ(cmd.opcode, NVME_FLUSH);
}

static u8 data[NVME_ID_BYTES];

TEST(controllers)
{
    memset(data, 0, sizeof data);
    memcpy(data + NVME_ID_MN, "Fast disk                               ", 40);
    memcpy(data + NVME_ID_SN,
           "\x01 12\xff"
           "3           ABC",
           20);
    data[NVME_ID_ONCS] = NVME_ONCS_DSM;
    nvme_parse_controller(&facts, data);
    CHECK_STR(facts.model, "Fast disk");
    CHECK_STR(facts.serial, "12 3           ABC");
    CHECK_EQ(facts.max_bytes, 1u << 18);
    CHECK(facts.can_discard && !facts.can_write_zeroes && !facts.has_write_cache);
    CHECK(!facts.has_sgl);
    data[NVME_ID_SGLS] = 2;
    data[NVME_ID_MDTS] = 1;
    nvme_parse_controller(&facts, data);
    CHECK_EQ(facts.max_bytes, 8192);
    CHECK(facts.has_sgl);
    memset(data, 0xff, sizeof data);
    nvme_parse_controller(&facts, data);
    CHECK_EQ(facts.max_bytes, 1u << 18);
    CHECK_STR(facts.model, "");
    memset(data, 'x', sizeof data);
    nvme_parse_controller(&facts, data);
    CHECK_EQ(strlen(facts.model), 40);
    CHECK_EQ(strlen(facts.serial), 20);
}

TEST(namespaces)
{
    struct nvme_namespace_facts ns;
    u64 blocks = 1000;

    memset(data, 0, sizeof data);
    CHECK_EQ(nvme_parse_namespace(&ns, data), -ENOENT);
    memcpy(data + NVME_ID_NS_NSZE, &blocks, 8);
    CHECK_EQ(nvme_parse_namespace(&ns, data), -EOPNOTSUPP); /* blocks of one byte */
    data[NVME_ID_NS_FLBAS] = 1;
    CHECK_EQ(nvme_parse_namespace(&ns, data), -EINVAL); /* a format there is not */
    data[NVME_ID_NS_NLBAF] = 1;
    data[NVME_ID_NS_LBAF + 6] = 12;
    data[NVME_ID_NS_ATTR] = NVME_NS_ATTR_WP;
    CHECK_EQ(nvme_parse_namespace(&ns, data), 0);
    CHECK_EQ(ns.block_bytes, 4096);
    CHECK_EQ(ns.block_count, 1000);
    CHECK(ns.is_read_only);
    data[NVME_ID_NS_LBAF + 4] = 8; /* metadata */
    CHECK_EQ(nvme_parse_namespace(&ns, data), -EOPNOTSUPP);
    data[NVME_ID_NS_LBAF + 4] = 0;
    memset(data + NVME_ID_NS_NSZE, 0xff, 8);
    CHECK_EQ(nvme_parse_namespace(&ns, data), -EINVAL);
}
