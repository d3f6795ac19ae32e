/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server: connections from lwIP, their time-outs, and their end.
 *
 * lwIP's callbacks never abort a connection they are called for; they mark it and server_poll()
 * does. A connection costs its slot and nothing else: buffers are taken at start, and shared.
 */
#include "mgmt/http/server.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_password.h"
#include "mgmt/http/conn.h"
#include "mgmt/nbd/nbd_conn.h"
#include "mgmt/nbd/nbd_exports.h"
#include "mgmt/http/server_ports.h"
#include "mgmt/http/server_room.h"
#include "mgmt/tls/tls.h"
#include "mm/kheap.h"

#define HANDSHAKE_TIMEOUT_NS (10 * NS_PER_S) /* for its turn to come, and for the handshake */
#define IDLE_TIMEOUT_NS      (75 * NS_PER_S)
#define HEAD_TIMEOUT_NS      (30 * NS_PER_S) /* from the first byte to the end of the head */
#define BODY_TIMEOUT_NS      (30 * NS_PER_S) /* without a byte */
#define KEPT_BODY_NS         (60 * NS_PER_S) /* for a whole body that occupies a buffer */
#define SEND_TIMEOUT_NS      (60 * NS_PER_S) /* without an acknowledgement */
#define LINGER_TIMEOUT_NS    (3 * NS_PER_S)
#define KEEPALIVE_MS         60000u /* of silence, then it is asked, six times */
#define KEEPALIVE_AGAIN_MS   10000u
#define KEEPALIVE_TRIES      6u

_Static_assert(TLS_SESSIONS_MAX >= SERVER_CONNECTIONS, "every connection may have one");

static struct {
    u32 first;               /* who is asked first in this turn */
    u32 next_handshake;      /* whose turn it is */
    u8 *bodies[CONN_BODIES]; /* free ones */
    u32 body_count;
} server;

u8 *conn_body_take(void)
{
    return server.body_count ? server.bodies[--server.body_count] : NULL;
}

void conn_body_give(u8 *body)
{
    server.bodies[server.body_count++] = body;
}

/* The connection broke or lwIP needed its control block: it is gone already. */
static void on_error(void *arg, err_t err unused)
{
    struct conn *conn = arg;

    if (!conn)
        return;
    conn->pcb = NULL;
    conn->must_abort = true;
}

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err unused)
{
    struct conn *conn = arg;

    if (!p) {
        if (conn)
            conn->client_done = true;
        return ERR_OK;
    }
    if (!conn || conn->state == CONN_LINGER) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return ERR_OK;
    }
    if (conn->pending && conn_pbufs_held + pbuf_clen(p) > CONN_PBUFS_MAX)
        return ERR_MEM;
    conn_pbufs_held += pbuf_clen(p);
    conn->active_ns = time_ns();
    conn->pending_bytes += p->tot_len;
    if (conn->pending)
        pbuf_cat(conn->pending, p);
    else
        conn->pending = p;
    conn_run(conn);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb unused, u16_t len unused)
{
    struct conn *conn = arg;

    if (!conn)
        return ERR_OK;
    conn->active_ns = time_ns();
    if (conn->state == CONN_REPLY)
        conn_reply_pump(conn);
    else if (conn->state != CONN_NBD) {
        conn_work_settle(conn);
        return ERR_OK;
    }
    conn_run(conn);
    return ERR_OK;
}

/* NBD's sessions are few: there, too, a stranger makes room. Return: 0, -EBUSY. */
static int begin_nbd(struct conn *conn)
{
    int rc = nbd_conn_begin(conn);
    struct conn *stranger = rc ? server_room_nbd_stranger() : NULL;

    if (!stranger)
        return rc;
    conn_abort(stranger);
    return nbd_conn_begin(conn);
}

static void conn_begin(struct conn *conn, struct tcp_pcb *pcb, const struct server_port *port)
{
    memset(conn, 0, sizeof(*conn));
    conn->state = port->kind == PORT_HTTPS ? CONN_HANDSHAKE : CONN_READ;
    conn->redirects = port->kind == PORT_REDIRECT;
    conn->pcb = pcb;
    conn->active_ns = time_ns();
    conn->request_ns = conn->active_ns;
    ip_set_option(pcb, SOF_KEEPALIVE);
    pcb->keep_idle = KEEPALIVE_MS;
    pcb->keep_intvl = KEEPALIVE_AGAIN_MS;
    pcb->keep_cnt = KEEPALIVE_TRIES;
    tcp_nagle_disable(pcb);
}

