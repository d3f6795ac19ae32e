/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network device of the host (clouds, nested hosts): one receive and one transmit queue, and
 * the control queue for the receive filter.
 *
 * Only net_task touches the queues, so there is no lock. The device is a program in somebody's host
 * and may be hostile: a queue it breaks, a transmitter that stands still, and a device that asks
 * for it are answered by a reset, at most one in NETDEV_HANG_NS.
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/driver.h"
#include "drivers/net/virtio_net.h"
#include "drivers/net/virtio_net_regs.h"
#include "mm/kheap.h"

#define NAME            "virtio-net"
#define CTRL_SIZE       4u
/* What every IPv4 host takes; a device that says less is not believed. */
#define MTU_MIN         576u
#define CTRL_TIMEOUT_NS (200 * NS_PER_MS)

/* Not VIRTIO_NET_F_MQ: one pair of queues, the first. Spec: 5.1.2 "Virtqueues"; README, "Queues".
 */
#define FEATURES                                                                         \
    (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_MTU | VIRTIO_NET_F_MAC | \
     VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_MRG_RXBUF |          \
     VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_F_EVENT_IDX)

/* One command on the control queue. Return: true if the device did it in time. */
static bool ctrl_command(struct virtio_net *nic, u8 command, u8 data)
{
    struct virtio_net_ctrl *ctrl = nic->command.cpu;
    u64 at = nic->command.bus.v, deadline = time_ns() + CTRL_TIMEOUT_NS;
    struct virtq_seg segs[] = {
        {hpa(at), 2, false},
        {hpa(at + offsetof(struct virtio_net_ctrl, data)), 1, false},
        {hpa(at + offsetof(struct virtio_net_ctrl, ack)), 1, true},
    };
    u32 bytes;

    *ctrl = (struct virtio_net_ctrl){VIRTIO_NET_CTRL_RX, command, data, 0xff};
    if (virtq_add(&nic->ctrl.vq, segs, ARRAY_SIZE(segs), ctrl) != 0)
        return false;
    virtio_kick(&nic->ctrl);
    while (virtq_take(&nic->ctrl.vq, &bytes) == NULL) {
        if (time_ns() > deadline || nic->ctrl.vq.is_broken)
            return false;
        cpu_pause();
    }
    return *(volatile u8 *)&ctrl->ack == VIRTIO_NET_OK;
}

/* Frames for us or, with VMs behind us, for everybody; broadcast, and all groups, as IPv6 needs
 * them. A device that cannot filter gives more, which does no harm. */
static void virtio_net_set_promisc(struct netdev *dev)
{
    struct virtio_net *nic = virtio_net_of(dev);

    if (nic->is_dead || !virtio_has(&nic->virtio, VIRTIO_NET_F_CTRL_RX))
        return;
    if (!ctrl_command(nic, VIRTIO_NET_CTRL_RX_ALLMULTI, 1) ||
        !ctrl_command(nic, VIRTIO_NET_CTRL_RX_PROMISC, dev->is_promisc))
        log_warn(NAME, "%s: does not take its receive filter", nic->dev.bdf);
    virtq_irq_off(&nic->ctrl.vq);
}

/* Long frames need mergeable buffers: what the device puts into one is a pktbuf of the usual size.
 * One that says nothing takes what comes. After a reset the MTU in use stays. */
static void read_mtu(struct virtio_net *nic)
{
    u32 mtu = virtio_has(&nic->virtio, VIRTIO_NET_F_MRG_RXBUF) ? PKTBUF_MTU_MAX : ETHERNET_MTU;

    if (virtio_has(&nic->virtio, VIRTIO_NET_F_MTU)) {
        u32 told = (u32)virtio_config_read(&nic->virtio, VIRTIO_NET_CONFIG_MTU, sizeof(u16));

        mtu = MIN(mtu, MAX(MTU_MIN, told));
    }
    if (nic->dev.mtu == 0)
        netdev_init_mtu(&nic->dev, mtu);
}

/* What the device offers, after negotiation. Return: 0, -EOPNOTSUPP. */
static int read_config(struct virtio_net *nic)
{
    struct netdev *dev = &nic->dev;

    if (!virtio_has(&nic->virtio, VIRTIO_NET_F_MAC)) {
        log_warn(NAME, "%s: has no address", dev->bdf);
        return -EOPNOTSUPP;
    }
    for (u32 i = 0; i < sizeof(dev->mac); i++)
        dev->mac[i] = (u8)virtio_config_read(&nic->virtio, VIRTIO_NET_CONFIG_MAC + i, 1);
    read_mtu(nic);
    dev->features = 0;
    if (virtio_has(&nic->virtio, VIRTIO_NET_F_CSUM))
        dev->features |= NETDEV_TX_CSUM;
    if (virtio_has(&nic->virtio, VIRTIO_NET_F_GUEST_CSUM))
        dev->features |= NETDEV_RX_CSUM;
    return 0;
}

