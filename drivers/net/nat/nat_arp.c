/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP: the gateway's address inside; neighbours of the uplink outside. Spec: RFC 826. */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define ARP_BYTES      28u
#define ARP_OP_AT      6u
#define ARP_SRC_MAC_AT 8u
#define ARP_SRC_IP_AT  14u
#define ARP_DST_MAC_AT 18u
#define ARP_DST_IP_AT  24u
#define ARP_REQUEST    1u
#define ARP_REPLY      2u

/* Ethernet, IPv4, lengths 6 and 4. */
static const u8 arp_kind[6] = {0, 1, 8, 0, 6, 4};
static const u8 broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* The ARP message of a frame; NULL if it is none for IPv4, or of somebody else than the sender. */
static u8 *message_of(const struct pktbuf *pkt)
{
    u8 *frame = pktbuf_data(pkt), *arp = frame + ETHERNET_HEADER_BYTES;

    if (pkt->len < ETHERNET_HEADER_BYTES + ARP_BYTES ||
        memcmp(arp, arp_kind, sizeof(arp_kind)) != 0 ||
        memcmp(arp + ARP_SRC_MAC_AT, frame + 6, 6) != 0 || (frame[6] & 1) != 0)
        return NULL;
    return arp;
}

/* Source of the message's fields: the sender; the rest goes to `mac` and `ip`. */
static void fill(struct pktbuf *pkt, u16 op, const u8 src_mac[6], u32 src_ip, const u8 mac[6],
                 u32 ip)
{
    u8 *frame = pktbuf_data(pkt), *arp = frame + ETHERNET_HEADER_BYTES;

    memcpy(frame, mac, 6);
    memcpy(frame + 6, src_mac, 6);
    inet_store16(frame + ETHERNET_TYPE_AT, ETHERNET_TYPE_ARP);
    memcpy(arp, arp_kind, sizeof(arp_kind));
    inet_store16(arp + ARP_OP_AT, op);
    memcpy(arp + ARP_SRC_MAC_AT, src_mac, 6);
    inet_store32(arp + ARP_SRC_IP_AT, src_ip);
    memcpy(arp + ARP_DST_MAC_AT, mac, 6);
    inet_store32(arp + ARP_DST_IP_AT, ip);
    pkt->len = ETHERNET_HEADER_BYTES + ARP_BYTES;
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}

void nat_arp_inside(struct nat *nat, struct pktbuf *pkt)
{
    const u8 *arp = message_of(pkt);
    struct nat_host *host;
    u32 ip;

    if (!arp) {
        nat_drop(pkt, &nat->counters.malformed);
        return;
    }
    host = nat_host_get(nat, arp + ARP_SRC_MAC_AT);
    ip = inet_load32(arp + ARP_SRC_IP_AT);
    if (!host || (ip != 0 && !nat_host_claims(nat, host, inet_v4(ip)))) {
        nat_drop(pkt, &nat->counters.spoofed);
        return;
    }
    if (inet_load16(arp + ARP_OP_AT) != ARP_REQUEST ||
        inet_load32(arp + ARP_DST_IP_AT) != nat->cfg.gateway) {
        pktbuf_free(pkt); /* between others */
        return;
    }
    fill(pkt, ARP_REPLY, nat->cfg.mac, nat->cfg.gateway, host->mac, ip);
    nat->ops->to_inside(nat->arg, pkt);
}

void nat_arp_ask(struct nat *nat, struct pktbuf *pkt, u32 ip)
{
    fill(pkt, ARP_REQUEST, nat->uplink.mac, nat->uplink.address, broadcast, ip);
    memset(pktbuf_data(pkt) + ETHERNET_HEADER_BYTES + ARP_DST_MAC_AT, 0, 6);
}

void nat_arp_uplink(struct nat *nat, const struct pktbuf *pkt)
{
    const u8 *arp = message_of(pkt);

    if (arp && inet_load16(arp + ARP_OP_AT) == ARP_REPLY &&
        memcmp(arp + ARP_DST_MAC_AT, nat->uplink.mac, 6) == 0)
        nat_neighbour_learn(nat, inet_v4(inet_load32(arp + ARP_SRC_IP_AT)), arp + ARP_SRC_MAC_AT);
}
