/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an outgoing connection: name, TCP, TLS, use, end.
 *
 * lwIP's callbacks only keep what has come and note what has happened; outgoing_poll() does the
 * rest, so that nobody frees a connection lwIP is still busy with.
 */
#include "lwip/dns.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/agent.h"
#include "mgmt/net/outgoing_impl.h"
#include "mgmt/tls/tls_client.h"
#include "mm/kheap.h"

#define CONNECT_NS         (20 * NS_PER_S) /* name, TCP and TLS together; TLS later as long again */
#define UNACKNOWLEDGED_NS  (60 * NS_PER_S)
#define KEEPALIVE_MS       20000u /* of silence, then it is asked, four times */
#define KEEPALIVE_AGAIN_MS 5000u
#define KEEPALIVE_TRIES    4u
#define PIECES_PER_TURN    256u /* offered to the user; then others are served */

static struct outgoing *slots; /* (c) OUTGOING_MAX */

int outgoing_init(void)
{
    slots = kzalloc(OUTGOING_MAX * sizeof(*slots));
    return slots ? 0 : -ENOMEM;
}

bool outgoing_host_is_valid(const char *host)
{
    size_t len = strlen(host);

    for (size_t i = 0; i < len; i++) {
        char c = host[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '.' && c != ':')
            return false;
    }
    return len > 0 && len <= OUTGOING_HOST_MAX;
}

static int make_trust(const struct outgoing_trust *trust, struct tls_trust **out, const char **why)
{
    if (trust->ca && strlen(trust->ca) > TLS_CA_PEM_MAX) {
        *why = "The PEM of the CA is longer than 16 KiB.";
        return -EINVAL;
    }
    return tls_trust_make(trust->ca, trust->pin, out, why);
}

int outgoing_check_trust(const struct outgoing_trust *trust, const char **why)
{
    struct tls_trust *made;
    int rc = make_trust(trust, &made, why);

    if (rc == 0)
        tls_trust_free(made);
    return rc;
}

void outgoing_fail(struct outgoing *o, const char *what)
{
    bool is_sentence = what[0] >= 'A' && what[0] <= 'Z';

    if (o->has_failed)
        return;
    o->has_failed = true;
    ksnprintf(o->why, sizeof(o->why), is_sentence ? "%.200s port %u: %s" : "%.200s port %u %s.",
              o->host, o->port, what);
    agent_wake();
}

/* -- what lwIP tells
 * -----------------------------------------------------------------------------------------------
 */

/* The connection broke, or lwIP needed its control block: it is gone already. */
static void on_error(void *arg, err_t err)
{
    struct outgoing *o = arg;

    if (!o)
        return;
    o->pcb = NULL;
    if (o->state != OUTGOING_CONNECTING)
        outgoing_fail(o, "cut the connection");
    else
        outgoing_fail(o, err == ERR_RST ? "refused the connection" : "did not answer");
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err unused)
{
    struct outgoing *o = arg;

    if (!o && p) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    }
    if (!o)
        return ERR_OK;
    if (p)
        return outgoing_keep(o, p);
    o->peer_done = true;
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb unused, u16_t bytes unused)
{
    struct outgoing *o = arg;

    if (!o)
        return ERR_OK;
    o->has_room = true;
    o->acked_ns = time_ns();
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb unused, err_t err unused)
{
    struct outgoing *o = arg;

    if (o)
        o->state = OUTGOING_ESTABLISHED;
    return ERR_OK;
}

static void connect(struct outgoing *o, const ip_addr_t *address)
{
    o->state = OUTGOING_CONNECTING;
    o->pcb = tcp_new_ip_type(IP_GET_TYPE(address));
    if (!o->pcb) {
        outgoing_fail(o, "cannot be reached: the host has too many connections");
        return;
    }
    tcp_arg(o->pcb, o);
    tcp_recv(o->pcb, on_receive);
    tcp_sent(o->pcb, on_sent);
    tcp_err(o->pcb, on_error);
    ip_set_option(o->pcb, SOF_KEEPALIVE);
    o->pcb->keep_idle = KEEPALIVE_MS;
    o->pcb->keep_intvl = KEEPALIVE_AGAIN_MS;
    o->pcb->keep_cnt = KEEPALIVE_TRIES;
    tcp_nagle_disable(o->pcb);
    if (tcp_connect(o->pcb, address, o->port, on_connected) != ERR_OK)
        outgoing_fail(o, "cannot be reached: the host has no address or no way there");
}

