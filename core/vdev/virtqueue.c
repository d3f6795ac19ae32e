/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings and descriptors, read once and checked. */
#include "core/vdev/virtqueue.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

/* Spec: Virtio 1.2, 2.7.5 "The Virtqueue Descriptor Table". */
struct descriptor {
    u64 address;
    u32 bytes;
    u16 flags;
    u16 next;
};

#define DESC_NEXT     BIT(0)
#define DESC_WRITE    BIT(1)
#define DESC_INDIRECT BIT(2)

_Static_assert(sizeof(struct descriptor) == 16, "layout");
_Static_assert(sizeof(struct virtq_used) == 8, "layout");

/* Both rings: flags, index, entries, and an event index behind them. */
#define RING_INDEX   2u
#define RING_ENTRIES 4u
#define RING_FLAG_NO BIT(0) /* no interrupt wanted, no doorbell wanted */

#define CHAIN_BYTES_MAX BIT(32)

static u64 available_entry(const struct virtqueue *queue, u16 index)
{
    return queue->driver + RING_ENTRIES + sizeof(u16) * (index & (queue->size - 1u));
}

static u64 used_event(const struct virtqueue *queue)
{
    return queue->driver + RING_ENTRIES + sizeof(u16) * queue->size;
}

static u64 used_entry(const struct virtqueue *queue, u16 index)
{
    return queue->device + RING_ENTRIES + sizeof(struct virtq_used) * (index & (queue->size - 1u));
}

static u64 available_event(const struct virtqueue *queue)
{
    return queue->device + RING_ENTRIES + sizeof(struct virtq_used) * queue->size;
}

void virtqueue_init(struct virtqueue *queue, const struct gmem *gmem, u16 size_max)
{
    *queue = (struct virtqueue){.gmem = gmem, .size_max = size_max, .size = size_max};
}

void virtqueue_reset(struct virtqueue *queue)
{
    u32 generation = queue->generation;

    virtqueue_init(queue, queue->gmem, queue->size_max);
    queue->generation = generation + 1;
}

static int broken(struct virtqueue *queue)
{
    queue->is_broken = true;
    queue->is_live = false;
    return -EPROTO;
}

int virtqueue_start(struct virtqueue *queue)
{
    u64 size = queue->size;
    bool is_sound =
        size != 0 && size <= queue->size_max && IS_ALIGNED(size, size) &&
        IS_ALIGNED(queue->descriptors, sizeof(struct descriptor)) &&
        IS_ALIGNED(queue->driver, sizeof(u16)) && IS_ALIGNED(queue->device, sizeof(u32)) &&
        gmem_is_ram(queue->gmem, gpa(queue->descriptors), size * sizeof(struct descriptor)) &&
        gmem_is_ram(queue->gmem, gpa(queue->driver), RING_ENTRIES + sizeof(u16) * (size + 1)) &&
        gmem_is_ram(queue->gmem, gpa(queue->device),
                    RING_ENTRIES + sizeof(struct virtq_used) * size + sizeof(u16));

    if (!is_sound)
        return broken(queue);
    queue->is_live = true;
    return 0;
}

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
    u64 base;
    u32 count;
    bool is_indirect;
};

static int read_descriptor(const struct virtqueue *queue, const struct table *table, u32 index,
                           struct descriptor *out)
{
    if (index >= table->count)
        return -EPROTO;
    return gmem_read(queue->gmem, gpa(table->base + index * sizeof(*out)), out, sizeof(*out));
}

static int add_segment(const struct virtqueue *queue, struct virtq_chain *chain,
                       const struct descriptor *d)
{
    bool is_write = (d->flags & DESC_WRITE) != 0;

    if (chain->count == queue->size || (!is_write && chain->count != chain->read_count) ||
        !gmem_is_ram(queue->gmem, gpa(d->address), d->bytes))
        return -EPROTO;
    chain->segments[chain->count++] = (struct virtq_segment){gpa(d->address), d->bytes};
    if (is_write) {
        chain->write_bytes += d->bytes;
    } else {
        chain->read_bytes += d->bytes;
        chain->read_count++;
    }
    return chain->read_bytes + chain->write_bytes > CHAIN_BYTES_MAX ? -EPROTO : 0;
}

