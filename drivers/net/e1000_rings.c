/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to and from Intel's gigabit cards: one receive and one transmit ring.
 *
 * Frames move by reference: a receive descriptor always owns a pktbuf, and a full one is exchanged
 * for an empty one; when the pool is empty the frame is dropped and its buffer reused. A frame that
 * is longer than a buffer comes in several descriptors, in order, and is copied together. One with
 * a partial checksum needs a context descriptor before it, unless the device has that context
 * already: it keeps the last one. A segment for the device to cut has a context of its own, and a
 * descriptor for each of its buffers. The device's writes to descriptors are not trusted further
 * than needed: each is read once, lengths are bounded before use.
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/e1000.h"
#include "drivers/net/pktbuf_csum.h"

#define RING_SIZE         E1000_RING_SIZE
#define RING_BYTES        (RING_SIZE * sizeof(struct e1000_desc))
/* The device gets emptied descriptors back in groups: each tail write is a slow bus access. */
#define RX_RETURN_BATCH   16u
#define ENABLE_TIMEOUT_NS (10 * NS_PER_MS)

static volatile struct e1000_desc *rx_desc(const struct e1000 *nic, u32 i)
{
    return (volatile struct e1000_desc *)nic->rx_ring.cpu + i;
}

static volatile struct e1000_desc *tx_desc(const struct e1000 *nic, u32 i)
{
    return (volatile struct e1000_desc *)nic->tx_ring.cpu + i;
}

static u32 after(u32 i)
{
    return (i + 1) % RING_SIZE;
}

/* Hands a receive descriptor (back) to the device. */
static void rx_arm(struct e1000 *nic, u32 i)
{
    volatile struct e1000_desc *desc = rx_desc(nic, i);

    desc->address = nic->rx[i]->hpa.v + PKTBUF_HEADROOM;
    desc->word = 0;
}

/* Gives all emptied descriptors to the device; one stays with us, or head would equal tail. */
static void rx_return(struct e1000 *nic)
{
    compiler_barrier(); /* descriptors before the tail; x86 keeps the order of stores */
    e1000_write(nic, E1000_RDT, (nic->rx_next + RING_SIZE - 1) % RING_SIZE);
}

/* Frames for us, broadcast, and all groups, as IPv6 needs them: the table stays empty. Not every
 * reset leaves our address valid. */
static void set_filter(struct e1000 *nic)
{
    const u8 *mac = nic->dev.mac;

    e1000_write(nic, E1000_RAL0, mac[0] | (u32)mac[1] << 8 | (u32)mac[2] << 16 | (u32)mac[3] << 24);
    e1000_write(nic, E1000_RAH0, mac[4] | (u32)mac[5] << 8 | E1000_RAH_AV);
    for (u32 i = 0; i < E1000_MTA_WORDS; i++)
        e1000_write(nic, E1000_MTA + 4 * i, 0);
}

/* Writes RXDCTL or TXDCTL. Where that turns the queue on, waits until it is. Return: 0, -EIO. */
static int queue_enable(struct e1000 *nic, u32 reg, u32 value)
{
    e1000_write(nic, reg, value);
    if (!(value & E1000_QUEUE_ENABLE) ||
        e1000_wait(nic, reg, E1000_QUEUE_ENABLE, E1000_QUEUE_ENABLE, ENABLE_TIMEOUT_NS))
        return 0;
    return -EIO;
}

void e1000_set_receive(struct netdev *dev)
{
    u64 filter =
        (dev->is_promisc ? E1000_RCTL_UPE : 0) | (dev->mtu > ETHERNET_MTU ? E1000_RCTL_LPE : 0);

    e1000_write(container_of(dev, struct e1000, dev), E1000_RCTL,
                filter | E1000_RCTL_EN | E1000_RCTL_MPE | E1000_RCTL_BAM | E1000_RCTL_SECRC);
}

/* Spec: 4.6.5 "Receive Initialization"; 82576 Datasheet 4.5.9. */
int e1000_rx_start(struct e1000 *nic)
{
    const struct e1000_model *model = nic->model;
    int rc = 0;

    /* 1. Addresses; checksums are checked. */
    set_filter(nic);
    pktbuf_join_reset(&nic->join);
    e1000_write(nic, E1000_RXCSUM, E1000_RXCSUM_IPOFL | E1000_RXCSUM_TUOFL);

    /* 2. A buffer for every descriptor. */
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (!nic->rx[i])
            nic->rx[i] = pktbuf_alloc();
        if (!nic->rx[i])
            return -ENOMEM;
        rx_arm(nic, i);
    }

    /* 3. Ring base and length; from the 82576 on format and queue, too. */
    e1000_write(nic, E1000_RDBAL, nic->rx_ring.bus.v);
    e1000_write(nic, E1000_RDBAH, nic->rx_ring.bus.v >> 32);
    e1000_write(nic, E1000_RDLEN, RING_BYTES);
    e1000_write(nic, E1000_RDH, 0);
    nic->rx_next = 0;
    if (model->rxdctl) {
        e1000_write(nic, E1000_SRRCTL, model->srrctl);
        rc = queue_enable(nic, E1000_RXDCTL, model->rxdctl);
    }
    if (rc)
        return rc;

    /* 4. Enable, then give the descriptors: the datasheet's order. */
    e1000_set_receive(&nic->dev);
    rx_return(nic);
    return 0;
}

