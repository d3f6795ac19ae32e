/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: a network card on a port of a network, one queue each way.
 *
 * A frame is copied once, between the guest's buffers and a packet buffer that the host's NIC, or
 * another VM's card, then uses as it is. The vCPU that rings the doorbell copies what there is and
 * turns doorbells off; while there is traffic, net_task looks into the ring in each of its rounds,
 * and turns doorbells on when it finds nothing. Received frames are copied in by net_task, or by
 * the vCPU that brings buffers. dev.lock is held for a frame at a time: it keeps both rings of the
 * port to one user, and a reset away from a copy. Spec: Virtio 1.2, 5.1 "Network Device".
 *
 * By the control queue the driver says what it wants to receive (virtio_net_filter.c). Not offered:
 * segmentation and mergeable buffers, which are of no use without frames larger than a buffer;
 * another address by the control queue: the network knows the card by the one it has.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vdev/virtio_net_filter.h"
#include "core/vm/vm.h"
#include "drivers/net/netport.h"
#include "drivers/net/pktbuf_csum.h"
#include "mm/kheap.h"

#define NET_QUEUE_RX    0u
#define NET_QUEUE_TX    1u
#define NET_QUEUE_CTRL  2u
#define NET_QUEUES      3u
#define NET_QUEUE_SIZE  256u
#define NET_CLASS       0x020000u /* Ethernet controller */
#define NET_BATCH       64u       /* frames each way in one call, or commands */
#define NET_FRAME_EXTRA (ETHERNET_HEADER_BYTES + ETHERNET_VLAN_BYTES)

/* 5.1.3 "Feature bits" */
#define NET_F_CSUM       BIT(0)
#define NET_F_GUEST_CSUM BIT(1)
#define NET_F_MTU        BIT(3)
#define NET_F_MAC        BIT(5)
#define NET_F_STATUS     BIT(16)

/* 5.1.4 "Device configuration layout" */
struct net_config {
    u8 mac[6];
    u16 status;
    u16 max_virtqueue_pairs;
    u16 mtu;
} packed;

#define NET_S_LINK_UP 1u

/* 5.1.6 "Device Operation" */
struct net_header {
    u8 flags;
    u8 gso_type;
    u16 hdr_len;
    u16 gso_size;
    u16 csum_start;
    u16 csum_offset;
    u16 num_buffers;
} packed;

_Static_assert(sizeof(struct net_header) == 12, "header of virtio 1.0 and later");

#define NET_HDR_F_NEEDS_CSUM BIT(0)
#define NET_HDR_F_DATA_VALID BIT(1)

struct nic {
    struct virtio virtio; /* its lock protects the chains, and both rings of the port */
    struct netport port;
    bool is_attached; /* (c) */
    bool link_up;     /* net_task: as the guest was told last */
    struct virtq_chain rx_chain, tx_chain, ctrl_chain;
    struct net_filter filter;
};

enum progress { DONE_ONE, NOTHING_TO_DO, NO_ROOM };

/* The frame in tx_chain. Return: false if it is none this card sends. */
static bool read_frame(struct nic *nic, struct pktbuf *pkt)
{
    const struct gmem *gmem = &nic->virtio.dev.vm->gmem;
    const struct virtq_chain *chain = &nic->tx_chain;
    struct net_header header;
    u64 bytes = chain->read_bytes - sizeof(header);

    if (chain->read_bytes < sizeof(header) + ETHERNET_HEADER_BYTES ||
        bytes > nic->port.mtu + NET_FRAME_EXTRA ||
        virtq_chain_read(gmem, chain, 0, &header, sizeof(header)) != sizeof(header) ||
        virtq_chain_read(gmem, chain, sizeof(header), pktbuf_data(pkt), bytes) != bytes ||
        header.gso_type != 0)
        return false;
    pkt->len = (u16)bytes;
    if (!(header.flags & NET_HDR_F_NEEDS_CSUM) || !(nic->virtio.accepted & NET_F_CSUM))
        return true;
    return pktbuf_csum_set_partial(pkt, header.csum_start, header.csum_offset);
}

/* A frame that cannot be sent is lost, as on any card. Context: lock held. */
static enum progress send_one(struct nic *nic)
{
    struct pktbuf *pkt;

