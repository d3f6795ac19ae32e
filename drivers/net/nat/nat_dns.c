/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DNS forwarder at the gateway's UDP port 53.
 *
 * Names of VMs, <vm>.<network>.internal, are answered here; all else goes to one of the host's DNS
 * servers with an identifier and a port nobody can guess, and its answer comes back as it is. An
 * answer must come from that server, to that port, with that identifier and question; a wrong one
 * does not end the wait for the right one. What came by IPv6 goes out by IPv4. Spec: RFC 1035 4,
 * RFC 5452 9.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/dns.h"
#include "drivers/net/nat/nat_impl.h"
#include "drivers/net/pktbuf_csum.h"

#define WAIT_NS    (10 * NS_PER_S)
#define SLOT_TRIES 4u
#define PORT_DNS   53u

static struct nat_query *query_again(struct nat *nat, const struct nat_host *host,
                                     const struct ip_view *view, u16 id)
{
    if (host->query_count == 0)
        return NULL;
    for (u32 i = 0; i < NAT_QUERIES; i++) {
        struct nat_query *q = &nat->queries[i];

        if (q->host == host && q->inside_port == view->src_port && q->inside_id == id &&
            inet_same(q->inside, view->src))
            return q;
    }
    return NULL;
}

static void end_query(struct nat_query *q)
{
    q->host->query_count--;
    q->host = NULL;
}

/* A free slot, or the oldest of some random ones. */
static struct nat_query *take_slot(struct nat *nat)
{
    struct nat_query *best = NULL;

    for (u32 i = 0; i < SLOT_TRIES; i++) {
        struct nat_query *q = &nat->queries[nat_random(nat) % NAT_QUERIES];

        if (!q->host)
            return q;
        if (!best || q->until_ns < best->until_ns)
            best = q;
    }
    end_query(best);
    return best;
}

/* A NIC's queries that wait are bounded; those too old are ended first. */
static bool has_quota(struct nat *nat, struct nat_host *host)
{
    if (host->query_count < NAT_QUERIES_HOST)
        return true;
    for (u32 i = 0; i < NAT_QUERIES; i++)
        if (nat->queries[i].host == host && nat->now_ns >= nat->queries[i].until_ns)
            end_query(&nat->queries[i]);
    return host->query_count < NAT_QUERIES_HOST;
}

/* The server after `last`, else the first one. */
static struct inet_address next_server(const struct nat *nat, struct inet_address last)
{
    const u32 *dns = nat->uplink.dns;

    for (u32 i = 0; i + 1 < NAT_DNS_MAX; i++)
        if (inet_same(last, inet_v4(dns[i])) && dns[i] != 0 && dns[i + 1] != 0)
            return inet_v4(dns[i + 1]);
    return inet_v4(dns[0]);
}

/* The message's identifier changes: so does the checksum. */
static void set_id(struct pktbuf *pkt, struct ip_view *view, u16 id)
{
    u8 *at = view->l4 + UDP_HEADER_BYTES, *csum = view->l4 + UDP_CSUM_AT;
    u16 field = inet_load16(csum);

    if (field != 0 && pkt->csum != PKTBUF_CSUM_PARTIAL) {
        field = (u16)~inet_sum_replace((u16)~field, inet_load16(at), id);
        inet_store16(csum, field == 0 ? 0xffff : field);
    }
    inet_store16(at, id);
}

/* Servers are asked by IPv4, whatever guests ask by. */
static void rewrite(struct pktbuf *pkt, struct ip_view *view, const struct ip_ends *to)
{
    if (inet_is_v4(to->dst) == view->is_ipv6)
        ip_change_family(pkt, view, to);
    else
        ip_rewrite(pkt, view, to);
}

static void forward(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                    struct ip_view *view, const struct dns_question *question)
{
    u16 id = inet_load16(view->l4 + UDP_HEADER_BYTES);
    struct nat_query *q = query_again(nat, host, view, id);
    struct inet_address server = next_server(nat, q ? q->server : (struct inet_address){0});
    u32 ports = nat_dns_port_count(nat) / NAT_QUERIES;
    u64 random = nat_random(nat);

    if (q)
        end_query(q);
    if (!has_quota(nat, host)) {
        nat_drop(pkt, &nat->counters.dns_drops);
        return;
    }
    q = take_slot(nat);
    *q = (struct nat_query){
        .host = host,
        .until_ns = nat->now_ns + WAIT_NS,
        .question = siphash(&nat->cfg.secret, question->bytes, question->length),
        .inside = view->src,
        .gateway = view->dst,
        .server = server,
        .inside_port = view->src_port,
        .inside_id = id,
        .outside_port = (u16)(nat_dns_port_first(nat) + (u32)(q - nat->queries) * ports +
                              (u32)(random >> 16) % ports),
        .outside_id = (u16)random,
    };
    host->query_count++;
    set_id(pkt, view, q->outside_id);
    rewrite(pkt, view,
            &(struct ip_ends){
                .src = inet_v4(nat->uplink.address),
                .dst = server,
                .src_port = q->outside_port,
                .dst_port = PORT_DNS,
            });
    nat->counters.dns_forwards++;
    nat_to_uplink(nat, pkt, server);
}