err_t server_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    const struct server_port *port = arg;
    struct conn *conn;

    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    conn = server_room_find();
    if (conn)
        conn_begin(conn, pcb, port);
    if (!conn || (port->kind == PORT_NBD && begin_nbd(conn) != 0)) {
        if (conn)
            conn->state = CONN_FREE;
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    tcp_arg(pcb, conn);
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    conn_run(conn); /* NBD's server speaks first */
    return ERR_OK;
}

int server_init(void)
{
    server_conns.all = kzalloc(SERVER_CONNECTIONS * sizeof(struct conn));
    if (!server_conns.all || conn_work_init() != 0)
        return -ENOMEM;
    for (u32 i = 0; i < CONN_BODIES; i++) {
        u8 *body = kmalloc(CONN_BODY_MAX);

        if (!body)
            return -ENOMEM;
        conn_body_give(body);
    }
    return nbd_conn_init();
}

/* Closes in order what the client has taken all of: of connections that are gone lwIP keeps no
 * data. */
static void finish(struct conn *conn, u64 now)
{
    if (!conn->pcb || tcp_sndqueuelen(conn->pcb) == 0)
        conn_close(conn);
    else if (now - conn->active_ns > SEND_TIMEOUT_NS)
        conn_abort(conn);
}

/* A client that does not go on: idle ones are closed, unfinished requests are answered first. */
static void check_reading(struct conn *conn, u64 now)
{
    static const struct problem too_slow = {
        .slug = "timeout",
        .detail = "The request was not complete in time.",
        .hint = "Send the head within 30 seconds and never pause for longer in the body.",
    };
    bool idle = conn_is_between(conn);

    if ((conn->client_done && !conn->wants_work) ||
        (idle && now - conn->active_ns > IDLE_TIMEOUT_NS))
        finish(conn, now);
    else if (idle)
        return;
    else if ((!conn->in_request && now - conn->request_ns > HEAD_TIMEOUT_NS) ||
             (conn->in_request && now - conn->active_ns > BODY_TIMEOUT_NS) ||
             (conn->body && now - conn->request_ns > KEPT_BODY_NS))
        conn_refuse(conn, &too_slow);
}

static void check_replying(struct conn *conn, u64 now)
{
    const struct body_source *source = conn->req.reply.source;

    if (conn->client_done && source && source->ends_with_client) {
        conn_abort(conn);
        return;
    }
    if (!conn->is_waiting && now - conn->active_ns > SEND_TIMEOUT_NS) {
        conn_abort(conn);
        return;
    }
    conn_reply_pump(conn);
    conn_run(conn);
}

static void nbd_poll(struct conn *conn, u64 now)
{
    enum nbd_fate fate = nbd_conn_poll(conn, now);

    if (fate == NBD_CLOSE)
        conn_close(conn);
    else if (fate == NBD_ABORT)
        conn_abort(conn);
}

/* A request whose answer is not complete; not the one whose handler runs now. */
static bool is_under_way(const struct conn *conn)
{
    return conn->state == CONN_REPLY || conn->state == CONN_SETTLE || conn->state == CONN_WAIT ||
           (conn->state == CONN_READ && conn->in_request) || nbd_conn_export(conn);
}

/* The token of a followed log or a long upload may expire while it goes on, the session end. */
static bool has_expired(const struct conn *conn)
{
    return is_under_way(conn) && !auth_goes_on(&conn->req.who);
}

