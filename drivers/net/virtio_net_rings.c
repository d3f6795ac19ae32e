/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to and from a virtio network device.
 *
 * A receive chain is one buffer, header and frame together; so is a transmit chain, with the header
 * in the headroom of the pktbuf. A frame that is longer than a buffer comes in several, if the
 * device may merge them, and is copied together. Rings are checked in virtq.c, lengths and checksum
 * positions here.
 */
#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/pktbuf_csum.h"
#include "drivers/net/pktbuf_join.h"
#include "drivers/net/virtio_net.h"
#include "drivers/net/virtio_net_regs.h"

#define HEADER_BYTES    ((u32)sizeof(struct virtio_net_hdr))
/* Emptied buffers go back in groups: each doorbell may be an exit of our host's CPU. */
#define RX_RETURN_BATCH 16u
#define RX_BUFFER_BYTES (PKTBUF_DATA + HEADER_BYTES)

_Static_assert(PKTBUF_HEADROOM >= sizeof(struct virtio_net_hdr), "header in front of the frame");

/* Gives an empty buffer to the device. Return: false if the queue takes no more. */
static bool rx_add(struct virtio_net *nic, struct pktbuf *pkt)
{
    struct virtq_seg seg = {.address = hpa(pkt->hpa.v + PKTBUF_HEADROOM - HEADER_BYTES),
                            .bytes = RX_BUFFER_BYTES,
                            .device_writes = true};

    if (virtq_add(&nic->rx.vq, &seg, 1, pkt) != 0)
        return false;
    nic->rx_added++;
    return true;
}

void virtio_net_rx_announce(struct virtio_net *nic)
{
    nic->rx_added = 0;
    virtio_kick(&nic->rx);
}

int virtio_net_rx_fill(struct virtio_net *nic)
{
    for (u32 i = 0; i < nic->rx.vq.size; i++) {
        struct pktbuf *pkt = pktbuf_alloc();

        if (pkt == NULL)
            return -ENOMEM;
        if (!rx_add(nic, pkt)) {
            pktbuf_free(pkt);
            break;
        }
    }
    return 0;
}

/* Gives a buffer to the device again. */
static void rx_reuse(struct virtio_net *nic, struct pktbuf *pkt)
{
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
    if (!rx_add(nic, pkt))
        pktbuf_free(pkt);
}

/* Where the device writes in a buffer: the header, if it is the first of a frame. */
static const u8 *rx_place(const struct pktbuf *pkt)
{
    return pkt->buffer + PKTBUF_HEADROOM - HEADER_BYTES;
}

