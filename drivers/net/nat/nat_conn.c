/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection table: two keyed hashes, a list per NIC and state in order of last use.
 *
 * Nothing is allocated: NAT_CONNS entries, NAT_CONNS_PER_HOST of one NIC. Who is full loses its own
 * oldest connection that is not an open TCP one; if the whole table is full, the NIC with the most
 * loses one, an open one too if it must be. So a flood by one guest costs the others nothing.
 *
 * The outside port follows from a keyed hash of the inside end: as good as always the same for all
 * its remote ends (RFC 4787 4.1), hard to guess for others. What comes back must come from the
 * remote end (5, "address and port-dependent filtering").
 */
#include "drivers/net/nat/nat_impl.h"

#define PORT_TRIES 64u

/* Spec: RFC 4787 4.3 (UDP), RFC 5382 5 (TCP: 2 h 4 min open, 4 min else), RFC 5508 3.2 (ICMP). */
static const u64 timeout_ns[NAT_STATES] = {
    [NAT_BRIEF] = 60 * NS_PER_S,
    [NAT_CLOSING] = 240 * NS_PER_S,
    [NAT_UDP] = 300 * NS_PER_S,
    [NAT_TCP] = 7440 * NS_PER_S,
};

void nat_conn_init(struct nat *nat)
{
    list_init(&nat->free);
    for (u32 i = 0; i < NAT_CONNS; i++)
        list_push_back(&nat->free, &nat->conns[i].link);
}

/* A word for a hash: others cannot find two IPv6 addresses with the same one. */
static u64 word_of(const struct nat *nat, struct inet_address ip)
{
    return inet_is_v4(ip) ? inet_v4_of(ip) : siphash_words(&nat->cfg.secret, ip.hi, ip.lo);
}

static struct nat_conn **bucket(struct nat *nat, struct nat_conn **table, u8 protocol, u16 port,
                                struct inet_address ip, struct inet_address remote, u16 remote_port)
{
    u64 hash =
        siphash_words(&nat->cfg.secret, ((u64)protocol << 48 | (u64)port << 32) ^ word_of(nat, ip),
                      ((u64)remote_port << 32) ^ word_of(nat, remote));

    return &table[hash % NAT_BUCKETS];
}

static struct nat_conn **inside_bucket(struct nat *nat, const struct nat_conn *c)
{
    return bucket(nat, nat->by_inside, c->protocol, c->inside_port, c->inside, c->seen,
                  c->remote_port);
}

/* Our own end is the same address for all of a family. */
static struct nat_conn **outside_bucket(struct nat *nat, const struct nat_conn *c)
{
    return bucket(nat, nat->by_outside, c->protocol, c->outside_port, inet_v4(0), c->remote,
                  c->remote_port);
}

struct nat_conn *nat_conn_inside(struct nat *nat, u8 protocol, struct inet_address inside,
                                 u16 inside_port, struct inet_address seen, u16 remote_port)
{
    struct nat_conn *c =
        *bucket(nat, nat->by_inside, protocol, inside_port, inside, seen, remote_port);

    while (c &&
           (!inet_same(c->inside, inside) || c->inside_port != inside_port ||
            !inet_same(c->seen, seen) || c->remote_port != remote_port || c->protocol != protocol))
        c = c->next_inside;
    return c;
}

struct nat_conn *nat_conn_outside(struct nat *nat, u8 protocol, u16 outside_port,
                                  struct inet_address remote, u16 remote_port)
{
    struct nat_conn *c =
        *bucket(nat, nat->by_outside, protocol, outside_port, inet_v4(0), remote, remote_port);

    while (c && (c->outside_port != outside_port || !inet_same(c->remote, remote) ||
                 c->remote_port != remote_port || c->protocol != protocol))
        c = c->next_outside;
    return c;
}

void nat_conn_remove(struct nat *nat, struct nat_conn *conn)
{
    struct nat_conn **at = inside_bucket(nat, conn);

    while (*at != conn)
        at = &(*at)->next_inside;
    *at = conn->next_inside;
    for (at = outside_bucket(nat, conn); *at != conn;)
        at = &(*at)->next_outside;
    *at = conn->next_outside;
    list_remove(&conn->link);
    list_push_back(&nat->free, &conn->link);
    conn->host->conn_count--;
    nat->conn_count--;
}