/* Spec: Virtio 1.2, 2.7.5.3 "Indirect Descriptors". */
static int enter_indirect(const struct virtqueue *queue, struct table *table,
                          const struct descriptor *d)
{
    if (!queue->has_indirect || table->is_indirect || (d->flags & DESC_NEXT) || d->bytes == 0 ||
        d->bytes % sizeof(*d) != 0 || d->bytes / sizeof(*d) > queue->size ||
        !gmem_is_ram(queue->gmem, gpa(d->address), d->bytes))
        return -EPROTO;
    *table = (struct table){d->address, d->bytes / (u32)sizeof(*d), true};
    return 0;
}

/* Ends at the last descriptor, or because a chain longer than the queue breaks the rules: loops do.
 */
static int walk(const struct virtqueue *queue, struct virtq_chain *chain)
{
    struct table table = {queue->descriptors, queue->size, false};
    u32 index = chain->head;
    struct descriptor d;

    for (;;) {
        int rc = read_descriptor(queue, &table, index, &d);

        if (rc)
            return rc;
        if (d.flags & DESC_INDIRECT) {
            rc = enter_indirect(queue, &table, &d);
            index = 0;
        } else {
            rc = add_segment(queue, chain, &d);
            if (rc == 0 && !(d.flags & DESC_NEXT))
                return 0;
            index = d.next;
        }
        if (rc)
            return rc;
    }
}

/* With the index, the chain at it needs a doorbell. */
static void tell(struct virtqueue *queue, u16 index)
{
    int rc;

    if (queue->has_event_idx)
        rc = gmem_store_u16(queue->gmem, gpa(available_event(queue)), index);
    else
        rc = gmem_store_u16(queue->gmem, gpa(queue->device),
                            queue->is_quiet ? (u16)RING_FLAG_NO : 0);
    if (rc)
        (void)broken(queue);
}

/*
 * The driver's index. Where it has added nothing, it is told that the next chain needs a doorbell,
 * unless it was told otherwise; what it added before it could know is seen by a second look.
 */
static int look(struct virtqueue *queue, u16 *available)
{
    gpa_t index = gpa(queue->driver + RING_INDEX);

    if (gmem_load_u16(queue->gmem, index, available))
        return -EPROTO;
    if (*available != queue->next_available || !queue->has_event_idx || queue->is_quiet)
        return 0;
    tell(queue, queue->next_available);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return gmem_load_u16(queue->gmem, index, available) ? -EPROTO : 0;
}

/* Where all chains that were seen are taken, looks for more. Return: 0 with *head; -EAGAIN (none);
 * -EPROTO. */
static int next_head(struct virtqueue *queue, u16 *head)
{
    u16 next = queue->next_available, nth = (u16)(next - queue->heads_from);
    u32 count;

    if (queue->available == next) {
        if (look(queue, &queue->available))
            return -EPROTO;
        if (queue->available == next)
            return -EAGAIN;
        if ((u16)(queue->available - next) > queue->size)
            return -EPROTO;
    }
    if (nth >= queue->heads_count) {
        count = MIN((u32)(u16)(queue->available - next), queue->size - (next & (queue->size - 1u)));
        count = MIN(count, VIRTQ_HEADS);
        if (gmem_read(queue->gmem, gpa(available_entry(queue, next)), queue->heads,
                      count * sizeof(queue->heads[0])))
            return -EPROTO;
        queue->heads_from = next;
        queue->heads_count = (u16)count;
        nth = 0;
    }
    *head = queue->heads[nth];
    return 0;
}

int virtqueue_pop(struct virtqueue *queue, struct virtq_chain *chain)
{
    u16 head;
    int rc;

    if (!queue->is_live)
        return -EAGAIN;
    rc = next_head(queue, &head);
    if (rc)
        return rc == -EPROTO ? broken(queue) : rc;
    chain->head = head;
    chain->generation = queue->generation;
    chain->count = 0;
    chain->read_count = 0;
    chain->read_bytes = 0;
    chain->write_bytes = 0;
    if (head >= queue->size || walk(queue, chain))
        return broken(queue);
    queue->next_available++;
    return 0;
}