    if (!netport_has_room(&nic->port))
        return NO_ROOM;
    if (virtio_pop(&nic->virtio, NET_QUEUE_TX, &nic->tx_chain))
        return NOTHING_TO_DO;
    pkt = pktbuf_alloc();
    if (!pkt || !read_frame(nic, pkt) || !netport_send(&nic->port, pkt)) {
        netport_count_unsent(&nic->port);
        if (pkt)
            pktbuf_free(pkt);
    }
    virtio_push(&nic->virtio, NET_QUEUE_TX, &nic->tx_chain, 0);
    return DONE_ONE;
}

static struct net_header header_of(const struct nic *nic, struct pktbuf *pkt)
{
    struct net_header header = {.num_buffers = 1};

    if (!(nic->virtio.accepted & NET_F_GUEST_CSUM)) {
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

/* A card that may use any address is not asked for its own. */
static bool is_wanted(const struct nic *nic, const struct pktbuf *pkt)
{
    const struct netport_config *cfg = &nic->port.cfg;

    return net_filter_passes(&nic->filter, nic->virtio.accepted,
                             cfg->flags & NETPORT_CHECK_MAC ? cfg->mac : NULL, pktbuf_data(pkt),
                             pkt->len);
}

/* A buffer that is too small goes back empty, and the frame is lost. Context: lock held. */
static enum progress receive_one(struct nic *nic)
{
    const struct gmem *gmem = &nic->virtio.dev.vm->gmem;
    struct virtq_chain *chain = &nic->rx_chain;
    struct net_header header;
    struct pktbuf *pkt;
    u32 bytes = 0;

    pkt = ring_peek(&nic->port.inbox);
    if (!pkt)
        return NOTHING_TO_DO;
    if (!is_wanted(nic, pkt)) {
        pktbuf_free(netport_receive(&nic->port));
        return DONE_ONE;
    }
    if (virtio_pop(&nic->virtio, NET_QUEUE_RX, chain))
        return NO_ROOM;
    pkt = netport_receive(&nic->port);
    header = header_of(nic, pkt);
    if (chain->write_bytes >= sizeof(header) + pkt->len) {
        bytes = (u32)virtq_chain_write(gmem, chain, 0, &header, sizeof(header));
        bytes += (u32)virtq_chain_write(gmem, chain, bytes, pktbuf_data(pkt), pkt->len);
    } else {
        netport_count_drop(&nic->port);
    }
    virtio_push(&nic->virtio, NET_QUEUE_RX, chain, bytes);
    pktbuf_free(pkt);
    return DONE_ONE;
}

/* Return: why it ended; DONE_ONE: there may be more. *count: frames moved. */
static enum progress pump(struct nic *nic, enum progress (*one)(struct nic *nic), u32 *count)
{
    enum progress progress = DONE_ONE;

    for (*count = 0; *count < NET_BATCH && progress == DONE_ONE;) {
        u64 flags = spin_lock_irqsave(&nic->virtio.dev.lock);

        progress = one(nic);
        spin_unlock_irqrestore(&nic->virtio.dev.lock, flags);
        *count += progress == DONE_ONE;
    }
    return progress;
}

/* Without room the port calls when there is some; no doorbell is needed for that. */
static void transmit(struct nic *nic)
{
    u32 count;
    enum progress progress = pump(nic, send_one, &count);

    if (count > 0)
        virtio_signal(&nic->virtio, NET_QUEUE_TX);
    if (count > 0 || progress == NO_ROOM) {
        virtio_mute(&nic->virtio, NET_QUEUE_TX);
        netport_flush(&nic->port);
        if (progress != NO_ROOM)
            netport_ask(&nic->port);
    } else if (virtio_listen(&nic->virtio, NET_QUEUE_TX)) {
        netport_ask(&nic->port);
    }
}

/* Doorbells are wanted only where frames wait for buffers. */
static void receive(struct nic *nic)
{
    u32 count;
    enum progress progress = pump(nic, receive_one, &count);

    if (count > 0)
        virtio_signal(&nic->virtio, NET_QUEUE_RX);
    if (progress == DONE_ONE || (progress == NO_ROOM && virtio_listen(&nic->virtio, NET_QUEUE_RX)))
        netport_ask(&nic->port);
    else if (progress == NOTHING_TO_DO)
        virtio_mute(&nic->virtio, NET_QUEUE_RX);
}

/* One command of the control queue. Context: lock held. */
static enum progress obey_one(struct nic *nic)
{
    const struct gmem *gmem = &nic->virtio.dev.vm->gmem;
    struct virtq_chain *chain = &nic->ctrl_chain;
    u8 ack;

    if (virtio_pop(&nic->virtio, NET_QUEUE_CTRL, chain))
        return NOTHING_TO_DO;
    ack = net_filter_command(&nic->filter, nic->virtio.accepted, gmem, chain);
    virtio_push(&nic->virtio, NET_QUEUE_CTRL, chain,
                (u32)virtq_chain_write(gmem, chain, 0, &ack, sizeof(ack)));
    return DONE_ONE;
}

/* A driver waits for each command's end; one that sends more at once than a batch rings again. */
static void obey(struct nic *nic)
{
    u32 count;

    (void)pump(nic, obey_one, &count);
    if (count > 0)
        virtio_signal(&nic->virtio, NET_QUEUE_CTRL);
}

static void nic_notify(struct virtio *dev, u16 queue)
{
    struct nic *nic = container_of(dev, struct nic, virtio);

    if (queue == NET_QUEUE_TX)
        transmit(nic);
    else if (queue == NET_QUEUE_RX)
        receive(nic);
    else
        obey(nic);
}

static void follow_link(struct nic *nic)
{
    bool up = __atomic_load_n(&nic->port.link_up, __ATOMIC_ACQUIRE);
    u16 status = up ? NET_S_LINK_UP : 0;

    if (up == nic->link_up)
        return;
    nic->link_up = up;
    virtio_config_set(&nic->virtio, offsetof(struct net_config, status), &status, sizeof(status));
}

/* Context: net_task. */
static void on_wake(void *arg)
{
    struct nic *nic = arg;

    follow_link(nic);
    receive(nic);
    transmit(nic);
}

/* Frames that wait in the port stay: they are for whoever comes next, as on a wire. */
static void nic_reset(struct virtio *dev)
{
    net_filter_reset(&container_of(dev, struct nic, virtio)->filter);
}

static void nic_fini(struct virtio *dev)
{
    struct nic *nic = container_of(dev, struct nic, virtio);

    if (nic->is_attached)
        netport_detach(&nic->port);
    virtio_fini(dev);
    kfree(nic);
}

static const struct virtio_ops nic_ops = {
    .notify = nic_notify, .reset = nic_reset, .fini = nic_fini};

static const struct virtio_model nic_model = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .class_code = NET_CLASS,
    .features = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MTU | NET_F_MAC | NET_F_STATUS |
                NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_CTRL_RX_X | NET_F_CTRL_VLAN,
    .queue_count = NET_QUEUES,
    .queue_size = NET_QUEUE_SIZE,
    .config_bytes = sizeof(struct net_config),
    .ops = &nic_ops,
};

static void set_config(struct nic *nic)
{
    struct net_config config = {.max_virtqueue_pairs = 1, .mtu = (u16)nic->port.mtu};

    nic->link_up = nic->port.link_up;
    memcpy(config.mac, nic->port.cfg.mac, sizeof(config.mac));
    config.status = nic->link_up ? NET_S_LINK_UP : 0;
    virtio_config_set(&nic->virtio, 0, &config, sizeof(config));
}

int virtio_net_create(struct vm *vm, const struct netport_config *cfg)
{
    struct nic *nic = kzalloc(sizeof(*nic));
    struct netport_config own = *cfg;
    int rc;

    if (!nic)
        return -ENOMEM;
    rc = virtio_create(&nic->virtio, vm, &nic_model);
    if (rc == -ENOMEM)
        kfree(nic);
    if (rc)
        return rc;
    own.wake = on_wake;
    own.wake_arg = nic;
    own.queue = NETPORT_VM_QUEUE;
    rc = netport_attach(&nic->port, &own);
    nic->is_attached = rc == 0;
    if (rc == 0)
        set_config(nic);
    return rc;
}