/* The oldest of the states up to `last`, the most dispensable state first. */
static bool evict(struct nat *nat, struct nat_host *host, enum nat_state last)
{
    for (u32 state = 0; state <= last; state++) {
        struct list *oldest = host->conns[state].next;

        if (oldest == &host->conns[state])
            continue;
        nat_conn_remove(nat, list_entry(oldest, struct nat_conn, link));
        nat->counters.evicted++;
        return true;
    }
    return false;
}

static struct nat_host *greediest(struct nat *nat)
{
    struct nat_host *most = &nat->hosts[0];

    for (u32 i = 1; i < NAT_HOSTS; i++)
        if (nat->hosts[i].conn_count > most->conn_count)
            most = &nat->hosts[i];
    return most;
}

static bool make_room(struct nat *nat, struct nat_host *host)
{
    struct nat_host *most;

    if (host->conn_count >= NAT_CONNS_PER_HOST)
        return evict(nat, host, NAT_UDP);
    if (!list_empty(&nat->free))
        return true;
    most = greediest(nat);
    return evict(nat, most, most->conn_count > host->conn_count + 1 ? NAT_TCP : NAT_UDP);
}

/* A port of ours that nobody uses with this remote end. Return: 0 if none was found. */
static u16 pick_port(struct nat *nat, const struct nat_conn *c)
{
    u32 count = nat_dns_port_first(nat) - nat->cfg.port_first;
    u64 hash = siphash_words(&nat->cfg.secret, (u64)c->protocol << 16 | c->inside_port,
                             word_of(nat, c->inside));

    for (u32 i = 0; i < PORT_TRIES; i++) {
        u16 port = (u16)(nat->cfg.port_first + (hash + i) % count);

        if (!nat_forward_find(nat, c->protocol, port) &&
            !nat_conn_outside(nat, c->protocol, port, c->remote, c->remote_port))
            return port;
    }
    return 0;
}

struct nat_conn *nat_conn_add(struct nat *nat, const struct nat_conn *want)
{
    u16 port = want->outside_port ? want->outside_port : pick_port(nat, want);
    struct nat_conn *conn, **at;

    if (port == 0 || !make_room(nat, want->host))
        return NULL;
    conn = list_entry(nat->free.next, struct nat_conn, link);
    list_remove(&conn->link);
    *conn = *want;
    conn->outside_port = port;
    conn->state = NAT_BRIEF;
    conn->fins = 0;
    conn->used_ns = nat->now_ns;
    at = inside_bucket(nat, conn);
    conn->next_inside = *at;
    *at = conn;
    at = outside_bucket(nat, conn);
    conn->next_outside = *at;
    *at = conn;
    list_push_back(&conn->host->conns[NAT_BRIEF], &conn->link);
    conn->host->conn_count++;
    nat->conn_count++;
    return conn;
}

static u8 next_tcp_state(struct nat_conn *conn, u8 flags, bool is_answer, bool is_outward)
{
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && conn->state == NAT_CLOSING) {
        conn->fins = 0; /* the same ends begin anew */
        conn->is_inbound = !is_outward;
        return NAT_BRIEF;
    }
    if (flags & TCP_RST)
        return NAT_CLOSING;
    if (flags & TCP_FIN)
        conn->fins |= (u8)(is_outward ? BIT(0) : BIT(1));
    if (conn->fins == (BIT(0) | BIT(1)))
        return NAT_CLOSING;
    if (conn->state == NAT_BRIEF && is_answer && (flags & TCP_ACK))
        return NAT_TCP;
    return conn->state;
}

void nat_conn_used(struct nat *nat, struct nat_conn *conn, u8 tcp_flags, bool is_outward)
{
    bool is_answer = is_outward == conn->is_inbound;

    if (conn->protocol == IP_PROTOCOL_TCP)
        conn->state = next_tcp_state(conn, tcp_flags, is_answer, is_outward);
    else if (conn->protocol == IP_PROTOCOL_UDP && is_answer)
        conn->state = NAT_UDP;
    conn->used_ns = nat->now_ns;
    list_remove(&conn->link);
    list_push_back(&conn->host->conns[conn->state], &conn->link);
}

void nat_conn_expire(struct nat *nat, struct nat_host *host, u32 *budget)
{
    for (u32 state = 0; state < NAT_STATES; state++) {
        struct list *head = &host->conns[state];

        while (*budget > 0 && !list_empty(head)) {
            struct nat_conn *oldest = list_entry(head->next, struct nat_conn, link);

            if (nat->now_ns - oldest->used_ns < timeout_ns[state])
                break;
            nat_conn_remove(nat, oldest);
            (*budget)--;
        }
    }
}