static void tx_drop(struct e1000 *nic, struct pktbuf *pkt)
{
    netdev_count(&nic->dev.counters.tx_drops, pktbuf_free_all(pkt));
}

/* What was queued is lost with the reset. */
static void tx_empty(struct e1000 *nic)
{
    memset(nic->tx_ring.cpu, 0, RING_BYTES);
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (nic->tx[i])
            tx_drop(nic, nic->tx[i]);
        nic->tx[i] = NULL;
    }
    nic->tx_head = 0;
    nic->tx_tail = 0;
    nic->tx_context = (struct e1000_desc){0, 0};
    nic->tx_dirty = false;
}

/* Spec: 4.6.6 "Transmit Initialization"; 82576 Datasheet 4.5.10. */
int e1000_tx_start(struct e1000 *nic)
{
    int rc;

    /* 1. Nothing is queued. */
    tx_empty(nic);

    /* 2. Ring base and length. */
    e1000_write(nic, E1000_TDBAL, nic->tx_ring.bus.v);
    e1000_write(nic, E1000_TDBAH, nic->tx_ring.bus.v >> 32);
    e1000_write(nic, E1000_TDLEN, RING_BYTES);
    e1000_write(nic, E1000_TDH, 0);
    e1000_write(nic, E1000_TDT, 0);

    /* 3. Write-back of every descriptor, gap, enable. */
    rc = queue_enable(nic, E1000_TXDCTL, nic->model->txdctl);
    if (rc)
        return rc;
    e1000_write(nic, E1000_TIPG, E1000_TIPG_DEFAULT);
    e1000_write(nic, E1000_TCTL,
                E1000_TCTL_EN | E1000_TCTL_PSP | (E1000_TCTL_CT_DEFAULT << E1000_TCTL_CT_SHIFT) |
                    (E1000_TCTL_COLD_FULL_DUPLEX << E1000_TCTL_COLD_SHIFT));
    return 0;
}

bool e1000_rx_pending(const struct e1000 *nic)
{
    return !nic->is_dead && (rx_desc(nic, nic->rx_next)->word & nic->model->format->rx_done) != 0;
}

/* Exchanges the full buffer of a descriptor for an empty one. Return: NULL: dropped, used again. */
static struct pktbuf *rx_exchange(struct e1000 *nic, u32 i, const struct e1000_frame *frame)
{
    struct pktbuf *full = nic->rx[i], *empty;

    if (frame->is_bad || frame->len < ETHERNET_HEADER_BYTES || frame->len > PKTBUF_DATA ||
        frame->len > netdev_frame_max(&nic->dev)) {
        netdev_count(&nic->dev.counters.rx_errors, 1);
        return NULL;
    }
    empty = pktbuf_alloc();
    if (!empty) {
        netdev_count(&nic->dev.counters.rx_drops, 1);
        return NULL;
    }
    nic->rx[i] = empty;
    full->len = frame->len;
    full->csum = frame->csum_ok ? PKTBUF_CSUM_VALID : PKTBUF_CSUM_UNKNOWN;
    return full;
}

/* Copies what is in a descriptor's buffer, which is used again. What the last one says of the
 * checksum is true of all. Return: NULL: there is more to come, or the frame was lost. */
static struct pktbuf *rx_join(struct e1000 *nic, u32 i, const struct e1000_frame *frame)
{
    struct pktbuf *whole;

    pktbuf_join_add(&nic->join, pktbuf_data(nic->rx[i]), frame->len, netdev_frame_max(&nic->dev),
                    frame->is_bad || frame->len > PKTBUF_DATA);
    if (!frame->is_last)
        return NULL;
    whole = pktbuf_join_end(&nic->join, &nic->dev.counters);
    if (whole && frame->csum_ok)
        whole->csum = PKTBUF_CSUM_VALID;
    return whole;
}

struct pktbuf *e1000_rx_poll(struct netdev *dev)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);
    const struct e1000_format *format = nic->model->format;

    if (nic->is_dead)
        return NULL;
    for (u32 tries = 0; tries < RING_SIZE; tries++) {
        u32 i = nic->rx_next;
        u64 word = rx_desc(nic, i)->word;
        struct e1000_frame frame;
        struct pktbuf *full;

        if (!(word & format->rx_done))
            return NULL;
        frame = format->rx_parse(word);
        full = frame.is_last && !nic->join.is_begun ? rx_exchange(nic, i, &frame)
                                                    : rx_join(nic, i, &frame);
        rx_arm(nic, i);
        nic->rx_next = after(i);
        if (i % RX_RETURN_BATCH == RX_RETURN_BATCH - 1)
            rx_return(nic);
        if (full)
            return full;
    }
    return NULL;
}

