/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net: a network card on a port of a network, a pair of queues per vCPU up to a few.
 *
 * A frame is copied once, between the guest's buffers and a packet buffer that the host's NIC, or
 * another VM's card, then uses as it is. The vCPU that rings the doorbell copies what there is and
 * turns doorbells off; while there is traffic, net_task looks into the ring in each of its rounds,
 * and turns doorbells on when it finds nothing. Received frames are copied in by net_task, or by
 * the vCPU that brings buffers. dev.lock is held for a few frames at a time: it keeps both rings of
 * the port to one user, and a reset away from a copy. Spec: Virtio 1.2, 5.1 "Network Device".
 *
 * By the control queue the driver says what it wants to receive (virtio_net_filter.c), how many
 * pairs it uses, and which address it has: another one only where the definition does not check it.
 * Not offered: segments of UDP; hashes of received frames.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio_net_impl.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define NET_QUEUE_SIZE 256u
#define NET_CLASS      0x020000u /* Ethernet controller */

/* 5.1.4 "Device configuration layout" */
struct net_config {
    u8 mac[6];
    u16 status;
    u16 max_virtqueue_pairs;
    u16 mtu;
} packed;

#define NET_S_LINK_UP 1u

/* 5.1.6.5.2 "Setting MAC Address Filtering" */
#define NET_F_CTRL_MAC_ADDR BIT(23)
#define CTRL_MAC            1u
#define CTRL_MAC_ADDR_SET   1u

/* 5.1.6.5.6 "Automatic receive steering in multiqueue mode" */
#define CTRL_MQ           4u
#define CTRL_MQ_PAIRS_SET 0u

struct net_command {
    u8 class_code;
    u8 command;
    union {
        u16 pairs;
        u8 mac[6];
    } packed;
} packed;

/* Whether so much of a command was there. */
#define HAS_ALL(bytes, member) \
    ((bytes) >= offsetof(struct net_command, member) + sizeof(((struct net_command *)0)->member))

/* 5.1.2 "Virtqueues": behind all pairs there are; a driver without several knows of one only. */
static u16 control_queue(const struct nic *nic)
{
    return net_rx_queue(net_has(nic, NET_F_MQ) ? nic->pairs_max : 1);
}

/* Return: what the command is to be told. */
static u8 set_pairs(struct nic *nic, const struct net_command *c, size_t bytes)
{
    if (!HAS_ALL(bytes, pairs) || c->command != CTRL_MQ_PAIRS_SET || !net_has(nic, NET_F_MQ) ||
        c->pairs == 0 || c->pairs > nic->pairs_max)
        return NET_CTRL_ERR;
    nic->pairs = c->pairs;
    net_steer_reset(&nic->steer, c->pairs);
    return NET_CTRL_OK;
}

/* Frames from an address the network would take for a forged one are lost: better to refuse it. */
static bool may_have(const struct nic *nic, const u8 mac[6])
{
    const struct netport_config *cfg = &nic->port.cfg;

    return memcmp(mac, cfg->mac, sizeof(cfg->mac)) == 0 ||
           (!(cfg->flags & NETPORT_CHECK_MAC) && (mac[0] & 1) == 0);
}

/* Return: likewise. */
static u8 set_address(struct nic *nic, const struct net_command *c, size_t bytes)
{
    if (!HAS_ALL(bytes, mac) || !net_has(nic, NET_F_CTRL_MAC_ADDR) || !may_have(nic, c->mac))
        return NET_CTRL_ERR;
    virtio_config_replace(&nic->virtio, offsetof(struct net_config, mac), c->mac, sizeof(c->mac));
    return NET_CTRL_OK;
}

static u8 do_command(struct nic *nic, const struct gmem *gmem, const struct virtq_chain *chain)
{
    struct net_command c = {0};
    size_t bytes = virtq_chain_read(gmem, chain, 0, &c, sizeof(c));

    if (bytes > 0 && c.class_code == CTRL_MQ)
        return set_pairs(nic, &c, bytes);
    if (bytes > 1 && c.class_code == CTRL_MAC && c.command == CTRL_MAC_ADDR_SET)
        return set_address(nic, &c, bytes);
    return net_filter_command(&nic->filter, nic->virtio.accepted, gmem, chain);
}

