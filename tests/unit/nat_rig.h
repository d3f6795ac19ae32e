/* SPDX-License-Identifier: BSD-2-Clause */
/* A NAT with its two sides as queues, frames to put in, and slow checks of what comes out. */
#ifndef SOCLE_TESTS_NAT_RIG_H
#define SOCLE_TESTS_NAT_RIG_H

#include "tests/unit/harness.h"

#include "drivers/net/nat/nat_impl.h"
#include "drivers/net/pktbuf_pool.h"

#include <stdlib.h>
#include <string.h>

#define RIG_FRAMES 64
#define GATEWAY    0xc0a84d01u /* 192.168.77.1 */
#define GUEST      0xc0a84d0au /* .10, a static address */
#define GUEST2     0xc0a84d0bu
#define HOST       0x0a00020fu /* 10.0.2.15 */
#define ROUTER     0x0a000202u
#define SERVER     0x5db8d822u /* 93.184.216.34 */
#define RESOLVER   0x0a000203u
#define RESOLVER2  0x0a000204u

static const u8 gateway_mac[6] = {2, 0, 0, 0, 0, 1};
static const u8 guest_mac[6] = {2, 0, 0, 0, 0, 10};
static const u8 guest2_mac[6] = {2, 0, 0, 0, 0, 11};
static const u8 host_mac[6] = {2, 0, 0, 0, 1, 1};
static const u8 router_mac[6] = {2, 0, 0, 0, 1, 2};
static const u8 everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct rig_queue {
    struct pktbuf *frames[RIG_FRAMES];
    unsigned count;
};

static struct {
    struct nat nat;
    struct pktbuf pkts[RIG_FRAMES];
    u8 buffers[RIG_FRAMES][PKTBUF_BYTES];
    struct pktbuf big;
    u8 big_buffer[PKTBUF_BIG_BYTES];
    bool has_pool;
    struct rig_queue inside, uplink;
    u64 now_ns;
} rig;

static void rig_queue_push(struct rig_queue *queue, struct pktbuf *pkt)
{
    if (queue->count == RIG_FRAMES)
        abort();
    queue->frames[queue->count++] = pkt;
}

static void rig_to_inside(void *arg, struct pktbuf *pkt)
{
    (void)arg;
    rig_queue_push(&rig.inside, pkt);
}

static void rig_to_uplink(void *arg, struct pktbuf *pkt)
{
    (void)arg;
    rig_queue_push(&rig.uplink, pkt);
}

static const struct nat_ops rig_ops = {rig_to_inside, rig_to_uplink};

static const struct nat_config rig_config = {
    .network = "default",
    .mac = {2, 0, 0, 0, 0, 1},
    .gateway = GATEWAY,
    .prefix_bits = 24,
    .range_first = GATEWAY + 99,
    .range_last = GATEWAY + 198,
    .mtu = 1500,
    .port_first = NAT_PORT_LOW,
    .port_count = NAT_PORT_HIGH - NAT_PORT_LOW + 1,
    .secret = {{1, 2}},
};

static struct nat_uplink rig_uplink = {
    .is_up = true,
    .mac = {2, 0, 0, 0, 1, 1},
    .mtu = 1500,
    .address = HOST,
    .netmask = 0xffffff00u,
    .gateway = 0x0a000202u,
    .dns = {RESOLVER, RESOLVER2},
};

static void rig_flush(struct rig_queue *queue)
{
    for (unsigned i = 0; i < queue->count; i++)
        pktbuf_free(queue->frames[i]);
    queue->count = 0;
}

static void rig_reset(void)
{
    rig_flush(&rig.inside);
    rig_flush(&rig.uplink);
    nat_fini(&rig.nat);
    if (!rig.has_pool)
        for (unsigned i = 0; i < RIG_FRAMES; i++)
            pktbuf_pool_add(&rig.pkts[i], rig.buffers[i], hpa(0));
    if (!rig.has_pool)
        pktbuf_pool_add_big(&rig.big, rig.big_buffer, hpa(0));
    rig.has_pool = true;
    memset(&rig.nat, 0, sizeof(rig.nat));
    rig.now_ns = 1000 * NS_PER_S;
    CHECK_EQ(nat_init(&rig.nat, &rig_config, &rig_ops, NULL), 0);
    CHECK_EQ(nat_uplink_set(&rig.nat, &rig_uplink), 0);
}

/* The oldest frame that came out; the caller frees it. */
static struct pktbuf *rig_take(struct rig_queue *queue)
{
    struct pktbuf *pkt;

    if (queue->count == 0)
        return NULL;
    pkt = queue->frames[0];
    memmove(queue->frames, queue->frames + 1, --queue->count * sizeof(queue->frames[0]));
    return pkt;
}

static struct pktbuf *rig_frame(const u8 dst[6], const u8 src[6], u16 type, u32 bytes)
{
    struct pktbuf *pkt = pktbuf_alloc_for(ETHERNET_HEADER_BYTES + bytes);
    u8 *frame;

    if (!pkt)
        abort(); /* a frame was lost */
    frame = pktbuf_data(pkt);
    memcpy(frame, dst, 6);
    memcpy(frame + 6, src, 6);
    inet_store16(frame + 12, type);
    memset(frame + 14, 0, bytes);
    pkt->len = (u16)(14 + bytes);
    return pkt;
}