/* What the header says of the checksum. Return: false if that cannot be. */
static bool rx_checksum(struct pktbuf *pkt, const struct virtio_net_hdr *header)
{
    if ((header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
        return pktbuf_csum_set_partial(pkt, header->csum_start, header->csum_offset);
    if ((header->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0)
        pkt->csum = PKTBUF_CSUM_VALID;
    return true;
}

/* What the device says of the frame it wrote. Return: false if that cannot be. */
static bool rx_parse(const struct netdev *dev, struct pktbuf *pkt, u32 bytes,
                     const struct virtio_net_hdr *header)
{
    u32 len = bytes - HEADER_BYTES;

    if (bytes < HEADER_BYTES + ETHERNET_HEADER_BYTES || len > netdev_frame_max(dev))
        return false;
    pkt->len = (u16)len;
    return rx_checksum(pkt, header);
}

/* Exchanges a full buffer for an empty one. Return: the full one; NULL: dropped, used again. */
static struct pktbuf *rx_exchange(struct virtio_net *nic, struct pktbuf *full, u32 bytes,
                                  const struct virtio_net_hdr *header)
{
    struct pktbuf *empty = NULL;

    if (!rx_parse(&nic->dev, full, bytes, header))
        netdev_count(&nic->dev.counters.rx_errors, 1);
    else if ((empty = pktbuf_alloc()) == NULL)
        netdev_count(&nic->dev.counters.rx_drops, 1);
    if (empty == NULL) {
        rx_reuse(nic, full);
        return NULL;
    }
    if (!rx_add(nic, empty))
        pktbuf_free(empty);
    return full;
}

/* Copies a frame out of its buffers, of which all are there at once. Spec: 5.1.6.4 "Processing of
 * Incoming Packets". Return: NULL: it was lost. */
static struct pktbuf *rx_join(struct virtio_net *nic, struct pktbuf *piece, u32 bytes,
                              const struct virtio_net_hdr *header)
{
    u32 skip = HEADER_BYTES, most = netdev_frame_max(&nic->dev);
    struct pktbuf_join join = {0};
    struct pktbuf *whole;

    for (u32 left = header->num_buffers; left > 0 && piece != NULL; left--) {
        pktbuf_join_add(&join, rx_place(piece) + skip, bytes - skip, most, bytes < skip);
        rx_reuse(nic, piece);
        skip = 0;
        piece = left > 1 ? virtq_take(&nic->rx.vq, &bytes) : NULL;
        if (left > 1 && piece == NULL)
            pktbuf_join_add(&join, NULL, 0, most, true);
    }
    whole = pktbuf_join_end(&join, &nic->dev.counters);
    if (whole != NULL && !rx_checksum(whole, header)) {
        netdev_count(&nic->dev.counters.rx_errors, 1);
        pktbuf_free(whole);
        whole = NULL;
    }
    return whole;
}

/* Takes the frame that begins in this buffer. Return: NULL: it was lost. */
static struct pktbuf *rx_take(struct virtio_net *nic, struct pktbuf *first, u32 bytes)
{
    struct virtio_net_hdr header;

    memcpy(&header, rx_place(first), HEADER_BYTES);
    return header.num_buffers > 1 && virtio_has(&nic->virtio, VIRTIO_NET_F_MRG_RXBUF)
               ? rx_join(nic, first, bytes, &header)
               : rx_exchange(nic, first, bytes, &header);
}

struct pktbuf *virtio_net_rx_poll(struct netdev *dev)
{
    struct virtio_net *nic = virtio_net_of(dev);
    struct pktbuf *pkt = NULL;

    for (u32 tries = 0; tries < VIRTIO_NET_QUEUE_SIZE && pkt == NULL; tries++) {
        u32 bytes = 0;
        struct pktbuf *full = virtq_take(&nic->rx.vq, &bytes);

        if (full == NULL)
            break;
        pkt = rx_take(nic, full, bytes);
    }
    if (nic->rx_added >= RX_RETURN_BATCH || (pkt == NULL && nic->rx_added > 0))
        virtio_net_rx_announce(nic);
    return pkt;
}

void virtio_net_tx_reclaim(struct virtio_net *nic)
{
    struct pktbuf *pkt;
    bool has_moved = false;
    u32 bytes;

    while ((pkt = virtq_take(&nic->tx.vq, &bytes)) != NULL) {
        (void)pktbuf_free_all(pkt);
        has_moved = true;
    }
    if (has_moved)
        nic->tx_progress_ns = time_ns();
}

static void tx_drop(struct virtio_net *nic, struct pktbuf *pkt)
{
    netdev_count(&nic->dev.counters.tx_drops, pktbuf_free_all(pkt));
}

/* Puts a frame or a segment into the queue; the pieces begin with it, where its header goes in
 * front. Return: false if the queue is full. */
static bool tx_add(struct virtio_net *nic, struct pktbuf *pkt, const struct virtio_net_hdr *header,
                   struct virtq_seg *segs, u32 count)
{
    assert(pkt->offset >= HEADER_BYTES);
    if (nic->tx.vq.free_count < count)
        virtio_net_tx_reclaim(nic);
    if (nic->tx.vq.in_flight == 0)
        nic->tx_progress_ns = time_ns();
    memcpy(pktbuf_data(pkt) - HEADER_BYTES, header, HEADER_BYTES);
    segs[0] = (struct virtq_seg){.address = hpa(pkt->hpa.v + pkt->offset - HEADER_BYTES),
                                 .bytes = HEADER_BYTES + pkt->len};
    return virtq_add(&nic->tx.vq, segs, count, pkt) == 0;
}

bool virtio_net_tx(struct netdev *dev, struct pktbuf *pkt)
{
    struct virtio_net *nic = virtio_net_of(dev);
    struct virtio_net_hdr header = {0};
    struct virtq_seg seg;

    if (nic->is_dead || nic->tx.vq.is_broken) {
        tx_drop(nic, pkt);
        return true;
    }
    if (pkt->csum == PKTBUF_CSUM_PARTIAL) {
        header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header.csum_start = pkt->csum_start;
        header.csum_offset = pkt->csum_offset;
    }
    return tx_add(nic, pkt, &header, &seg, 1);
}

static bool can_segment(const struct virtio_net *nic, const struct net_join *join)
{
    u32 feature = join->place.is_ipv6 ? NETDEV_TX_TSO6 : NETDEV_TX_TSO4;

    return !nic->is_dead && !nic->tx.vq.is_broken && (nic->dev.features & feature) != 0;
}

/* One chain. A device that was reset since the frames were gathered may no longer offer it. */
bool virtio_net_tx_segment(struct netdev *dev, struct pktbuf *first, const struct net_join *join)
{
    struct virtio_net *nic = virtio_net_of(dev);
    struct virtq_seg segs[NETDEV_SEGMENT_FRAMES];
    struct virtio_net_hdr header = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = join->place.is_ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = join->place.header_bytes,
        .gso_size = join->mss,
        .csum_start = first->csum_start,
        .csum_offset = first->csum_offset,
    };
    u32 count = 1;

    if (!can_segment(nic, join)) {
        tx_drop(nic, first);
        return true;
    }
    for (const struct pktbuf *pkt = first->next; pkt != NULL; pkt = pkt->next) {
        u32 skip = pkt->offset + join->place.header_bytes;

        segs[count++] = (struct virtq_seg){.address = hpa(pkt->hpa.v + skip),
                                           .bytes = pkt->len - join->place.header_bytes};
    }
    return tx_add(nic, first, &header, segs, count);
}

void virtio_net_empty(struct virtio_net *nic)
{
    struct pktbuf *pkt;

    while ((pkt = virtq_reclaim(&nic->rx.vq)) != NULL)
        pktbuf_free(pkt);
    while ((pkt = virtq_reclaim(&nic->tx.vq)) != NULL)
        tx_drop(nic, pkt);
    while (virtq_reclaim(&nic->ctrl.vq) != NULL)
        continue; /* the command's memory is the driver's */
    nic->rx_added = 0;
}
