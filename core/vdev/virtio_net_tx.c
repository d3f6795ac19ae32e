/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: from the guest's buffers into the port.
 *
 * A segment that the guest leaves to be cut goes out as the frames it stands for, each copied
 * straight from the guest's buffers; the chain is given back when the last one is on its way. Where
 * the port has no room in between, the next call goes on.
 */
#include "core/lib/errno.h"
#include "core/vdev/virtio_net_impl.h"
#include "core/vm/vm.h"
#include "drivers/net/inet.h"
#include "drivers/net/pktbuf_csum.h"

/* Frames in one go with the lock held: some 20 microseconds. */
#define TX_AT_ONCE 16u

/* Behind the header; bytes: as many as there are. */
static bool read_bytes(const struct nic *nic, const struct net_tx *tx, u64 offset, void *dst,
                       u64 bytes)
{
    return virtq_chain_read(&nic->virtio.dev.vm->gmem, &tx->chain,
                            sizeof(struct net_header) + offset, dst, bytes) == bytes;
}

/* Return: false: out of memory that was there a moment ago. */
static bool read_piece(const struct nic *nic, struct net_tx *tx, struct pktbuf *pkt)
{
    u8 *data = pktbuf_data(pkt);
    u32 from, bytes = net_cut_next(&tx->cut, data, &from);

    tx->is_cutting = !net_cut_is_done(&tx->cut);
    pkt->len = (u16)(tx->cut.place.header_bytes + bytes);
    return read_bytes(nic, tx, from, data + tx->cut.place.header_bytes, bytes) &&
           pktbuf_csum_set_partial(pkt, tx->cut.place.tcp_at, TCP_CSUM_AT);
}

/* Which kinds of segments the driver may leave to be cut, and whether this is one. */
static bool may_cut(const struct nic *nic, const struct net_header *header)
{
    u8 type = (u8)(header->gso_type & ~NET_HDR_GSO_ECN);

    return (header->flags & NET_HDR_F_NEEDS_CSUM) &&
           ((type == NET_HDR_GSO_TCPV4 && net_has(nic, NET_F_CSUM | NET_F_HOST_TSO4)) ||
            (type == NET_HDR_GSO_TCPV6 && net_has(nic, NET_F_CSUM | NET_F_HOST_TSO6))) &&
           (!(header->gso_type & NET_HDR_GSO_ECN) || net_has(nic, NET_F_HOST_ECN));
}

/* hdr_len is not looked at: the headers themselves say how long they are. */
static bool begin_cut(const struct nic *nic, struct net_tx *tx, const struct net_header *header,
                      u64 bytes)
{
    struct net_cut_wish wish = {
        .is_ipv6 = (header->gso_type & ~NET_HDR_GSO_ECN) == NET_HDR_GSO_TCPV6,
        .mss = header->gso_size,
        .csum_start = header->csum_start,
        .csum_offset = header->csum_offset,
        .frame_bytes = (u32)bytes,
    };

    return may_cut(nic, header) && bytes <= NET_TCP_IP_MAX + NET_FRAME_EXTRA &&
           read_bytes(nic, tx, 0, tx->cut.headers, MIN(bytes, (u64)sizeof(tx->cut.headers))) &&
           net_cut_begin(&tx->cut, &wish, nic->port.mtu);
}

/* The first frame of what is in the chain; header and frame are read in one go if they fit. Return:
 * false if it is none this card sends. */
static bool read_frame(const struct nic *nic, struct net_tx *tx, struct pktbuf *pkt)
{
    struct net_header header;
    u64 bytes = tx->chain.read_bytes - sizeof(header);
    u32 most = nic->port.mtu + NET_FRAME_EXTRA;
    size_t wanted = sizeof(header) + MIN(bytes, (u64)most);
    u8 *at = pktbuf_data(pkt) - sizeof(header);

    if (tx->chain.read_bytes < sizeof(header) + ETHERNET_HEADER_BYTES ||
        virtq_chain_read(&nic->virtio.dev.vm->gmem, &tx->chain, 0, at, wanted) != wanted)
        return false;
    __builtin_memcpy(&header, at, sizeof(header));
    if (header.gso_type != NET_HDR_GSO_NONE)
        return begin_cut(nic, tx, &header, bytes) && read_piece(nic, tx, pkt);
    pkt->len = (u16)bytes;
    if (bytes > most || !(header.flags & NET_HDR_F_NEEDS_CSUM) || !net_has(nic, NET_F_CSUM))
        return bytes <= most;
    return pktbuf_csum_set_partial(pkt, header.csum_start, header.csum_offset);
}