static void no_name(struct outgoing *o, const char *what)
{
    o->state = OUTGOING_CONNECTING; /* lwIP has let go */
    outgoing_fail(o, what);
}

static void on_name(const char *name unused, const ip_addr_t *address, void *arg)
{
    struct outgoing *o = arg;

    if (o->state == OUTGOING_ABANDONED)
        o->state = OUTGOING_FREE;
    else if (address)
        connect(o, address);
    else
        no_name(o, "is not known: no name server has an address for this name");
}

static void look_up(struct outgoing *o)
{
    ip_addr_t address;
    err_t err;

    o->state = OUTGOING_NAMING;
    err = dns_gethostbyname_addrtype(o->host, &address, on_name, o, LWIP_DNS_ADDRTYPE_IPV4_IPV6);
    if (err == ERR_INPROGRESS)
        return;
    if (err == ERR_OK)
        connect(o, &address);
    else
        no_name(o, err == ERR_VAL ? "is not known: the host has no name server"
                                  : "cannot be looked up: too many names are");
}

/* -- beginning and ending
 * ------------------------------------------------------------------------------------------
 */

static struct outgoing *slot_take(void)
{
    for (u32 i = 0; i < OUTGOING_MAX; i++) {
        struct outgoing *o = &slots[i];
        u32 serial = o->serial + 1;

        if (o->state != OUTGOING_FREE)
            continue;
        memset(o, 0, offsetof(struct outgoing, in));
        o->serial = serial;
        return o;
    }
    return NULL;
}

struct outgoing *outgoing_open(const char *host, u16 port, const struct outgoing_trust *trust,
                               const struct outgoing_events *events, void *arg, const char **why)
{
    struct tls_trust *made = NULL;
    struct outgoing *o;

    *why = "The host's name is not valid: use letters, digits, '-', '.' and ':'.";
    if (!outgoing_host_is_valid(host) || (trust && make_trust(trust, &made, why) != 0))
        return NULL;
    o = slot_take();
    if (!o) {
        *why = "The host has as many outgoing connections as possible.";
        tls_trust_free(made);
        return NULL;
    }
    (void)str_copy(o->host, sizeof(o->host), host);
    o->port = port;
    o->trust = made;
    o->events = events;
    o->arg = arg;
    o->deadline_ns = time_ns() + CONNECT_NS;
    look_up(o);
    agent_wake();
    return o;
}

int outgoing_start_tls(struct outgoing *o, const struct outgoing_trust *trust, const char **why)
{
    int rc;

    *why = "TLS is begun once, and on an open connection.";
    if (o->state != OUTGOING_OPEN || o->trust)
        return -EINVAL;
    rc = make_trust(trust, &o->trust, why);
    if (rc)
        return rc;
    o->state = OUTGOING_ESTABLISHED;
    o->deadline_ns = time_ns() + CONNECT_NS;
    agent_wake();
    return 0;
}