void virtqueue_unpop(struct virtqueue *queue, u32 count)
{
    queue->next_available = (u16)(queue->next_available - count);
}

void virtqueue_push_all(struct virtqueue *queue, const struct virtq_used *used, u32 count)
{
    u16 flags = queue->is_quiet && !queue->has_event_idx ? (u16)RING_FLAG_NO : 0;
    u16 end = (u16)(queue->used + count);
    bool is_written = true;

    if (!queue->is_live)
        return;
    for (u32 i = 0, n; i < count && is_written; i += n) {
        u16 at = (u16)(queue->used + i);

        n = MIN(count - i, queue->size - (at & (queue->size - 1u)));
        is_written =
            gmem_write(queue->gmem, gpa(used_entry(queue, at)), &used[i], n * sizeof(used[0])) == 0;
    }
    if (!is_written || gmem_store_u32(queue->gmem, gpa(queue->device), flags | (u32)end << 16)) {
        (void)broken(queue);
        return;
    }
    queue->used = end;
}

void virtqueue_push(struct virtqueue *queue, const struct virtq_chain *chain, u32 bytes)
{
    if (chain->generation == queue->generation)
        virtqueue_push_all(queue, &(struct virtq_used){chain->head, bytes}, 1);
}

bool virtqueue_wants_interrupt(struct virtqueue *queue)
{
    u16 before = queue->signalled;
    u16 word;

    if (!queue->is_live || before == queue->used)
        return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index first, then what the driver wants */
    if (gmem_load_u16(queue->gmem, gpa(queue->has_event_idx ? used_event(queue) : queue->driver),
                      &word))
        return false;
    queue->signalled = queue->used;
    if (!queue->has_event_idx)
        return (word & RING_FLAG_NO) == 0;
    return (u16)(queue->used - word - 1) < (u16)(queue->used - before);
}

bool virtqueue_listen_beyond(struct virtqueue *queue, u32 count)
{
    u16 wanted = (u16)(queue->next_available + count);
    u16 available;

    if (!queue->is_live)
        return false;
    queue->is_quiet = false;
    tell(queue, wanted);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the wish first, then a last look */
    return gmem_load_u16(queue->gmem, gpa(queue->driver + RING_INDEX), &available) == 0 &&
           available != wanted;
}

void virtqueue_mute(struct virtqueue *queue)
{
    if (!queue->is_live || queue->is_quiet)
        return;
    queue->is_quiet = true;
    if (!queue->has_event_idx) /* with it, the event index that nobody moves says so */
        tell(queue, 0);
}

/* The part of segments [*i, end) that begins at *offset. Return: false at the end. */
static bool seek(const struct virtq_chain *chain, u16 *i, u16 end, u64 *offset)
{
    while (*i < end && *offset >= chain->segments[*i].bytes) {
        *offset -= chain->segments[*i].bytes;
        (*i)++;
    }
    return *i < end;
}

size_t virtq_chain_read(const struct gmem *gmem, const struct virtq_chain *chain, u64 offset,
                        void *dst, size_t bytes)
{
    size_t done = 0;
    u16 i = 0;

    while (done < bytes && seek(chain, &i, chain->read_count, &offset)) {
        const struct virtq_segment *s = &chain->segments[i];
        size_t n = MIN(bytes - done, (size_t)(s->bytes - offset));

        if (gmem_read(gmem, gpa(s->guest.v + offset), (u8 *)dst + done, n))
            break;
        done += n;
        offset += n;
    }
    return done;
}

size_t virtq_chain_write(const struct gmem *gmem, const struct virtq_chain *chain, u64 offset,
                         const void *src, size_t bytes)
{
    size_t done = 0;
    u16 i = chain->read_count;

    while (done < bytes && seek(chain, &i, chain->count, &offset)) {
        const struct virtq_segment *s = &chain->segments[i];
        size_t n = MIN(bytes - done, (size_t)(s->bytes - offset));

        if (gmem_write(gmem, gpa(s->guest.v + offset), (const u8 *)src + done, n))
            break;
        done += n;
        offset += n;
    }
    return done;
}
