/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: from the port into the guest's buffers.
 *
 * A driver that takes large segments gets frames that follow each other in one of them, and with
 * mergeable buffers what it gets may go over several. Headers are written last, when it is known
 * how much went in: where the guest has no more buffers the segment ends with the last frame that
 * fits, or waits for more, and what was popped beyond goes back unseen.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_net_impl.h"
#include "core/vm/vm.h"
#include "drivers/net/inet.h"
#include "drivers/net/pktbuf_csum.h"

#define RX_BUFFERS_MAX 64u /* for what the guest gets at once */
#define RX_FRAMES_MAX  NETPORT_VM_QUEUE

/* Buffers as they are filled. */
struct fill {
    struct nic *nic;
    u16 queue;
    struct virtq_chain *chain; /* the last of them */
    u32 count;
    bool is_starved; /* the driver has to bring more */
    struct virtq_used used[RX_BUFFERS_MAX];
};

/* How far it was. */
struct mark {
    u32 count, bytes;
};

static struct mark mark_of(const struct fill *fill)
{
    return (struct mark){fill->count, fill->used[fill->count - 1].bytes};
}

/* Return: false if there is none, or there may be none. */
static bool fill_next(struct fill *fill)
{
    struct nic *nic = fill->nic;
    struct virtq_chain *chain = fill->count == 0 ? &nic->rx_first : &nic->rx_next;
    u32 most = net_has(nic, NET_F_MRG_RXBUF)
                   ? MIN(RX_BUFFERS_MAX, (u32)nic->virtio.queues[fill->queue].ring.size)
                   : 1;

    if (fill->count == most)
        return false;
    fill->is_starved = virtio_pop(&nic->virtio, fill->queue, chain) != 0;
    if (fill->is_starved)
        return false;
    fill->chain = chain;
    fill->used[fill->count++] = (struct virtq_used){chain->head, 0};
    return true;
}

/* Return: false if it does not fit, or only a part did. */
static bool fill_write(struct fill *fill, const u8 *src, u32 bytes)
{
    const struct gmem *gmem = &fill->nic->virtio.dev.vm->gmem;

    while (bytes > 0) {
        struct virtq_used *used = &fill->used[fill->count - 1];
        u32 n = (u32)MIN(fill->chain->write_bytes - used->bytes, (u64)bytes);

        if (virtq_chain_write(gmem, fill->chain, used->bytes, src, n) != n)
            return false;
        used->bytes += n;
        src += n;
        bytes -= n;
        if (bytes > 0 && !fill_next(fill))
            return false;
    }
    return true;
}

/* Gives the driver what was filled up to the mark. */
static void fill_end(struct fill *fill, struct mark mark)
{
    struct virtio *dev = &fill->nic->virtio;

    if (fill->count > mark.count)
        virtio_unpop(dev, fill->queue, fill->count - mark.count);
    fill->used[mark.count - 1].bytes = mark.bytes;
    virtio_push_all(dev, fill->queue, fill->used, mark.count);
}

static struct net_header header_of(const struct nic *nic, struct pktbuf *pkt)
{
    struct net_header header = {0};

    if (!net_has(nic, NET_F_GUEST_CSUM)) {
        pktbuf_csum_complete(pkt);
    } else if (pkt->csum == PKTBUF_CSUM_PARTIAL) {
        header.flags = NET_HDR_F_NEEDS_CSUM;
        header.csum_start = pkt->csum_start;
        header.csum_offset = pkt->csum_offset;
    } else if (pkt->csum == PKTBUF_CSUM_VALID) {
        header.flags = NET_HDR_F_DATA_VALID;
    }
    return header;
}

static struct net_header header_of_joined(const struct net_join *join)
{
    return (struct net_header){
        .flags = NET_HDR_F_NEEDS_CSUM,
        .gso_type = join->place.is_ipv6 ? NET_HDR_GSO_TCPV6 : NET_HDR_GSO_TCPV4,
        .hdr_len = join->place.header_bytes,
        .gso_size = join->mss,
        .csum_start = join->place.tcp_at,
        .csum_offset = TCP_CSUM_AT,
    };
}

/* Finds the frames that follow the first one of the port, in *join. */
static void plan(struct nic *nic, struct pktbuf *first, struct net_join *join)
{
    u64 room = nic->rx_first.write_bytes - sizeof(struct net_header);
    u32 limit = (u32)MIN(room, (u64)NET_TCP_IP_MAX + NET_FRAME_EXTRA);

    if (!net_has(nic, NET_F_GUEST_CSUM) ||
        !(nic->virtio.accepted & (NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6)) ||
        !net_join_begin(join, first) ||
        !net_has(nic, join->place.is_ipv6 ? NET_F_GUEST_TSO6 : NET_F_GUEST_TSO4) ||
        room < join->place.header_bytes) {
        join->count = 1;
        return;
    }
    if (net_has(nic, NET_F_MRG_RXBUF))
        limit = NET_TCP_IP_MAX + NET_FRAME_EXTRA;
    while (join->count < RX_FRAMES_MAX) {
        const struct pktbuf *next = ring_peek_at(&nic->port.inbox, join->count);

        if (!next || !net_join_add(join, next, limit))
            break;
    }
}