/* Sends a message that begins in the frame after the headers the view shows. */
static void send_message(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                         const struct ip_view *view, const struct ip_ends *ends, u32 bytes)
{
    bool is_ipv6 = !inet_is_v4(ends->dst);
    u8 *udp = view->ip + ip_header_bytes(is_ipv6);

    bytes += UDP_HEADER_BYTES;
    memmove(udp, view->l4, bytes);
    inet_store16(udp, ends->src_port);
    inet_store16(udp + 2, ends->dst_port);
    inet_store16(udp + UDP_LENGTH_AT, (u16)bytes);
    ip_header_write(view->ip, ends->src, ends->dst, IP_PROTOCOL_UDP, bytes);
    ip_checksum(view->ip);
    pkt->len = (u16)(ETHERNET_HEADER_BYTES + ip_header_bytes(is_ipv6) + bytes);
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
    nat_to_host(nat, host, pkt);
}

/* The query becomes its own reply. */
static void reply(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                  const struct ip_view *view, const struct dns_question *question,
                  const struct dns_result *result)
{
    struct ip_ends ends = {view->dst, view->src, PORT_DNS, view->src_port};

    nat->counters.dns_answers++;
    send_message(nat, host, pkt, view, &ends,
                 dns_build_reply(view->l4 + UDP_HEADER_BYTES, question, result));
}

static struct inet_address address_of(const struct nat *nat, const struct nat_host *vm, u16 type)
{
    if (type == DNS_TYPE_AAAA)
        return nat_host_own_v6(nat, vm);
    return type == DNS_TYPE_A && vm->ip != 0 ? inet_v4(vm->ip) : (struct inet_address){0};
}

/* What is known of a name of this network. */
static struct dns_result look_up(struct nat *nat, const struct dns_question *question,
                                 const char *name, u32 length)
{
    const struct nat_host *vm = nat_host_by_vm(nat, name, length);
    struct dns_result result = {.code = vm ? DNS_NO_ERROR : DNS_NAME_ERROR};

    if (vm && question->class == DNS_CLASS_IN)
        result.address = address_of(nat, vm, question->type);
    return result;
}

void nat_dns_query(struct nat *nat, struct nat_host *host, struct pktbuf *pkt, struct ip_view *view)
{
    struct dns_question question;
    struct dns_result result;
    char name[DNS_NAME_MAX + 1];
    u32 vm_length;

    pktbuf_csum_complete(pkt);
    if (view->is_fragment || dns_parse_query(view->l4 + UDP_HEADER_BYTES,
                                             view->l4_bytes - UDP_HEADER_BYTES, &question, name)) {
        nat_drop(pkt, &nat->counters.dns_drops);
        return;
    }
    if (dns_is_local(name, nat->cfg.network, &vm_length)) {
        result = look_up(nat, &question, name, vm_length);
        reply(nat, host, pkt, view, &question, &result);
    } else if (!nat->uplink.is_up || nat->uplink.dns[0] == 0) {
        result = (struct dns_result){.code = DNS_SERVER_FAILURE};
        reply(nat, host, pkt, view, &question, &result);
    } else {
        forward(nat, host, pkt, view, &question);
    }
}

/* The query this is the answer to. */
static struct nat_query *match(struct nat *nat, const struct ip_view *view,
                               struct dns_question *question)
{
    u32 ports = nat_dns_port_count(nat) / NAT_QUERIES;
    struct nat_query *q = &nat->queries[(view->dst_port - nat_dns_port_first(nat)) / ports];
    const u8 *message = view->l4 + UDP_HEADER_BYTES;
    u32 bytes = view->l4_bytes - UDP_HEADER_BYTES;

    if (!q->host || q->outside_port != view->dst_port || !inet_same(q->server, view->src) ||
        view->src_port != PORT_DNS || nat->now_ns >= q->until_ns ||
        dns_parse_reply(message, bytes, question) || inet_load16(message) != q->outside_id ||
        siphash(&nat->cfg.secret, question->bytes, question->length) != q->question)
        return NULL;
    return q;
}

/* An answer that need not fit into a packet of IPv6, or comes in several: who asked learns so. */
static bool must_truncate(const struct ip_view *view, bool is_ipv6)
{
    return is_ipv6 && (view->is_fragment || IPV6_HEADER_BYTES + (u32)view->l4_bytes > IPV6_MTU_MIN);
}

void nat_dns_reply(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    struct dns_question question;
    struct nat_query *q = match(nat, view, &question);
    struct nat_host *host;
    struct ip_ends ends;

    if (!q) {
        nat_drop(pkt, &nat->counters.dns_drops);
        return;
    }
    host = q->host;
    ends = (struct ip_ends){q->gateway, q->inside, PORT_DNS, q->inside_port};
    set_id(pkt, view, q->inside_id);
    end_query(q);
    if (must_truncate(view, !inet_is_v4(ends.dst))) {
        send_message(nat, host, pkt, view, &ends,
                     dns_truncate(view->l4 + UDP_HEADER_BYTES, &question));
        return;
    }
    if (view->is_fragment)
        nat_fragment_remember(nat, view, ends.src, ends.dst, host);
    rewrite(pkt, view, &ends);
    nat_to_host(nat, host, pkt);
}