_Static_assert(PKTBUF_HEADROOM >= sizeof(struct net_header), "room for it before the frame");

static bool send(struct nic *nic, u32 pair, struct pktbuf *pkt)
{
    struct net_tx *tx = &nic->tx[pair];

    if (!(tx->is_cutting ? read_piece(nic, tx, pkt) : read_frame(nic, tx, pkt)))
        return false;
    if (nic->pairs > 1 && pair < nic->pairs) /* answers to one no longer in use would wait */
        net_steer_note(&nic->steer, pktbuf_data(pkt), pkt->len, pair);
    return netport_send(&nic->port, pkt);
}

/* A buffer for the next frame of what is in the chain: how long it is, its headers may only tell
 * later. */
static struct pktbuf *buffer_for(const struct nic *nic, const struct net_tx *tx)
{
    u64 bytes = tx->is_cutting ? net_cut_next_bytes(&tx->cut) : tx->chain.read_bytes;

    return pktbuf_alloc_for((u32)MIN(bytes, (u64)nic->port.mtu + NET_FRAME_EXTRA));
}

/* Chains to give back: all at once, before the lock is left. */
struct spent {
    u32 count;
    struct virtq_used used[TX_AT_ONCE];
};

/* A frame that cannot be sent is lost, as on any card, with the rest of its segment. Context: lock
 * held. */
static enum progress send_one(struct nic *nic, u32 pair, struct spent *spent)
{
    struct net_tx *tx = &nic->tx[pair];
    struct pktbuf *pkt;

    if (!netport_has_room(&nic->port))
        return NO_ROOM;
    if (!tx->is_cutting && virtio_pop(&nic->virtio, net_tx_queue(pair), &tx->chain))
        return NOTHING_TO_DO;
    pkt = buffer_for(nic, tx);
    if (!pkt || !send(nic, pair, pkt)) {
        netport_count_unsent(&nic->port);
        tx->is_cutting = false;
        if (pkt)
            pktbuf_free(pkt);
    }
    if (!tx->is_cutting)
        spent->used[spent->count++] = (struct virtq_used){tx->chain.head, 0};
    return DONE_ONE;
}

/* Return: why it ended; DONE_ONE: there may be more. *count: frames, added to. */
static enum progress send_some(struct nic *nic, u32 pair, u32 *count)
{
    enum progress progress = DONE_ONE;
    struct spent spent;
    u64 flags;

    spent.count = 0;
    flags = spin_lock_irqsave(&nic->virtio.dev.lock);
    for (u32 i = 0; i < TX_AT_ONCE && progress == DONE_ONE; i++) {
        progress = send_one(nic, pair, &spent);
        *count += progress == DONE_ONE;
    }
    if (spent.count > 0)
        virtio_push_all(&nic->virtio, net_tx_queue(pair), spent.used, spent.count);
    spin_unlock_irqrestore(&nic->virtio.dev.lock, flags);
    return progress;
}

static enum progress send_batch(struct nic *nic, u32 pair, u32 *count)
{
    enum progress progress = DONE_ONE;

    *count = 0;
    while (*count < NET_BATCH && progress == DONE_ONE)
        progress = send_some(nic, pair, count);
    return progress;
}

static void watch(struct nic *nic, u32 pair)
{
    __atomic_fetch_or(&nic->tx_watched, (u32)BIT(pair), __ATOMIC_SEQ_CST);
}

/*
 * Without room the port calls when there is some; no doorbell is needed for that. A pair is marked
 * as watched after its doorbells go off, and the mark goes before they come on: whoever else is
 * here meanwhile, it is looked after in one way or the other.
 */
void net_transmit(struct nic *nic, u32 pair)
{
    u16 queue = net_tx_queue(pair);
    u32 count;
    enum progress progress = send_batch(nic, pair, &count);

    if (count > 0)
        virtio_signal(&nic->virtio, queue);
    if (count > 0 || progress == NO_ROOM) {
        virtio_mute(&nic->virtio, queue);
        watch(nic, pair);
        netport_flush(&nic->port);
        if (progress != NO_ROOM || netport_has_room(&nic->port))
            netport_ask(&nic->port);
        return;
    }
    __atomic_fetch_and(&nic->tx_watched, ~(u32)BIT(pair), __ATOMIC_SEQ_CST);
    if (virtio_listen(&nic->virtio, queue)) {
        watch(nic, pair);
        netport_ask(&nic->port);
    }
}