/* Writes frames of the plan behind the room for a header. Return: how many went in, all of them up
 * to *end. */
static u32 write_frames(struct fill *fill, const struct net_join *join, struct mark *end)
{
    fill->used[0].bytes = sizeof(struct net_header);
    *end = (struct mark){1, 0};
    for (u32 i = 0; i < join->count; i++) {
        const struct pktbuf *pkt = ring_peek_at(&fill->nic->port.inbox, i);
        u32 skip = i == 0 ? 0 : join->place.header_bytes;

        if (!fill_write(fill, pktbuf_data(pkt) + skip, pkt->len - skip))
            return i;
        *end = mark_of(fill);
    }
    return join->count;
}

/* Headers go into the first buffer, which has room for them. */
static void write_headers(struct nic *nic, const struct net_join *join, u32 frames,
                          struct net_header header, u32 buffers)
{
    const struct gmem *gmem = &nic->virtio.dev.vm->gmem;
    u8 headers[sizeof(header) + NET_TCP_HEADERS_MAX];
    size_t bytes = sizeof(header);

    if (frames > 1) {
        header = header_of_joined(join);
        net_join_headers(join, frames, headers + sizeof(header));
        bytes += join->place.header_bytes;
    }
    header.num_buffers = (u16)buffers;
    memcpy(headers, &header, sizeof(header));
    (void)virtq_chain_write(gmem, &nic->rx_first, 0, headers, bytes);
}

/* Gives the first frame, and what follows it, to the driver. Return: false: not enough buffers yet.
 * Where no driver could bring enough the first one goes back empty, and the frame is lost. */
static bool deliver(struct nic *nic, struct fill *fill, struct pktbuf *first)
{
    struct net_header header = header_of(nic, first);
    struct mark end = {1, 0};
    struct net_join join = {.count = 1};
    u64 least = sizeof(header) + (net_has(nic, NET_F_MRG_RXBUF) ? 0 : first->len);
    u32 frames = 0;

    if (nic->rx_first.write_bytes >= least) {
        plan(nic, first, &join);
        frames = write_frames(fill, &join, &end);
        if (frames == 0 && fill->is_starved)
            return false;
    }
    if (frames > 0)
        write_headers(nic, &join, frames, header, end.count);
    else
        netport_count_drop(&nic->port);
    fill_end(fill, end);
    for (u32 i = 0; i < MAX(frames, 1u); i++)
        pktbuf_free(netport_receive(&nic->port));
    return true;
}

/* A card that may use any address is not asked for its own. */
static bool is_wanted(const struct nic *nic, const struct pktbuf *pkt)
{
    const struct netport_config *cfg = &nic->port.cfg;

    return net_filter_passes(&nic->filter, nic->virtio.accepted,
                             cfg->flags & NETPORT_CHECK_MAC ? cfg->mac : NULL, pktbuf_data(pkt),
                             pkt->len);
}

/* What a batch is about. */
struct batch {
    u32 pairs;  /* those that got something */
    u32 pair;   /* NO_ROOM: whose buffers are wanted, */
    u32 beyond; /* besides so many that are there */
};

/* Context: lock held. */
static enum progress receive_one(struct nic *nic, struct batch *batch)
{
    struct pktbuf *pkt = ring_peek(&nic->port.inbox);
    struct fill fill;

    if (!pkt)
        return NOTHING_TO_DO;
    if (!is_wanted(nic, pkt)) {
        pktbuf_free(netport_receive(&nic->port));
        return DONE_ONE;
    }
    batch->pair = nic->pairs > 1 ? net_steer_find(&nic->steer, pktbuf_data(pkt), pkt->len) : 0;
    fill.nic = nic;
    fill.queue = net_rx_queue(batch->pair);
    fill.count = 0;
    if (fill_next(&fill) && deliver(nic, &fill, pkt)) {
        batch->pairs |= (u32)BIT(batch->pair);
        return DONE_ONE;
    }
    virtio_unpop(&nic->virtio, fill.queue, fill.count);
    batch->beyond = fill.count;
    return NO_ROOM;
}

static enum progress receive_batch(struct nic *nic, struct batch *batch)
{
    enum progress progress = DONE_ONE;

    for (u32 i = 0; i < NET_BATCH && progress == DONE_ONE; i++) {
        u64 flags = spin_lock_irqsave(&nic->virtio.dev.lock);

        progress = receive_one(nic, batch);
        spin_unlock_irqrestore(&nic->virtio.dev.lock, flags);
    }
    return progress;
}

/* Doorbells are wanted only where frames wait for buffers. */
void net_receive(struct nic *nic)
{
    struct batch batch = {0};
    enum progress progress = receive_batch(nic, &batch);

    for (u32 bits = batch.pairs; bits; bits &= bits - 1)
        virtio_signal(&nic->virtio, net_rx_queue((u32)__builtin_ctz(bits)));
    if (progress == DONE_ONE ||
        (progress == NO_ROOM &&
         virtio_listen_beyond(&nic->virtio, net_rx_queue(batch.pair), batch.beyond)))
        netport_ask(&nic->port);
    else if (progress == NOTHING_TO_DO)
        for (u32 i = 0; i < nic->pairs_max; i++)
            virtio_mute(&nic->virtio, net_rx_queue(i));
}
