/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request of a guest to its disk: header, ranges and places are read once, by copy, and checked
 * against the volume; then it goes to the volume in rounds of as many pieces of memory as a slot
 * has room for. The memory is pinned from the first round to the last. Where the guest's buffers
 * are not fit for a disk (blocks that are torn, odd addresses) the data take a way over a buffer of
 * ours. Spec: Virtio 1.2, 5.2.6 "Device Operation".
 */
#include "core/lib/errno.h"
#include "core/vdev/virtio_blk_impl.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"
#include "mm/layout.h"

#define T_IN           0u
#define T_OUT          1u
#define T_FLUSH        4u
#define T_GET_ID       8u
#define T_DISCARD      11u
#define T_WRITE_ZEROES 13u

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

#define RANGE_UNMAP BIT(0)

_Static_assert(sizeof(struct header) == 16, "layout");
_Static_assert(sizeof(struct range) == 16, "layout");

static const struct gmem *gmem_of(const struct blk_slot *slot)
{
    return &slot->blk->virtio.dev.vm->gmem;
}

static struct volume *volume_of(const struct blk_slot *slot)
{
    return slot->blk->cfg.volume;
}

/* Sectors to blocks. Return: false if they are no whole blocks, or not all in the volume. */
static bool to_blocks(const struct blk_slot *slot, u64 sector, u64 sectors, u64 *lba)
{
    u32 per_block = volume_of(slot)->block_bytes / BLK_SECTOR;
    u64 count = volume_blocks(volume_of(slot)) * per_block;

    if (sectors == 0 || sector >= count || sectors > count - sector || sector % per_block != 0 ||
        sectors % per_block != 0)
        return false;
    *lba = sector / per_block;
    return true;
}

/* -- memory
 * ---------------------------------------------------------------------------------------------------
 */

/* The part of the chain that the data are in ends there. */
static u16 data_end(const struct blk_slot *slot)
{
    return slot->op == BLK_WRITE ? slot->chain.read_count : slot->chain.count;
}

static struct blk_place data_begin(const struct blk_slot *slot)
{
    const struct virtq_chain *chain = &slot->chain;
    struct blk_place at = {.segment = slot->op == BLK_WRITE ? 0 : chain->read_count};
    u32 skip = slot->op == BLK_WRITE ? sizeof(struct header) : 0;

    while (skip > 0 && at.segment < chain->read_count && chain->segments[at.segment].bytes <= skip)
        skip -= chain->segments[at.segment++].bytes;
    at.offset = skip;
    return at;
}

/* What lies in one piece of guest memory from there on, at most `max` bytes, and moves over it.
 * Return: bytes; 0 at the end. */
static u32 data_take(const struct blk_slot *slot, struct blk_place *at, u64 max, gpa_t *guest)
{
    while (at->segment < data_end(slot) && max > 0) {
        const struct virtq_segment *s = &slot->chain.segments[at->segment];
        u32 bytes = (u32)MIN((u64)(s->bytes - at->offset), max);

        *guest = gpa(s->guest.v + at->offset);
        at->offset += bytes;
        if (at->offset == s->bytes)
            *at = (struct blk_place){.segment = (u16)(at->segment + 1)};
        if (bytes > 0)
            return bytes;
    }
    return 0;
}

static void unpin(const struct blk_slot *slot, u64 bytes)
{
    struct blk_place at = data_begin(slot);
    gpa_t guest;
    u32 n;

    for (; (n = data_take(slot, &at, bytes, &guest)) > 0; bytes -= n)
        gmem_unpin(gmem_of(slot), guest, n);
}

/* Return: false if the host has no memory for a frame that the guest had given back. */
static bool pin(struct blk_slot *slot)
{
    struct blk_place at = slot->place;
    u64 done = 0;
    gpa_t guest;
    u32 n;

    for (; (n = data_take(slot, &at, slot->left - done, &guest)) > 0; done += n) {
        if (gmem_pin(gmem_of(slot), guest, n)) {
            unpin(slot, done);
            return false;
        }
    }
    slot->is_pinned = true;
    return true;
}