/* RFC 1071 as it is written, to compare with. */
static unused u16 slow_sum(const u8 *at, u32 bytes, u32 sum)
{
    for (u32 i = 0; i < bytes; i++)
        sum += i % 2 ? at[i] : (u32)at[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (u16)sum;
}

static unused u16 slow_pseudo(const u8 *ip)
{
    u32 bytes = inet_load16(ip + 2) - 20u;

    return slow_sum(ip + 12, 8, ip[9] + bytes);
}

/* All checksums of the packet, computed anew. */
static unused bool rig_sums_are_right(const u8 *ip)
{
    u32 bytes = inet_load16(ip + 2) - 20u;

    if (slow_sum(ip, 20, 0) != 0xffff)
        return false;
    if (ip[9] == IP_PROTOCOL_UDP && inet_load16(ip + 20 + 6) == 0)
        return true;
    return slow_sum(ip + 20, bytes, ip[9] == IP_PROTOCOL_ICMP ? 0 : slow_pseudo(ip)) == 0xffff;
}

static void rig_sum(u8 *ip)
{
    u32 bytes = inet_load16(ip + 2) - 20u;
    u32 at = ip[9] == IP_PROTOCOL_TCP ? 16 : ip[9] == IP_PROTOCOL_UDP ? 6 : 2;
    u16 sum;

    inet_store16(ip + 10, 0);
    inet_store16(ip + 10, (u16)~slow_sum(ip, 20, 0));
    inet_store16(ip + 20 + at, 0);
    sum = (u16)~slow_sum(ip + 20, bytes, ip[9] == IP_PROTOCOL_ICMP ? 0 : slow_pseudo(ip));
    inet_store16(ip + 20 + at, sum == 0 && ip[9] == IP_PROTOCOL_UDP ? 0xffff : sum);
}

struct rig_packet {
    u8 protocol;
    u32 src, dst;
    u16 src_port, dst_port; /* ICMP: type, identifier */
    u8 flags;               /* TCP */
    u32 payload;
};

/* Bytes of a header of TCP, UDP or an ICMP, and of its payload. */
static u32 rig_l4_bytes(u8 protocol, u32 payload)
{
    return (protocol == IP_PROTOCOL_TCP ? 20 : 8) + payload;
}

/* Both, into zeroes, without the checksum; the ports of an ICMP are its type and identifier. */
static void rig_l4(u8 *l4, u8 protocol, u16 src_port, u16 dst_port, u8 flags, u32 payload)
{
    u32 header = rig_l4_bytes(protocol, 0);

    for (u32 i = 0; i < payload; i++)
        l4[header + i] = (u8)(i * 7);
    if (protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMPV6) {
        l4[0] = (u8)src_port;
        inet_store16(l4 + 4, dst_port);
        return;
    }
    inet_store16(l4, src_port);
    inet_store16(l4 + 2, dst_port);
    if (protocol == IP_PROTOCOL_UDP)
        inet_store16(l4 + 4, (u16)(8 + payload));
    if (protocol == IP_PROTOCOL_TCP) {
        l4[12] = 0x50;
        l4[13] = flags;
    }
}

/* A packet in a frame, with right checksums and a payload that counts up. */
static struct pktbuf *rig_packet(const u8 dst[6], const u8 src[6], struct rig_packet p)
{
    u32 bytes = rig_l4_bytes(p.protocol, p.payload);
    struct pktbuf *pkt = rig_frame(dst, src, ETHERNET_TYPE_IPV4, 20 + bytes);
    u8 *ip = pktbuf_data(pkt) + 14;

    ip[0] = 0x45;
    inet_store16(ip + 2, (u16)(20 + bytes));
    inet_store16(ip + 4, 0x1234);
    ip[8] = 64;
    ip[9] = p.protocol;
    inet_store32(ip + 12, p.src);
    inet_store32(ip + 16, p.dst);
    rig_l4(ip + 20, p.protocol, p.src_port, p.dst_port, p.flags, p.payload);
    rig_sum(ip);
    return pkt;
}

static unused void rig_from_guest(struct rig_packet p)
{
    nat_from_inside(&rig.nat, rig_packet(gateway_mac, p.src == GUEST2 ? guest2_mac : guest_mac, p),
                    rig.now_ns);
}

/* Return: true if the NAT took it. */
static unused bool rig_from_outside_pkt(struct pktbuf *pkt)
{
    bool taken = nat_from_uplink(&rig.nat, pkt, rig.now_ns);

    if (!taken)
        pktbuf_free(pkt);
    return taken;
}

static unused bool rig_from_outside(struct rig_packet p)
{
    return rig_from_outside_pkt(rig_packet(host_mac, router_mac, p));
}

/* The router answers the ARP request that came out last. */
static unused void rig_answer_arp(void)
{
    struct pktbuf *request = rig_take(&rig.uplink), *pkt;
    u8 *arp;

    if (!CHECK(request != NULL))
        return;
    CHECK_EQ(inet_load16(pktbuf_data(request) + 12), ETHERNET_TYPE_ARP);
    pkt = rig_frame(host_mac, router_mac, ETHERNET_TYPE_ARP, 28);
    arp = pktbuf_data(pkt) + 14;
    memcpy(arp, "\0\1\10\0\6\4\0\2", 8);
    memcpy(arp + 8, router_mac, 6);
    memcpy(arp + 14, pktbuf_data(request) + 14 + 24, 4);
    memcpy(arp + 18, host_mac, 6);
    inet_store32(arp + 24, HOST);
    pktbuf_free(request);
    CHECK(!rig_from_outside_pkt(pkt)); /* lwIP sees it, too */
}

/* A NAT whose router is known already. */
static unused void rig_start(void)
{
    rig_reset();
    rig_from_guest((struct rig_packet){IP_PROTOCOL_UDP, GUEST, SERVER, 9, 9, 0, 4});
    rig_answer_arp();
    rig_flush(&rig.uplink);
}

static unused const u8 *rig_ip(const struct pktbuf *pkt)
{
    return pktbuf_data(pkt) + 14;
}

#endif