/* Hands the connection back to lwIP. */
static void let_go(struct outgoing *o, bool at_once)
{
    struct tcp_pcb *pcb = o->pcb;

    o->pcb = NULL;
    if (!pcb)
        return;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    if (at_once || tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

void outgoing_abort(struct outgoing *o)
{
    let_go(o, true);
    outgoing_release(o);
    o->state = o->state == OUTGOING_NAMING ? OUTGOING_ABANDONED : OUTGOING_FREE;
}

void outgoing_close(struct outgoing *o)
{
    if (o->tls && o->pcb && o->state == OUTGOING_OPEN && !o->has_failed)
        tls_goodbye(o->tls);
    let_go(o, o->state != OUTGOING_OPEN || o->has_failed);
    outgoing_abort(o);
}

/* -- the agent's turn
 * ----------------------------------------------------------------------------------------------
 */

static void end(struct outgoing *o)
{
    const struct outgoing_events *events = o->events;
    char why[OUTGOING_WHY_MAX + 1]; /* its place may be taken in the call */
    bool has_failed = o->has_failed;
    void *arg = o->arg;

    memcpy(why, o->why, sizeof(why));
    outgoing_abort(o);
    events->ended(arg, has_failed ? why : NULL);
}

static bool is_same(const struct outgoing *o, u32 serial)
{
    return o->state == OUTGOING_OPEN && o->serial == serial;
}

/* Offers what has come. Return: true if there may be more that is wanted. */
static bool deliver(struct outgoing *o)
{
    u32 serial = o->serial;
    const u8 *data;
    size_t bytes, used;

    for (u32 i = 0; i < PIECES_PER_TURN; i++) {
        data = outgoing_input(o, &bytes);
        if (!data)
            return false;
        used = o->events->received(o->arg, data, bytes);
        if (o->serial != serial || o->state == OUTGOING_FREE)
            return false;
        outgoing_consume(o, used);
        if (used < bytes || !is_same(o, serial))
            return false;
    }
    return true;
}

static bool has_unread(const struct outgoing *o)
{
    return o->pending || o->in_at != o->in_end;
}

static void opened(struct outgoing *o)
{
    o->state = OUTGOING_OPEN;
    o->acked_ns = time_ns();
    o->events->connected(o->arg);
}

/* TCP is there: begin TLS, or use it. */
static void established(struct outgoing *o)
{
    if (!o->trust)
        opened(o);
    else if (has_unread(o))
        outgoing_fail(o, "sent something before TLS had begun");
    else
        o->state = OUTGOING_HANDSHAKE;
}

static bool has_unacknowledged(const struct outgoing *o)
{
    return o->pcb && (o->pcb->unacked || o->pcb->unsent);
}

/* After an acknowledgement; when nothing waits for one it was lwIP's memory that was missing. */
static void tell_room(struct outgoing *o)
{
    bool has_room = o->has_room || !has_unacknowledged(o);

    o->has_room = false;
    if (!o->wants_room || !has_room || !o->events->room)
        return;
    o->wants_room = false;
    o->events->room(o->arg);
}

/* Return: true if more has come than was offered. */
static bool use(struct outgoing *o)
{
    u32 serial = o->serial;
    bool is_more = deliver(o);

    if (is_same(o, serial) && !o->has_failed)
        tell_room(o);
    if (is_same(o, serial) && !o->has_failed && !is_more && o->peer_done && !has_unread(o))
        end(o);
    return is_more && is_same(o, serial);
}

static void check_time(struct outgoing *o, u64 now)
{
    if (o->state != OUTGOING_OPEN) {
        if (now > o->deadline_ns)
            outgoing_fail(o, "did not answer in time");
        return;
    }
    if (!has_unacknowledged(o))
        o->acked_ns = now;
    else if (now > o->acked_ns && now - o->acked_ns > UNACKNOWLEDGED_NS)
        outgoing_fail(o, "does not answer any more");
}

static bool is_taken(const struct outgoing *o)
{
    return o->state != OUTGOING_FREE && o->state != OUTGOING_ABANDONED;
}

/* One that has failed still offers what came before. Return: true if more could go on at once. */
static bool serve(struct outgoing *o, u64 now)
{
    bool is_more = false;

    if (!is_taken(o))
        return false;
    check_time(o, now);
    if (o->state == OUTGOING_OPEN) {
        is_more = use(o);
    } else if (o->state == OUTGOING_ESTABLISHED && !o->has_failed) {
        established(o);
        is_more = true;
    } else if (o->state == OUTGOING_HANDSHAKE && !o->has_failed && outgoing_handshake(o)) {
        opened(o);
        is_more = true;
    }
    if (is_taken(o) && o->has_failed && (o->state != OUTGOING_OPEN || !is_more))
        end(o);
    return is_more;
}

bool outgoing_poll(void)
{
    bool goes_on = false;
    u64 now = time_ns();

    for (u32 i = 0; i < OUTGOING_MAX; i++)
        goes_on |= serve(&slots[i], now);
    for (u32 i = 0; i < OUTGOING_MAX; i++) {
        if (slots[i].pcb && slots[i].state != OUTGOING_CONNECTING)
            (void)tcp_output(slots[i].pcb);
    }
    return goes_on;
}