/* Adds a piece of host memory, to the last one if it follows. Return: false if there is no room. */
static bool add_piece(struct blk_slot *slot, hpa_t host, u32 bytes)
{
    struct blk_seg *last = slot->req.seg_count > 0 ? &slot->pieces[slot->req.seg_count - 1] : NULL;

    if (last && last->address.v + last->bytes == host.v) {
        last->bytes += bytes;
        return true;
    }
    if (slot->req.seg_count == BLK_PIECES)
        return false;
    slot->pieces[slot->req.seg_count++] = (struct blk_seg){host, bytes};
    return true;
}

/* Pieces of what lies in one piece of guest memory. Return: bytes of it there was room for. */
static u32 add_pieces(struct blk_slot *slot, gpa_t guest, u32 bytes)
{
    u32 done = 0;
    hpa_t host;

    while (done < bytes) {
        u32 n = (u32)gmem_pinned(gmem_of(slot), gpa(guest.v + done), bytes - done, &host);

        if (!add_piece(slot, host, n))
            break;
        done += n;
    }
    return done;
}

/* A round over the guest's own memory. */
static void gather(struct blk_slot *slot)
{
    struct blk_place at = slot->place;
    gpa_t guest;
    u32 n;

    slot->round = 0;
    slot->req.seg_count = 0;
    while ((n = data_take(slot, &at, slot->left - slot->round, &guest)) > 0) {
        u32 added = add_pieces(slot, guest, n);

        slot->round += added;
        if (added < n)
            break;
    }
}

/* Return: false if there is no memory for a buffer. */
static bool bounce_begin(struct blk_slot *slot)
{
    slot->bounce_bytes = (u32)MIN(slot->left, (u64)BLK_BOUNCE_MAX);
    slot->bounce = kmalloc(slot->bounce_bytes);
    return slot->bounce != NULL;
}

/* Where the data of this round begin in their part of the chain. */
static u64 chain_offset(const struct blk_slot *slot)
{
    return (slot->op == BLK_WRITE ? sizeof(struct header) : 0) + slot->moved;
}

static bool bounce_round(struct blk_slot *slot)
{
    slot->round = (u32)MIN(slot->left, (u64)slot->bounce_bytes);
    slot->pieces[0] = (struct blk_seg){ptr_to_hpa(slot->bounce), slot->round};
    slot->req.seg_count = 1;
    return slot->op == BLK_READ || virtq_chain_read(gmem_of(slot), &slot->chain, chain_offset(slot),
                                                    slot->bounce, slot->round) == slot->round;
}

/* -- rounds
 * ---------------------------------------------------------------------------------------------------
 */

static bool fail(struct blk_slot *slot, u8 status)
{
    slot->status = status;
    return false;
}

static bool next_data(struct blk_slot *slot)
{
    u32 block = volume_of(slot)->block_bytes;

    if (!slot->bounce) {
        gather(slot);
        if (!blk_segs_fit(slot->pieces, slot->req.seg_count, block, slot->round) &&
            !bounce_begin(slot))
            return fail(slot, BLK_S_IOERR);
    }
    if (slot->bounce && !bounce_round(slot))
        return fail(slot, BLK_S_IOERR);
    slot->req.op = slot->op;
    slot->req.lba = slot->lba;
    slot->req.blocks = slot->round / block;
    slot->req.segs = slot->pieces;
    return true;
}

