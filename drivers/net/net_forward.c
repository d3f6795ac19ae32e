/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves frames as the switch decides.
 *
 * A frame has one owner, so a flood copies it for each receiver but the last. On a NIC frames carry
 * the VLAN tag of their network, and none inside. A NIC whose ring is full holds one frame back,
 * and nothing is taken from the ports of its networks until that is gone: senders wait, nothing is
 * lost. A NIC without a link loses what it is given, or it would hold up the traffic between VMs.
 */
#include "drivers/net/net_forward.h"

#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"
#include "drivers/net/net_transmit.h"
#include "drivers/net/pktbuf_csum.h"

#define TYPE_VLAN     0x8100u
#define VLAN_ID_MASK  0xfffu
#define ADDRESS_BYTES 12u /* both, in front of a tag */
/* Addresses of the sender in ARP's packet. Spec: RFC 826. */
#define ARP_BYTES     28u
#define ARP_MAC_AT    (ETHERNET_HEADER_BYTES + 8)
#define ARP_IP_AT     (ETHERNET_HEADER_BYTES + 14)
/* When to look again at a NIC with a full ring. */
#define RETRY_NS      (1 * NS_PER_MS)

_Static_assert(PKTBUF_HEADROOM >= ETHERNET_VLAN_BYTES + 12,
               "a tag, and the header of virtio-net in front of it");

struct port_set net_touched;

