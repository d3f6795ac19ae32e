/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the uplink: what belongs to a connection or a forward goes inside, all else to the host,
 * whose address it is.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

static void deliver(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                    struct ip_view *view, const struct ip_ends *to)
{
    ip_rewrite(pkt, view, to);
    ip_hops_decrement(view);
    nat->counters.in_frames++;
    nat_to_host(nat, host, pkt);
}

/* The first packet of a connection by a forward. NULL: there is no forward, VM or room. */
static struct nat_conn *begin(struct nat *nat, const struct ip_view *view)
{
    const struct nat_forward *f = nat_forward_find(nat, view->protocol, view->dst_port);
    struct nat_host *host;

    if (!f || view->is_ipv6 ||
        (view->protocol == IP_PROTOCOL_TCP &&
         (view->l4[TCP_FLAGS_AT] & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN))
        return NULL;
    host = nat_host_by_vm(nat, f->vm, strlen(f->vm));
    if (!host || host->ip == 0 ||
        nat_conn_inside(nat, view->protocol, inet_v4(host->ip), f->port, view->src, view->src_port))
        return NULL;
    return nat_conn_add(nat, &(struct nat_conn){
                                 .host = host,
                                 .protocol = view->protocol,
                                 .inside = inet_v4(host->ip),
                                 .inside_port = f->port,
                                 .outside_port = f->host_port,
                                 .seen = view->src,
                                 .remote = view->src,
                                 .remote_port = view->src_port,
                                 .is_inbound = true,
                             });
}

static bool translate(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    bool is_icmp = view->icmp != IP_NO_ICMP;
    struct nat_conn *conn = nat_conn_outside(nat, view->protocol, view->dst_port, view->src,
                                             is_icmp ? 0 : view->src_port);
    u8 flags = view->protocol == IP_PROTOCOL_TCP ? view->l4[TCP_FLAGS_AT] : 0;

    if (!conn && !is_icmp)
        conn = begin(nat, view);
    if (!conn)
        return false;
    nat_conn_used(nat, conn, flags, false);
    if (view->is_fragment)
        nat_fragment_remember(nat, view, conn->seen, conn->inside, conn->host);
    deliver(nat, conn->host, pkt, view,
            &(struct ip_ends){
                .src = conn->seen,
                .dst = conn->inside,
                .src_port = is_icmp ? conn->inside_port : view->src_port,
                .dst_port = conn->inside_port,
            });
    return true;
}

static bool translate_fragment(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    const struct nat_fragment *f = nat_fragment_find(nat, view);

    if (!f)
        return false;
    deliver(nat, f->host, pkt, view, &(struct ip_ends){.src = f->new_src, .dst = f->new_dst});
    return true;
}

static bool is_dns_port(const struct nat *nat, u16 port)
{
    u32 first = nat_dns_port_first(nat);

    return port >= first && port - first < nat_dns_port_count(nat);
}

static bool uplink_ip(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    if (nat_is_inside(nat, view->src)) {
        nat_drop(pkt, &nat->counters.spoofed);
        return true;
    }
    if (ip_hops(view) <= 1)
        return false;
    if (!view->has_ports)
        return view->is_fragment && translate_fragment(nat, pkt, view);
    if (view->icmp == IP_ICMP_ERROR)
        return nat_icmp_error_in(nat, pkt, view);
    /* Of ICMP only answers: an echo request is for the host. */
    if (view->icmp != IP_NO_ICMP && view->icmp != IP_ICMP_ECHO_REPLY)
        return false;
    if (!view->is_ipv6 && view->protocol == IP_PROTOCOL_UDP && is_dns_port(nat, view->dst_port)) {
        nat_dns_reply(nat, pkt, view);
        return true;
    }
    return translate(nat, pkt, view);
}

bool nat_from_uplink(struct nat *nat, struct pktbuf *pkt, u64 now_ns)
{
    const u8 *frame = pktbuf_data(pkt);
    struct ip_view view;
    u16 type;

    nat->now_ns = now_ns;
    if ((!nat->uplink.is_up && !nat->uplink.v6.is_up) || pkt->len < ETHERNET_HEADER_BYTES ||
        memcmp(frame, nat->uplink.mac, 6) != 0)
        return false;
    type = inet_load16(frame + ETHERNET_TYPE_AT);
    if (type == ETHERNET_TYPE_ARP)
        nat_arp_uplink(nat, pkt);
    if ((type != ETHERNET_TYPE_IPV4 && type != ETHERNET_TYPE_IPV6) || ip_read(pkt, &view))
        return false;
    if (view.icmp == IP_ICMP_OTHER && view.is_ipv6)
        nat_nd_uplink(nat, &view); /* the host's, too */
    /* No uplink: nothing is for the address none. */
    if (!inet_same(view.dst, nat_outside(nat, view.is_ipv6)) || inet_is_none(view.dst))
        return false;
    return uplink_ip(nat, pkt, &view);
}