static void conn_poll(struct conn *conn, u64 now)
{
    conn->must_abort |= has_expired(conn);
    if (conn->must_abort) {
        conn_abort(conn);
        return;
    }
    switch (conn->state) {
    case CONN_FREE:
    case CONN_WAIT:
        break;
    case CONN_HANDSHAKE:
        if (conn->client_done || now - conn->request_ns > HANDSHAKE_TIMEOUT_NS)
            conn_abort(conn);
        break;
    case CONN_READ:
        conn_run(conn);
        if (conn->state == CONN_READ)
            check_reading(conn, time_ns()); /* it may have begun to read after `now` */
        break;
    case CONN_SETTLE:
        conn_settle(conn);
        break;
    case CONN_REPLY:
        check_replying(conn, now);
        break;
    case CONN_NBD:
        nbd_poll(conn, now);
        break;
    case CONN_LINGER:
        if (conn->client_done || now - conn->active_ns > LINGER_TIMEOUT_NS)
            finish(conn, now);
        break;
    }
}

/*
 * Its public-key operations take milliseconds: one connection in each turn, so that the others are
 * served in between. Return: true if more of them could go on.
 */
static bool handshake_poll(void)
{
    struct conn *chosen = NULL;
    int rc;

    for (u32 i = 0; i < server_conns.used_end; i++) {
        u32 at = (server.next_handshake + i) % server_conns.used_end;
        struct conn *conn = &server_conns.all[at];

        if (!conn_can_handshake(conn))
            continue;
        if (chosen)
            return true;
        chosen = conn;
        server.next_handshake = at + 1;
        rc = conn_handshake(conn);
        if (rc != 0 && rc != -EAGAIN)
            conn_close(conn);
    }
    return false;
}

/* Who is known goes before strangers, then who has waited longest. */
static bool goes_before(const struct conn *a, const struct conn *b)
{
    if (a->req.derive.goes_first != b->req.derive.goes_first)
        return a->req.derive.goes_first;
    return a->req.begin_ns < b->req.begin_ns;
}

/* A slice of one password's check. Return: true if one waits. */
static bool password_poll(void)
{
    struct conn *first = NULL;

    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[i];

        if (conn->state == CONN_WAIT && (!first || goes_before(conn, first)))
            first = conn;
    }
    if (first && auth_password_step(&first->req))
        conn_resume(first);
    return first != NULL;
}

enum server_next server_poll(void)
{
    bool waits = false, is_busy = false;
    u64 now = time_ns();

    nbd_exports_poll();
    server_room_poll();
    server.first = server_conns.used_end ? (server.first + 1) % server_conns.used_end : 0;
    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[(server.first + i) % server_conns.used_end];

        if (conn->state != CONN_FREE)
            conn_poll(conn, now);
        waits |= conn->state == CONN_REPLY && conn->is_waiting;
        is_busy |= conn->state == CONN_SETTLE;
    }
    is_busy |= password_poll();
    if (handshake_poll() || is_busy)
        return SERVER_GO_ON;
    return waits ? SERVER_ASK_SOURCES : SERVER_SLEEP;
}

void server_end_handshakes(void)
{
    for (u32 i = 0; i < server_conns.used_end; i++) {
        if (server_conns.all[i].state == CONN_HANDSHAKE)
            conn_abort(&server_conns.all[i]);
    }
}

void server_end_trusted(void)
{
    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[i];

        if (is_under_way(conn) && conn->client.is_trusted && conn->req.who.way == WAY_CERTIFICATE)
            conn->must_abort = true;
    }
}

void server_end_streams(const void *object)
{
    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[i];

        if (conn->req.state.object != object ||
            !(conn->state == CONN_REPLY ? (const void *)conn->req.reply.source
                                        : (const void *)conn->req.sink))
            continue;
        conn_request_end(conn);
        conn->must_abort = true;
    }
}

void server_end_nbd(const struct nbd_export *export)
{
    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[i];

        if (conn->nbd && (!export || nbd_conn_export(conn) == export))
            conn_abort(conn);
    }
}

u32 server_nbd_clients(const struct nbd_export *export)
{
    u32 count = 0;

    for (u32 i = 0; i < server_conns.used_end; i++)
        count += nbd_conn_export(&server_conns.all[i]) == export;
    return count;
}

void server_end_requests_of(const char *token)
{
    nbd_exports_end_of(token);
    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[i];

        if (is_under_way(conn) && strcmp(conn->req.who.token, token) == 0)
            conn->must_abort = true;
    }
}

u32 server_connections(void)
{
    u32 count = 0;

    for (u32 i = 0; i < server_conns.used_end; i++)
        count += server_conns.all[i].state != CONN_FREE;
    return count;
}