static bool next_range(struct blk_slot *slot)
{
    u64 offset = sizeof(struct header) + slot->range * sizeof(struct range);
    u32 known = slot->op == BLK_WRITE_ZEROES ? (u32)RANGE_UNMAP : 0;
    struct range range;

    if (virtq_chain_read(gmem_of(slot), &slot->chain, offset, &range, sizeof(range)) !=
        sizeof(range))
        return fail(slot, BLK_S_IOERR);
    if ((range.flags & ~known) != 0)
        return fail(slot, BLK_S_UNSUPP);
    if (range.sectors > BLK_RANGE_MAX ||
        !to_blocks(slot, range.sector, range.sectors, &slot->req.lba))
        return fail(slot, BLK_S_IOERR);
    slot->req.op = slot->op;
    slot->req.blocks = range.sectors / (volume_of(slot)->block_bytes / BLK_SECTOR);
    slot->req.seg_count = 0;
    slot->round = 0;
    slot->range++;
    slot->ranges--;
    return true;
}

static bool next_flush(struct blk_slot *slot)
{
    slot->is_write_through = false;
    slot->req.op = BLK_FLUSH;
    slot->req.lba = 0;
    slot->req.blocks = 0;
    slot->req.seg_count = 0;
    slot->round = 0;
    return true;
}

/* What the volume is to do next. Return: false: nothing, or it cannot be done. */
static bool next(struct blk_slot *slot)
{
    if (slot->status != BLK_S_OK)
        return false;
    if (slot->left > 0)
        return next_data(slot);
    if (slot->ranges > 0)
        return next_range(slot);
    return slot->is_write_through && next_flush(slot);
}

/* The volume has done its part. */
static void settle(struct blk_slot *slot)
{
    if (slot->req.status != 0) {
        slot->status = slot->req.status == -EOPNOTSUPP ? BLK_S_UNSUPP : BLK_S_IOERR;
        return;
    }
    if (slot->bounce && slot->op == BLK_READ &&
        virtq_chain_write(gmem_of(slot), &slot->chain, chain_offset(slot), slot->bounce,
                          slot->round) != slot->round)
        slot->status = BLK_S_IOERR;
    while (!slot->bounce && slot->round > 0) { /* over what was moved */
        gpa_t guest;
        u32 n = data_take(slot, &slot->place, slot->round, &guest);

        slot->round -= n;
        slot->left -= n;
        slot->moved += n;
    }
    slot->left -= slot->round;
    slot->moved += slot->round;
    slot->lba += slot->req.op == slot->op ? slot->req.blocks : 0;
    slot->round = 0;
}

/* Return: false: the volume has it, and perhaps is done with it by now: hands off. */
static bool advance(struct blk_slot *slot)
{
    while (next(slot)) {
        if (!volume_submit(volume_of(slot), &slot->req))
            return false;
        settle(slot);
    }
    return true;
}

static void on_done(struct volume_req *req)
{
    struct blk_slot *slot = container_of(req, struct blk_slot, req);

    settle(slot);
    if (advance(slot))
        blk_slot_finish(slot);
}

/* -- kinds of requests
 * ----------------------------------------------------------------------------------------------
 */

static bool start_data(struct blk_slot *slot, u64 sector, u64 bytes)
{
    slot->left = bytes;
    slot->place = data_begin(slot);
    if (bytes > BLK_REQUEST_MAX || bytes % BLK_SECTOR != 0 ||
        !to_blocks(slot, sector, bytes / BLK_SECTOR, &slot->lba) || !pin(slot))
        return fail(slot, BLK_S_IOERR);
    return true;
}

static bool start_ranges(struct blk_slot *slot, u64 bytes)
{
    if (bytes == 0 || bytes % sizeof(struct range) != 0 ||
        bytes / sizeof(struct range) > BLK_RANGES_MAX)
        return fail(slot, BLK_S_IOERR);
    slot->ranges = (u32)(bytes / sizeof(struct range));
    return true;
}

static bool get_id(struct blk_slot *slot)
{
    const char *serial = slot->blk->cfg.serial;

    if (slot->chain.write_bytes != VIRTIO_BLK_SERIAL_MAX + 1 ||
        virtq_chain_write(gmem_of(slot), &slot->chain, 0, serial, VIRTIO_BLK_SERIAL_MAX) !=
            VIRTIO_BLK_SERIAL_MAX)
        return fail(slot, BLK_S_IOERR);
    return true;
}

