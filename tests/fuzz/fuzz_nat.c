/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/*
 * Any frames from both sides, with any partial checksum: each buffer comes out once or is freed,
 * and what comes out has a right IP header and an address that may be there.
 *
 * Input: records of a byte (bit 0: side, bit 1: partial checksum, bit 2: a tick comes first,
 * bit 3: make the checksum of IPv4's header, or of ICMPv6, right), a length byte (in units of 2),
 * then the frame after its Ethernet addresses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/nat/nat_impl.h"
#include "drivers/net/pktbuf_csum.h"
#include "drivers/net/pktbuf_pool.h"

#define BUFFERS 80
#define HOST    0x0a00020fu

static const struct inet_address host6 = {0xfec0ull << 48, 0x15};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nat nat;
static struct pktbuf pkts[BUFFERS];
static u8 buffers[BUFFERS][PKTBUF_BYTES];
static u64 now_ns;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_frame(struct pktbuf *pkt, bool is_uplink)
{
    const u8 *frame = pktbuf_data(pkt), *ip = frame + 14;

    demand(pkt->len >= 34 && pkt->len <= PKTBUF_BYTES - PKTBUF_HEADROOM);
    if (inet_load16(frame + 12) == ETHERNET_TYPE_IPV4) {
        demand(inet_sum(ip, 20) == 0xffff && inet_load16(ip + 2) == pkt->len - 14u);
        demand(!is_uplink || inet_load32(ip + 12) == HOST);
    }
    if (inet_load16(frame + 12) == ETHERNET_TYPE_IPV6) {
        demand(pkt->len >= 54 && inet_load16(ip + 4) == pkt->len - 54u);
        demand(!is_uplink || (inet_load64(ip + 8) == host6.hi && inet_load64(ip + 16) == host6.lo));
    }
    pktbuf_csum_complete(pkt);
    pktbuf_free(pkt);
}

static void to_inside(void *arg, struct pktbuf *pkt)
{
    (void)arg;
    check_frame(pkt, false);
}

static void to_uplink(void *arg, struct pktbuf *pkt)
{
    (void)arg;
    check_frame(pkt, true);
}

static void start(void)
{
    static const struct nat_ops ops = {to_inside, to_uplink};
    static const struct nat_config cfg = {
        .network = "default",
        .mac = {2, 0, 0, 0, 0, 1},
        .gateway = 0xc0a84d01u,
        .prefix_bits = 24,
        .range_first = 0xc0a84d02u,
        .range_last = 0xc0a84dfeu,
        .mtu = 1500,
        .port_first = NAT_PORT_LOW,
        .port_count = 1024,
    };
    static const struct nat_uplink uplink = {
        .is_up = true,
        .mac = {2, 0, 0, 0, 1, 1},
        .mtu = 1500,
        .address = HOST,
        .netmask = 0xffffff00u,
        .gateway = 0x0a000202u,
        .dns = {0x0a000203u},
        .v6 = {.is_up = true,
               .is_on_link = true,
               .mtu = 1500,
               .address = {0xfec0ull << 48, 0x15},
               .router = {0xfe80ull << 48, 2},
               .hosts = {{0xfec0ull << 48, 0x15}}},
    };
    static const struct nat_forward forward = {IP_PROTOCOL_TCP, 22, 22, "vm"};

    memset(&nat, 0, sizeof(nat));
    demand(nat_init(&nat, &cfg, &ops, NULL) == 0 && nat_uplink_set(&nat, &uplink) == 0);
    demand(nat_host_add(&nat, (const u8[6]){2, 0, 0, 0, 0, 9}, "vm") == 0);
    demand(nat_forwards_set(&nat, &forward, 1) == 0);
    now_ns = NS_PER_S;
}

static void make_right(u8 *ip, u32 bytes)
{
    bool is_ipv6 = inet_load16(ip - 2) == ETHERNET_TYPE_IPV6;

    if (!is_ipv6 && bytes >= 20) {
        inet_store16(ip + 10, 0);
        inet_store16(ip + 10, (u16)~inet_sum(ip, 20));
    } else if (is_ipv6 && bytes >= 48 && ip[0] >> 4 == 6 && ip[6] == IP_PROTOCOL_ICMPV6 &&
               inet_load16(ip + 4) >= 8 && inet_load16(ip + 4) <= bytes - 40) {
        ip_checksum(ip);
    }
}

static void send(u8 how, const uint8_t *data, u32 bytes)
{
    static const u8 addresses[2][12] = {{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9},
                                        {2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2}};
    struct pktbuf *pkt = pktbuf_alloc();
    u8 *frame;

    demand(pkt != NULL);
    frame = pktbuf_data(pkt);
    memcpy(frame, addresses[how & 1], 12);
    memcpy(frame + 12, data, bytes);
    pkt->len = (u16)(12 + bytes);
    if ((how & 8) && pkt->len >= 34)
        make_right(frame + 14, pkt->len - 14u);
    if (how & 2)
        (void)!pktbuf_csum_set_partial(pkt, (u16)(how >> 4) * 4, (u16)(how >> 6) * 2);
    now_ns += NS_PER_S / 4;
    if (!(how & 1))
        nat_from_inside(&nat, pkt, now_ns);
    else if (!nat_from_uplink(&nat, pkt, now_ns))
        pktbuf_free(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pktbuf *held[BUFFERS];

    if (!pkts[0].buffer)
        for (u32 i = 0; i < BUFFERS; i++)
            pktbuf_pool_add(&pkts[i], buffers[i], hpa(0));
    start();
    while (size >= 2) {
        u8 how = data[0];
        u32 bytes = MIN(data[1] * 2u, (u32)size - 2);

        if (how & 4) {
            now_ns += 100 * NS_PER_S;
            nat_tick(&nat, now_ns);
        }
        send(how, data + 2, bytes);
        data += 2 + bytes;
        size -= 2 + bytes;
    }
    nat_fini(&nat);
    for (u32 i = 0; i < BUFFERS; i++)
        demand((held[i] = pktbuf_alloc()) != NULL);
    for (u32 i = 0; i < BUFFERS; i++)
        pktbuf_free(held[i]);
    return 0;
}