/* Only where the longest segment has room, in an empty queue: the device says how long that is. */
static void choose_segments(struct virtio_net *nic)
{
    if (nic->tx.vq.size < NETDEV_SEGMENT_FRAMES || !virtio_has(&nic->virtio, VIRTIO_NET_F_CSUM))
        return;
    if (virtio_has(&nic->virtio, VIRTIO_NET_F_HOST_TSO4))
        nic->dev.features |= NETDEV_TX_TSO4;
    if (virtio_has(&nic->virtio, VIRTIO_NET_F_HOST_TSO6))
        nic->dev.features |= NETDEV_TX_TSO6;
}

/* From a reset device to a running one. Return: 0 or what went wrong; then it is reset again. */
static int nic_start(struct virtio_net *nic)
{
    struct virtio_dev *virtio = &nic->virtio;
    int rc = virtio_negotiate(virtio, FEATURES);

    if (rc == 0)
        rc = read_config(nic);
    if (rc == 0)
        rc = virtio_queue_start(virtio, &nic->rx, VIRTIO_NET_Q_RX, VIRTIO_NET_QUEUE_SIZE);
    if (rc == 0)
        rc = virtio_queue_start(virtio, &nic->tx, VIRTIO_NET_Q_TX, VIRTIO_NET_QUEUE_SIZE);
    if (rc == 0 && virtio_has(virtio, VIRTIO_NET_F_CTRL_RX))
        rc = virtio_queue_start(virtio, &nic->ctrl, VIRTIO_NET_Q_CTRL, CTRL_SIZE);
    if (rc == 0)
        rc = virtio_net_rx_fill(nic);
    if (rc != 0)
        return rc;
    choose_segments(nic);
    virtq_irq_off(&nic->tx.vq); /* sent frames are freed when there is something to do */
    virtio_driver_ok(virtio);
    virtio_net_rx_announce(nic);
    nic->is_dead = false;
    virtio_net_set_promisc(&nic->dev);
    nic->dev.link_changed = true;
    return 0;
}

/* Resets the device and takes its buffers back. One that does not answer is cut off from memory,
 * for good. Return: 0, -ETIMEDOUT. */
static int nic_stop(struct virtio_net *nic)
{
    int rc = virtio_reset(&nic->virtio);

    if (rc != 0) {
        pci_disable(nic->virtio.pci);
        nic->next_reset_ns = UINT64_MAX;
    }
    virtio_net_empty(nic);
    return rc;
}

/* Begins again from reset; who fails is tried again later. */
static void nic_restart(struct virtio_net *nic)
{
    u8 mac[sizeof(nic->dev.mac)];
    int rc;

    memcpy(mac, nic->dev.mac, sizeof(mac));
    netdev_count(&nic->dev.counters.resets, 1);
    nic->next_reset_ns = time_ns() + NETDEV_HANG_NS;
    rc = nic_stop(nic);
    if (rc == 0) {
        rc = nic_start(nic);
        if (rc != 0 && nic_stop(nic) != 0)
            rc = -ETIMEDOUT;
    }
    nic->is_dead = rc != 0;
    memcpy(nic->dev.mac, mac, sizeof(mac)); /* our users have it */
    if (rc != 0)
        log_error(NAME, "%s: did not come back after a reset (%d)", nic->dev.bdf, rc);
}

static bool link_is_up(const struct virtio_net *nic)
{
    return !virtio_has(&nic->virtio, VIRTIO_NET_F_STATUS) ||
           (virtio_config_read(&nic->virtio, VIRTIO_NET_CONFIG_STATUS, sizeof(u16)) &
            VIRTIO_NET_S_LINK_UP) != 0;
}

/* Return: what is wrong with the device; NULL: nothing. */
static const char *find_fault(struct virtio_net *nic)
{
    if (nic->is_dead)
        return "is out of order";
    if (nic->rx.vq.is_broken || nic->tx.vq.is_broken)
        return "broke the rules of its queue";
    if (nic->tx.vq.in_flight == 0 || time_ns() - nic->tx_progress_ns < NETDEV_HANG_NS)
        return NULL;
    nic->tx_progress_ns = time_ns();
    return link_is_up(nic) ? "transmitter stands still" : NULL;
}

static void check_health(struct virtio_net *nic)
{
    const char *fault = find_fault(nic);

    if (fault == NULL || time_ns() < nic->next_reset_ns)
        return;
    log_warn(NAME, "%s: %s, reset %llu", nic->dev.bdf, fault,
             (unsigned long long)nic->dev.counters.resets + 1);
    nic_restart(nic);
}

static void virtio_net_tx_flush(struct netdev *dev)
{
    struct virtio_net *nic = virtio_net_of(dev);

    virtio_kick(&nic->tx);
    virtio_net_tx_reclaim(nic);
    check_health(nic);
}