static void count(u64 *counter, u64 n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static u32 type_of(const struct pktbuf *pkt)
{
    const u8 *frame = pktbuf_data(pkt);

    return (u32)frame[ADDRESS_BYTES] << 8 | frame[ADDRESS_BYTES + 1];
}

/* Takes a tag off. Return: its VLAN; 0: none, or one with a priority only. */
static u16 untag(struct pktbuf *pkt)
{
    u8 *frame = pktbuf_data(pkt);
    u16 vlan;

    if (pkt->len < ETHERNET_HEADER_BYTES + ETHERNET_VLAN_BYTES || type_of(pkt) != TYPE_VLAN)
        return 0;
    vlan = (u16)(((u32)frame[ADDRESS_BYTES + 2] << 8 | frame[ADDRESS_BYTES + 3]) & VLAN_ID_MASK);
    memmove(frame + ETHERNET_VLAN_BYTES, frame, ADDRESS_BYTES);
    pkt->offset = (u16)(pkt->offset + ETHERNET_VLAN_BYTES);
    pkt->len = (u16)(pkt->len - ETHERNET_VLAN_BYTES);
    if (pkt->csum == PKTBUF_CSUM_PARTIAL)
        pkt->csum_start = (u16)(pkt->csum_start - ETHERNET_VLAN_BYTES);
    return vlan;
}

static void tag(struct pktbuf *pkt, u16 vlan)
{
    u8 *frame = pktbuf_data(pkt) - ETHERNET_VLAN_BYTES;

    memmove(frame, frame + ETHERNET_VLAN_BYTES, ADDRESS_BYTES);
    frame[ADDRESS_BYTES] = TYPE_VLAN >> 8;
    frame[ADDRESS_BYTES + 1] = TYPE_VLAN & 0xff;
    frame[ADDRESS_BYTES + 2] = (u8)(vlan >> 8);
    frame[ADDRESS_BYTES + 3] = (u8)vlan;
    pkt->offset = (u16)(pkt->offset - ETHERNET_VLAN_BYTES);
    pkt->len = (u16)(pkt->len + ETHERNET_VLAN_BYTES);
    if (pkt->csum == PKTBUF_CSUM_PARTIAL)
        pkt->csum_start = (u16)(pkt->csum_start + ETHERNET_VLAN_BYTES);
}

static void to_uplink(const struct network *network, struct pktbuf *pkt)
{
    struct netdev *dev = network->dev;

    if (!dev->is_link_up) {
        netdev_count(&dev->counters.tx_drops, 1);
        pktbuf_free(pkt);
        return;
    }
    if (!(dev->features & NETDEV_TX_CSUM))
        pktbuf_csum_complete(pkt);
    if (network->cfg.vlan)
        tag(pkt, network->cfg.vlan);
    netdev_transmit(dev, pkt);
}

static void to_port(struct netport *port, struct pktbuf *pkt, u64 now_ns)
{
    u32 len = pkt->len;

    for (const struct netport_filter *f = port->filters; f; f = f->next)
        if (f->take(f->arg, pkt))
            return;
    if (port->network->captures)
        net_capture_frame(port->network->captures, port, pkt, CAPTURE_INBOUND);
    if (ring_count(&port->inbox) >= port->cfg.queue ||
        !net_limiter_take(&port->rx_limit, len, now_ns) || !ring_push(&port->inbox, pkt)) {
        count(&port->counters.rx_drops, 1);
        pktbuf_free(pkt);
    } else {
        netdev_count(&port->counters.rx_frames, 1);
        netdev_count(&port->counters.rx_bytes, len);
    }
    net_touch(port);
}

static void to(struct network *network, struct vswitch_port *port, struct pktbuf *pkt, u64 now_ns)
{
    if (port == &network->uplink)
        to_uplink(network, pkt);
    else
        to_port(container_of(port, struct netport, in_switch), pkt, now_ns);
}

static struct pktbuf *copy_of(const struct pktbuf *pkt)
{
    struct pktbuf *copy = pktbuf_alloc_for(pkt->len);

    if (!copy)
        return NULL;
    memcpy(pktbuf_data(copy), pktbuf_data(pkt), pkt->len);
    copy->len = pkt->len;
    copy->csum = pkt->csum;
    copy->csum_start = pkt->csum_start;
    copy->csum_offset = pkt->csum_offset;
    return copy;
}

/* Each receiver but the last gets a copy. */
static void flood(struct network *network, const struct vswitch_port *from, struct pktbuf *pkt,
                  bool is_group, u64 now_ns)
{
    struct vswitch_port *last = NULL;

    if (network->dev && vswitch_floods_to(from, &network->uplink, is_group))
        last = &network->uplink;
    for (struct netport *port = network->ports; port; port = port->next) {
        struct pktbuf *copy;

        if (!vswitch_floods_to(from, &port->in_switch, is_group))
            continue;
        copy = last ? copy_of(pkt) : NULL;
        if (copy)
            to(network, last, copy, now_ns);
        last = &port->in_switch;
    }
    if (last)
        to(network, last, pkt, now_ns);
    else
        pktbuf_free(pkt);
}

static void count_drop(struct netport *sender, enum vswitch_verdict verdict)
{
    if (!sender)
        return;
    count(&sender->counters.tx_drops, 1);
    if (verdict == VSWITCH_SPOOFED)
        count(&sender->counters.spoofed, 1);
    else if (verdict == VSWITCH_STORM)
        count(&sender->counters.storms, 1);
}

/* sender: NULL for the uplink. */
static void forward(struct network *network, struct vswitch_port *from, struct netport *sender,
                    struct pktbuf *pkt, u64 now_ns)
{
    u32 largest =
        network->mtu + ETHERNET_HEADER_BYTES + (network->sw.has_tags ? ETHERNET_VLAN_BYTES : 0);
    struct vswitch_decision d = {.verdict = VSWITCH_BAD};

    if (network->captures)
        net_capture_frame(network->captures, sender, pkt, CAPTURE_OUTBOUND);
    if (pkt->len <= largest)
        d = vswitch_decide(&network->sw, from, pktbuf_data(pkt), pkt->len, now_ns);
    else if (!sender)
        netdev_count(&network->dev->counters.rx_drops, 1);
    if (d.verdict == VSWITCH_TO_PORT) {
        to(network, d.to, pkt, now_ns);
    } else if (d.verdict == VSWITCH_FLOOD) {
        flood(network, from, pkt, d.is_group, now_ns);
    } else {
        count_drop(sender, d.verdict);
        pktbuf_free(pkt);
    }
}

void net_forward_received(struct network *bridges, struct netdev *dev, struct pktbuf *pkt)
{
    u16 vlan;

    netdev_count(&dev->counters.rx_frames, 1);
    netdev_count(&dev->counters.rx_bytes, pkt->len);
    vlan = untag(pkt);
    for (struct network *n = bridges; n; n = n->next_bridge) {
        if (n->dev == dev && n->cfg.vlan == vlan) {
            forward(n, &n->uplink, NULL, pkt, time_ns());
            return;
        }
    }
    pktbuf_free(pkt);
}

void net_forward_from(struct netport *port, struct pktbuf *pkt)
{
    forward(port->network, &port->in_switch, port, pkt, time_ns());
}

/* For lists of ports: each IPv4 stack asks by ARP before it speaks. */
static void note_address(struct netport *port, const struct pktbuf *pkt)
{
    const u8 *frame = pktbuf_data(pkt);
    u32 ip;

    if (pkt->len < ETHERNET_HEADER_BYTES + ARP_BYTES || type_of(pkt) != ETHERNET_TYPE_ARP ||
        memcmp(frame + ARP_MAC_AT, port->cfg.mac, sizeof(port->cfg.mac)) != 0)
        return;
    ip = inet_load32(frame + ARP_IP_AT);
    if (ip != 0) /* a probe tells nothing */
        __atomic_store_n(&port->ip_seen, ip, __ATOMIC_RELAXED);
}

enum net_collected net_forward_sent(struct netport *port, u32 *moved, u64 *ready_ns)
{
    struct network *network = port->network;
    u64 now_ns = time_ns();

    for (*moved = 0; *moved < NET_BATCH; (*moved)++) {
        struct pktbuf *pkt;

        if (network->dev && netdev_transmit_is_held(network->dev)) {
            *ready_ns = now_ns + RETRY_NS;
            return NET_LIMITED;
        }
        pkt = port->held ? port->held : ring_pop(&port->outbox);
        port->held = NULL;
        if (!pkt)
            return NET_EMPTY;
        if (!net_limiter_take(&port->tx_limit, pkt->len, now_ns)) {
            port->held = pkt;
            *ready_ns = net_limiter_ready_ns(&port->tx_limit, now_ns);
            return NET_LIMITED;
        }
        netdev_count(&port->counters.tx_frames, 1);
        netdev_count(&port->counters.tx_bytes, pkt->len);
        note_address(port, pkt);
        forward(network, &port->in_switch, port, pkt, now_ns);
    }
    return NET_MORE;
}