/* Frees the buffers of what the device has sent. It reports the end of a frame or segment, not its
 * context, nor what else comes before. */
static void tx_reclaim(struct e1000 *nic)
{
    while (nic->tx_head != nic->tx_tail) {
        u32 end = nic->tx_end[nic->tx_head];

        if (!(tx_desc(nic, end)->word & E1000_TX_DONE))
            return;
        (void)pktbuf_free_all(nic->tx[end]);
        nic->tx[end] = NULL;
        nic->tx_head = after(end);
        nic->tx_progress_ns = time_ns();
    }
}

/* Return: whether so many descriptors may be filled; one is always left over, or head would equal
 * tail. */
static bool tx_has_room(const struct e1000 *nic, u32 count)
{
    return (nic->tx_head + RING_SIZE - nic->tx_tail - 1) % RING_SIZE >= count;
}

static bool tx_make_room(struct e1000 *nic, u32 count)
{
    if (!tx_has_room(nic, count))
        tx_reclaim(nic);
    if (nic->tx_head == nic->tx_tail)
        nic->tx_progress_ns = time_ns();
    return tx_has_room(nic, count);
}

static void tx_put(struct e1000 *nic, struct e1000_desc desc)
{
    volatile struct e1000_desc *slot = tx_desc(nic, nic->tx_tail);

    slot->address = desc.address;
    slot->word = desc.word;
    nic->tx_tail = after(nic->tx_tail);
}

static void tx_put_context(struct e1000 *nic, const struct e1000_desc *context)
{
    tx_put(nic, *context);
    nic->tx_context = *context;
}

/* The last buffer of what begins at `begin` and owns these. */
static void tx_put_end(struct e1000 *nic, struct e1000_desc desc, u32 begin, struct pktbuf *owned)
{
    desc.word |= E1000_TX_EOP | E1000_TX_RS;
    nic->tx[nic->tx_tail] = owned;
    nic->tx_end[begin] = (u16)nic->tx_tail;
    tx_put(nic, desc);
    nic->tx_dirty = true;
}

/* Return: true if the frame needs a context that the device does not have. */
static bool needs_context(const struct e1000 *nic, struct pktbuf *pkt, struct e1000_desc *context)
{
    if (pkt->csum != PKTBUF_CSUM_PARTIAL)
        return false;
    if (!nic->model->format->tx_context(pkt, context)) {
        pktbuf_csum_complete(pkt);
        return false;
    }
    return context->address != nic->tx_context.address || context->word != nic->tx_context.word;
}

bool e1000_tx(struct netdev *dev, struct pktbuf *pkt)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);
    struct e1000_desc data = {.address = pkt->hpa.v + pkt->offset}, context;
    u32 begin = nic->tx_tail;
    bool has_context;

    if (nic->is_dead) {
        tx_drop(nic, pkt);
        return true;
    }
    has_context = needs_context(nic, pkt, &context);
    if (!tx_make_room(nic, has_context ? 2 : 1))
        return false;
    if (has_context)
        tx_put_context(nic, &context);
    data.word = nic->model->format->tx_data(pkt);
    tx_put_end(nic, data, begin, pkt);
    return true;
}

bool e1000_tx_segment(struct netdev *dev, struct pktbuf *first, const struct net_join *join)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);
    const struct e1000_format *format = nic->model->format;
    struct e1000_desc context = format->segment_context(join);
    u32 begin = nic->tx_tail;

    if (nic->is_dead) {
        tx_drop(nic, first);
        return true;
    }
    if (!tx_make_room(nic, join->count + 1))
        return false;
    net_join_unsize(join, pktbuf_data(first));
    tx_put_context(nic, &context);
    for (const struct pktbuf *pkt = first; pkt; pkt = pkt->next) {
        u32 skip = pkt == first ? 0 : join->place.header_bytes, bytes = pkt->len - skip;
        struct e1000_desc data = {pkt->hpa.v + pkt->offset + skip,
                                  format->segment_data(join, bytes, pkt == first)};

        if (pkt->next)
            tx_put(nic, data);
        else
            tx_put_end(nic, data, begin, first);
    }
    return true;
}

void e1000_tx_move(struct e1000 *nic)
{
    if (nic->tx_dirty) {
        compiler_barrier(); /* descriptors before the tail; x86 keeps the order of stores */
        e1000_write(nic, E1000_TDT, nic->tx_tail);
        nic->tx_dirty = false;
    }
    tx_reclaim(nic);
}