/* Requests that the device was not offered for are unknown to it. */
static bool offers(const struct blk_slot *slot, u64 feature)
{
    return (slot->blk->model.features & feature) != 0;
}

static bool start_kind(struct blk_slot *slot, const struct header *header)
{
    u64 in = slot->chain.read_bytes - sizeof(*header);
    u64 out = slot->chain.write_bytes - 1;

    switch (header->type) {
    case T_IN:
        slot->op = BLK_READ;
        return start_data(slot, header->sector, out);
    case T_OUT:
        slot->op = BLK_WRITE;
        return start_data(slot, header->sector, in);
    case T_FLUSH:
        slot->op = BLK_FLUSH;
        slot->is_write_through = true;
        return true;
    case T_GET_ID:
        return get_id(slot);
    case T_DISCARD:
        slot->op = BLK_DISCARD;
        return offers(slot, BLK_F_DISCARD) ? start_ranges(slot, in) : fail(slot, BLK_S_UNSUPP);
    case T_WRITE_ZEROES:
        slot->op = BLK_WRITE_ZEROES;
        return offers(slot, BLK_F_WRITE_ZEROES) ? start_ranges(slot, in) : fail(slot, BLK_S_UNSUPP);
    default:
        return fail(slot, BLK_S_UNSUPP);
    }
}

/* Without the flush feature the driver takes what is done for safe. */
static bool writes_through(const struct blk_slot *slot)
{
    return slot->op != BLK_READ && volume_of(slot)->has_write_cache &&
           !(slot->blk->virtio.accepted & BLK_F_FLUSH);
}

bool blk_slot_start(struct blk_slot *slot)
{
    struct header header;

    slot->status = BLK_S_OK;
    slot->op = BLK_OP_COUNT;
    slot->is_write_through = slot->is_pinned = false;
    slot->left = slot->moved = slot->lba = 0;
    slot->round = slot->ranges = slot->range = 0;
    slot->bounce = NULL;
    slot->req.done = on_done;
    slot->req.arg = slot->blk;
    slot->begin_ns = time_ns();
    if (blk_is_dead(slot->blk) || slot->chain.write_bytes == 0 ||
        virtq_chain_read(gmem_of(slot), &slot->chain, 0, &header, sizeof(header)) !=
            sizeof(header)) {
        slot->status = BLK_S_IOERR;
        return true;
    }
    if (!start_kind(slot, &header))
        return true;
    if (slot->op == BLK_WRITE || slot->op == BLK_WRITE_ZEROES)
        slot->is_write_through = writes_through(slot);
    if (slot->blk->cfg.is_read_only && slot->op != BLK_READ && slot->op != BLK_FLUSH &&
        slot->op != BLK_OP_COUNT)
        slot->status = BLK_S_IOERR;
    return advance(slot);
}

static void count(struct blk_slot *slot)
{
    struct blk_stats *stats = &slot->blk->stats;

    if (slot->status != BLK_S_OK)
        __atomic_fetch_add(&stats->errors, 1, __ATOMIC_RELAXED);
    if (slot->op == BLK_OP_COUNT)
        return;
    __atomic_fetch_add(&stats->requests[slot->op], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&stats->bytes[slot->op], slot->moved, __ATOMIC_RELAXED);
    __atomic_fetch_add(&stats->ns[slot->op], time_ns() - slot->begin_ns, __ATOMIC_RELAXED);
}

u32 blk_slot_end(struct blk_slot *slot)
{
    const struct virtq_chain *chain = &slot->chain;

    if (slot->is_pinned)
        unpin(slot, slot->left + slot->moved);
    kfree(slot->bounce);
    count(slot);
    if (chain->write_bytes == 0)
        return 0;
    (void)virtq_chain_write(gmem_of(slot), chain, chain->write_bytes - 1, &slot->status, 1);
    return (u32)MIN(chain->write_bytes, (u64)UINT32_MAX);
}