/* Return: false if there is none. Context: lock held. */
static bool obey_one(struct nic *nic)
{
    const struct gmem *gmem = &nic->virtio.dev.vm->gmem;
    struct virtq_chain *chain = &nic->ctrl_chain;
    u16 queue = control_queue(nic);
    u8 ack;

    if (virtio_pop(&nic->virtio, queue, chain))
        return false;
    ack = do_command(nic, gmem, chain);
    virtio_push(&nic->virtio, queue, chain,
                (u32)virtq_chain_write(gmem, chain, 0, &ack, sizeof(ack)));
    return true;
}

/* A driver waits for each command's end; one that sends more at once than a batch rings again. */
static void obey(struct nic *nic, u16 queue)
{
    bool has_more = true;

    for (u32 i = 0; i < NET_BATCH && has_more; i++) {
        u64 flags = spin_lock_irqsave(&nic->virtio.dev.lock);

        has_more = obey_one(nic);
        spin_unlock_irqrestore(&nic->virtio.dev.lock, flags);
    }
    virtio_signal(&nic->virtio, queue);
}

/* Only live queues ring, so features stand; queues that a driver without MQ has no use for are
 * none. */
static void nic_notify(struct virtio *dev, u16 queue)
{
    struct nic *nic = container_of(dev, struct nic, virtio);
    u16 control = control_queue(nic);

    if (queue == control)
        obey(nic, queue);
    else if (queue < control && queue % 2 == 0)
        net_receive(nic);
    else if (queue < control)
        net_transmit(nic, queue / 2u);
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
    u32 bits = __atomic_load_n(&nic->tx_watched, __ATOMIC_SEQ_CST);

    follow_link(nic);
    net_receive(nic);
    for (; bits; bits &= bits - 1)
        net_transmit(nic, (u32)__builtin_ctz(bits));
}

/* Frames that wait in the port stay: they are for whoever comes next, as on a wire. */
static void nic_reset(struct virtio *dev)
{
    struct nic *nic = container_of(dev, struct nic, virtio);

    virtio_config_replace(dev, offsetof(struct net_config, mac), nic->port.cfg.mac,
                          sizeof(nic->port.cfg.mac));
    net_filter_reset(&nic->filter);
    net_steer_reset(&nic->steer, 1);
    nic->pairs = 1;
    for (u32 i = 0; i < nic->pairs_max; i++)
        nic->tx[i].is_cutting = false;
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
    .features = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MTU | NET_F_MAC | NET_F_GUEST_TSO4 |
                NET_F_GUEST_TSO6 | NET_F_HOST_TSO4 | NET_F_HOST_TSO6 | NET_F_HOST_ECN |
                NET_F_MRG_RXBUF | NET_F_STATUS | NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_CTRL_RX_X |
                NET_F_CTRL_VLAN | NET_F_CTRL_MAC_ADDR,
    .queue_size = NET_QUEUE_SIZE,
    .config_bytes = sizeof(struct net_config),
    .ops = &nic_ops,
};

static struct nic *nic_alloc(const struct vm *vm)
{
    u32 pairs = MIN(MAX(vm->vcpu_count, 1u), NET_PAIRS_MAX);
    struct nic *nic = kzalloc(sizeof(*nic) + pairs * sizeof(nic->tx[0]));

    if (!nic)
        return NULL;
    nic->model = nic_model;
    nic->model.queue_count = (u16)(2 * pairs + 1);
    if (pairs > 1)
        nic->model.features |= NET_F_MQ;
    nic->pairs_max = (u16)pairs;
    return nic;
}

static void set_config(struct nic *nic)
{
    struct net_config config = {.max_virtqueue_pairs = nic->pairs_max, .mtu = (u16)nic->port.mtu};

    nic->link_up = nic->port.link_up;
    memcpy(config.mac, nic->port.cfg.mac, sizeof(config.mac));
    config.status = nic->link_up ? NET_S_LINK_UP : 0;
    virtio_config_set(&nic->virtio, 0, &config, sizeof(config));
}

int virtio_net_create(struct vm *vm, const struct netport_config *cfg)
{
    struct nic *nic = nic_alloc(vm);
    struct netport_config own = *cfg;
    int rc;

    if (!nic)
        return -ENOMEM;
    rc = virtio_create(&nic->virtio, vm, &nic->model);
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