static bool virtio_net_irq_enable(struct netdev *dev)
{
    struct virtio_net *nic = virtio_net_of(dev);

    if (dev->is_polled || nic->is_dead || !virtq_irq_on(&nic->rx.vq))
        return false;
    virtq_irq_off(&nic->rx.vq);
    return true;
}

/* Asked when the configuration has changed, and now and then: also where a device that gave up is
 * noticed. */
static bool virtio_net_link_up(struct netdev *dev)
{
    struct virtio_net *nic = virtio_net_of(dev);

    if (!nic->is_dead && virtio_needs_reset(&nic->virtio))
        nic->is_dead = true;
    return !nic->is_dead && link_is_up(nic);
}

static bool virtio_net_irq(void *arg)
{
    struct virtio_net *nic = arg;
    u32 causes = virtio_irq_claim(&nic->virtio);

    if (causes == 0)
        return false;
    if ((causes & VIRTIO_IRQ_CONFIG) != 0)
        __atomic_store_n(&nic->dev.link_changed, true, __ATOMIC_RELEASE);
    __atomic_store_n(&nic->irq_seen, true, __ATOMIC_RELEASE);
    netdev_wake(&nic->dev);
    return true;
}

static const struct netdev_ops virtio_net_ops = {
    .rx_poll = virtio_net_rx_poll,
    .tx = virtio_net_tx,
    .tx_segment = virtio_net_tx_segment,
    .tx_flush = virtio_net_tx_flush,
    .irq_enable = virtio_net_irq_enable,
    .link_up = virtio_net_link_up,
    .set_promisc = virtio_net_set_promisc,
};

/* The filter's commands have raised interrupts, if any arrive. A message needs no wiring and is
 * believed without. */
static void check_irq(struct virtio_net *nic)
{
    u64 deadline = time_ns() + CTRL_TIMEOUT_NS;
    enum pci_irq_kind kind = nic->virtio.irq.kind;
    bool can_test = virtio_has(&nic->virtio, VIRTIO_NET_F_CTRL_RX);

    if (kind == PCI_IRQ_MSI || kind == PCI_IRQ_MSIX)
        return;
    while (kind == PCI_IRQ_INTX && can_test && time_ns() < deadline) {
        if (__atomic_load_n(&nic->irq_seen, __ATOMIC_ACQUIRE))
            return;
        cpu_pause();
    }
    pci_irq_release(nic->virtio.pci, &nic->virtio.irq);
    nic->dev.is_polled = true;
    log_warn(NAME, "%s: no interrupt arrives; the card is polled every millisecond", nic->dev.bdf);
}

static void nic_free(struct virtio_net *nic)
{
    virtio_close(&nic->virtio); /* before the device's memory goes */
    virtio_net_empty(nic);
    virtio_queue_free(&nic->rx);
    virtio_queue_free(&nic->tx);
    virtio_queue_free(&nic->ctrl);
    if (nic->command.cpu != NULL)
        dma_free(&nic->command);
}

/* Return: 0 or what went wrong. */
static int nic_setup(struct virtio_net *nic, const struct pci_device *pci)
{
    int rc = virtio_open(&nic->virtio, pci);

    if (rc != 0)
        return rc;
    rc = dma_alloc(&nic->command, sizeof(struct virtio_net_ctrl));
    if (rc == 0) {
        if (virtio_irq_setup(&nic->virtio, virtio_net_irq, nic) == PCI_IRQ_NONE)
            nic->dev.is_polled = true;
        rc = nic_start(nic);
    }
    if (rc != 0) {
        nic_free(nic);
        return rc;
    }
    check_irq(nic);
    return 0;
}

static int probe(struct pci_device *pci)
{
    struct virtio_net *nic;
    int rc = pktbuf_pool_reserve(PKTBUF_NIC_NEED);

    if (rc != 0)
        return rc;
    nic = kzalloc(sizeof(*nic));
    if (nic == NULL) {
        pktbuf_pool_unreserve(PKTBUF_NIC_NEED);
        return -ENOMEM;
    }
    nic->dev.ops = &virtio_net_ops;
    nic->dev.driver = NAME;
    nic->dev.model = "Virtio network device";
    (void)str_copy(nic->dev.bdf, sizeof(nic->dev.bdf), pci->bdf);
    rc = nic_setup(nic, pci);
    if (rc != 0) {
        log_error(NAME, "%s: cannot be started (%d)", pci->bdf, rc);
        kfree(nic);
        pktbuf_pool_unreserve(PKTBUF_NIC_NEED);
        return rc;
    }
    netdev_register(&nic->dev);
    return 0;
}

static const struct pci_id ids[] = {
    {VIRTIO_VENDOR_ID, 0x1041}, /* 1.0 and later only */
    {VIRTIO_VENDOR_ID, 0x1000}, /* transitional: also the interface from before 1.0 */
    {0, 0},
};

const struct pci_driver virtio_net_driver = {
    .name = NAME,
    .ids = ids,
    .probe = probe,
};
