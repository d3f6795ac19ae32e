/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings with phase tags; commands with lists of pages. */
#include "drivers/block/nvme_queue.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

void nvme_ring_init(struct nvme_ring *ring, void *sq, void *cq, u16 entries)
{
    memset(sq, 0, entries * sizeof(struct nvme_sqe));
    memset(cq, 0, entries * sizeof(struct nvme_cqe));
    *ring = (struct nvme_ring){.sq = sq, .cq = cq, .entries = entries, .phase = 1};
}

void nvme_ring_push(struct nvme_ring *ring, const struct nvme_sqe *cmd)
{
    ring->sq[ring->sq_tail] = *cmd;
    ring->sq_tail = (u16)((ring->sq_tail + 1u) % ring->entries);
}

bool nvme_ring_has_answer(const struct nvme_ring *ring)
{
    return (ring->cq[ring->cq_head].status & NVME_STATUS_PHASE) == ring->phase;
}

bool nvme_ring_take(struct nvme_ring *ring, struct nvme_cqe *out)
{
    if (!nvme_ring_has_answer(ring))
        return false;
    compiler_barrier(); /* the rest was written before the phase; x86 keeps the order of loads */
    *out = ring->cq[ring->cq_head];
    if (++ring->cq_head == ring->entries) {
        ring->cq_head = 0;
        ring->phase ^= NVME_STATUS_PHASE;
    }
    return true;
}

int nvme_status_to_errno(u16 status)
{
    switch (FIELD_GET(NVME_STATUS_CODE, status)) {
    case NVME_SC_SUCCESS:
        return 0;
    case NVME_SC_ABORT_REQUESTED:
    case NVME_SC_ABORT_SQ_DELETED:
        return -ETIMEDOUT; /* only late commands are aborted */
    case NVME_SC_INVALID_NAMESPACE:
        return -ENODEV;
    default:
        return -EIO;
    }
}

static u32 page_left(u64 address)
{
    return (u32)(PAGE_SIZE - (address & PAGE_MASK));
}

/*
 * Lists the pages of the request's rest. The first piece of memory may begin anywhere in a page;
 * all others must begin a page, all but the last end one: where the request's memory is not so, the
 * command ends and the next one goes on. Spec: "Physical Region Page Entry and List". Return: the
 * bytes listed, a multiple of the block size; more than none, for segments are such multiples.
 */
static u32 list_pages(struct nvme_sqe *cmd, const struct blk_req *req, u32 max_bytes, u64 *list,
                      hpa_t list_hpa)
{
    struct blk_cursor at = req->rest;
    u32 bytes = 0, entries = 0, piece;
    hpa_t page;

    while (bytes < max_bytes) {
        u64 start = req->segs[at.seg].address.v + at.offset;

        if (entries > NVME_LIST_ENTRIES || (entries > 0 && !IS_ALIGNED(start, PAGE_SIZE)))
            break;
        piece = blk_cursor_take(req, &at, MIN(page_left(start), max_bytes - bytes), &page);
        if (entries == 0)
            cmd->prp1 = page.v;
        else
            list[entries - 1] = page.v;
        entries++;
        bytes += piece;
        if (at.seg == req->seg_count || !IS_ALIGNED(page.v + piece, PAGE_SIZE))
            break;
    }
    cmd->prp2 = entries <= 1 ? 0 : entries == 2 ? list[0] : list_hpa.v;
    return ALIGN_DOWN(bytes, req->dev->block_bytes);
}

/* The bytes of the request's rest that a list of pieces has room for. */
static u32 count_pieces(const struct blk_req *req, u32 max_bytes)
{
    struct blk_cursor at = req->rest;
    u32 bytes = 0;
    hpa_t address;

    for (u32 i = 0; i < NVME_SGL_ENTRIES; i++)
        bytes += blk_cursor_take(req, &at, max_bytes - bytes, &address);
    return bytes;
}

/*
 * Lists pieces of memory as they are, for memory whose pages have gaps. Spec: "Scatter Gather List
 * (SGL)": the command points to the last, and only, segment of the list.
 */
static void list_pieces(struct nvme_sqe *cmd, const struct blk_req *req, u32 bytes,
                        struct nvme_sgl *list, hpa_t list_hpa)
{
    struct blk_cursor at = req->rest;
    u32 count = 0, piece;
    hpa_t address;

    for (; bytes > 0; bytes -= piece) {
        piece = blk_cursor_take(req, &at, bytes, &address);
        list[count++] = (struct nvme_sgl){address.v, piece, {0}, NVME_SGL_DATA};
    }
    cmd->flags = NVME_FLAGS_SGL;
    cmd->sgl1 =
        (struct nvme_sgl){list_hpa.v, count * (u32)sizeof(*list), {0}, NVME_SGL_LAST_SEGMENT};
}

static void set_range(struct nvme_sqe *cmd, u64 lba, u32 blocks)
{
    cmd->cdw10 = (u32)lba;
    cmd->cdw11 = (u32)(lba >> 32);
    cmd->cdw12 = blocks - 1; /* zero-based */
}

/* Pages, which every controller knows best; pieces where they say more in one command. */
static void build_transfer(struct nvme_sqe *cmd, struct blk_req *req,
                           const struct nvme_controller_facts *facts, void *list, hpa_t list_hpa)
{
    u32 bytes = list_pages(cmd, req, facts->max_bytes, list, list_hpa);
    u32 in_pieces = 0;

    if (facts->has_sgl && bytes < facts->max_bytes &&
        bytes / req->dev->block_bytes < req->rest.blocks)
        in_pieces = count_pieces(req, facts->max_bytes);
    if (in_pieces > bytes) {
        bytes = in_pieces;
        list_pieces(cmd, req, bytes, list, list_hpa);
    }
    cmd->opcode = req->op == BLK_READ ? NVME_READ : NVME_WRITE;
    set_range(cmd, req->rest.lba, bytes / req->dev->block_bytes);
    blk_advance(req, bytes);
}

static void build_zeroes(struct nvme_sqe *cmd, struct blk_req *req)
{
    u32 blocks = MIN(req->rest.blocks, NVME_BLOCKS_MAX);

    cmd->opcode = NVME_WRITE_ZEROES;
    set_range(cmd, req->rest.lba, blocks);
    blk_advance_blocks(req, blocks);
}

/* Spec: NVM Command Set "Dataset Management command": one range. */
static void build_discard(struct nvme_sqe *cmd, struct blk_req *req, struct nvme_dsm_range *range,
                          hpa_t range_hpa)
{
    *range = (struct nvme_dsm_range){.blocks = req->rest.blocks, .lba = req->rest.lba};
    cmd->opcode = NVME_DSM;
    cmd->prp1 = range_hpa.v;
    cmd->cdw10 = 0; /* ranges, less one */
    cmd->cdw11 = NVME_DSM_AD;
    blk_advance_blocks(req, req->rest.blocks);
}

void nvme_build(struct nvme_sqe *cmd, struct blk_req *req, u32 nsid,
                const struct nvme_controller_facts *facts, void *list, hpa_t list_hpa)
{
    *cmd = (struct nvme_sqe){.nsid = nsid};
    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE:
        build_transfer(cmd, req, facts, list, list_hpa);
        break;
    case BLK_WRITE_ZEROES:
        build_zeroes(cmd, req);
        break;
    case BLK_DISCARD:
        build_discard(cmd, req, list, list_hpa);
        break;
    case BLK_FLUSH:
    case BLK_OP_COUNT:
        cmd->opcode = NVME_FLUSH;
        break;
    }
}
