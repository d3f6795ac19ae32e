/* SPDX-License-Identifier: BSD-2-Clause */
/* NBD's clients: from bytes to an export and back. */
#include "mgmt/nbd/nbd_conn.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mgmt/agent.h"
#include "mgmt/http/conn.h"
#include "mgmt/auth/limiter.h"
#include "mgmt/nbd/nbd_exports.h"
#include "mgmt/nbd/nbd_transfer.h"
#include "mm/kheap.h"

#define STEPS_PER_TURN   64u             /* then others are served */
#define NEGOTIATION_NS   (30 * NS_PER_S) /* until an export is chosen */
#define STALL_TIMEOUT_NS (60 * NS_PER_S) /* in the middle of something */

/* When all that is to be sent has been queued. */
enum after { AFTER_NOTHING, AFTER_TLS, AFTER_CLOSE };

struct nbd_session {
    bool is_taken;
    bool must_close;
    enum after after;
    const struct nbd_export *export; /* NULL: none chosen yet */
    const struct nbd_export *found;  /* of the last name asked for */
    struct nbd nbd;
    struct nbd_transfer transfer;
    u8 in[CONN_IN_BYTES];
};

static struct nbd_session *sessions; /* (c) NBD_CONNECTIONS */
static struct limiter wrong_names;

int nbd_conn_init(void)
{
    sessions = kzalloc(NBD_CONNECTIONS * sizeof(*sessions));
    return sessions ? 0 : -ENOMEM;
}

/* What the handshake answers goes the way of all answers. */
static void send_handshake(struct nbd_session *s)
{
    s->transfer.out = s->nbd.out;
    s->transfer.out_len = s->nbd.out_len;
}

int nbd_conn_begin(struct conn *conn)
{
    for (u32 i = 0; i < NBD_CONNECTIONS; i++) {
        struct nbd_session *s = &sessions[i];
        u8 *buffer;

        if (s->is_taken)
            continue;
        buffer = kmalloc(NBD_BUFFER_BYTES);
        if (!buffer)
            return -ENOMEM;
        *s = (struct nbd_session){
            .is_taken = true,
            .transfer = {.buffer = buffer, .wake = agent_wake},
        };
        nbd_init(&s->nbd, nbd_exports_tls());
        send_handshake(s);
        conn->nbd = s;
        conn->in = s->in;
        conn->state = CONN_NBD;
        conn_peer_note(conn);
        return 0;
    }
    return -EBUSY;
}

void nbd_conn_end(struct conn *conn)
{
    struct nbd_session *s = conn->nbd;

    if (!s)
        return;
    conn->nbd = NULL;
    while (nbd_transfer_is_asking(&s->transfer))
        task_wait();
    agent_wake(); /* a wake-up for something else may have been taken with it */
    if (s->export)
        log_info("nbd", "%s: %s has left", s->export->volume->name, conn->req.peer.text);
    mem_wipe(&s->nbd, sizeof(s->nbd));
    mem_wipe(s->in, sizeof(s->in));
    kfree(s->transfer.buffer);
    s->is_taken = false;
}

void nbd_conn_secured(struct conn *conn)
{
    conn->state = CONN_NBD;
    nbd_secured(&conn->nbd->nbd);
}

const struct nbd_export *nbd_conn_export(const struct conn *conn)
{
    return conn->nbd ? conn->nbd->export : NULL;
}

static int find(void *arg, const char *name, struct nbd_disk *out)
{
    struct conn *conn = arg;
    const struct nbd_export *export = nbd_export_find(name);

    conn->nbd->found = export;
    if (!export) {
        if (limiter_fail(&wrong_names, conn->req.peer.key, time_ns()) == 0)
            log_warn("nbd", "%s asked for an export that is not there", conn->req.peer.text);
        return -ENOENT;
    }
    if (export->needs_tls && !conn->tls)
        return -EPERM;
    *out = (struct nbd_disk){
        .bytes = volume_bytes(export->volume),
        .block_bytes = export->volume->block_bytes,
        .is_read_only = export->is_read_only,
        .can_trim = export->volume->can_discard,
        .can_write_zeroes = export->volume->can_write_zeroes,
    };
    return 0;
}

/* From now on the connection may do what the token that made the export may. */
static void begin(struct conn *conn)
{
    struct nbd_session *s = conn->nbd;

    s->export = s->found;
    s->transfer.volume = s->export->volume;
    conn->req.who = s->export->who;
    log_info("nbd", "%s: %s uses it", s->export->volume->name, conn->req.peer.text);
}

static void on_event(struct conn *conn, enum nbd_event event)
{
    struct nbd_session *s = conn->nbd;

    switch (event) {
    case NBD_EVENT_MORE:
        return;
    case NBD_EVENT_SEND:
        break;
    case NBD_EVENT_STARTTLS:
        s->after = AFTER_TLS;
        break;
    case NBD_EVENT_BEGIN:
        begin(conn);
        break;
    case NBD_EVENT_COMMAND:
        nbd_transfer_begin(&s->transfer, &s->nbd);
        return;
    case NBD_EVENT_END:
        s->after = AFTER_CLOSE;
        break;
    case NBD_EVENT_BAD:
        conn->must_abort = true;
        return;
    }
    send_handshake(s);
}

/* Takes what the client has sent: data of a write, or the next option or command. Return: false:
 * there is nothing. */
static bool take(struct conn *conn, bool is_data)
{
    struct nbd_session *s = conn->nbd;
    struct nbd_ops ops = {.find = find, .arg = conn};
    enum nbd_event event = NBD_EVENT_MORE;
    size_t len, used;
    const u8 *data = conn_input(conn, &len);

    if (!data)
        return false;
    if (is_data)
        used = nbd_transfer_take(&s->transfer, data, len);
    else
        event = nbd_feed(&s->nbd, &ops, data, len, &used);
    conn_consume(conn, used);
    on_event(conn, event);
    return true;
}

/* Return: true if something could be queued. */
static bool send(struct conn *conn)
{
    struct nbd_transfer *t = &conn->nbd->transfer;
    int sent = conn_output(conn, (const char *)t->out, t->out_len);

    if (sent < 0)
        return false; /* goes on when the client has acknowledged, or at the next poll */
    t->out += sent;
    t->out_len -= (u32)sent;
    return true;
}

/* The last answer of this kind of talk is queued. */
static void turn_over(struct conn *conn)
{
    struct nbd_session *s = conn->nbd;

    if (s->after == AFTER_TLS)
        conn->state = CONN_HANDSHAKE;
    else
        s->must_close = true;
    s->after = AFTER_NOTHING;
}

/* Return: true if it could go on. */
static bool step(struct conn *conn)
{
    struct nbd_session *s = conn->nbd;

    if (conn->state != CONN_NBD || conn->must_abort || s->must_close || !conn->pcb)
        return false;
    switch (nbd_transfer_run(&s->transfer)) {
    case NBD_WANTS_COMMAND:
        if (s->after == AFTER_NOTHING)
            return take(conn, false);
        turn_over(conn);
        return false;
    case NBD_WANTS_DATA:
        return take(conn, true);
    case NBD_WANTS_ROOM:
        return send(conn);
    case NBD_WANTS_ANSWER:
        return false;
    case NBD_WANTS_TURN:
        return true;
    case NBD_WANTS_END:
        break;
    }
    conn->must_abort = true;
    return false;
}

void nbd_conn_run(struct conn *conn)
{
    u32 steps = 0;

    while (steps < STEPS_PER_TURN && step(conn))
        steps++;
    if (steps == STEPS_PER_TURN)
        agent_wake();
    if (conn->pcb)
        (void)tcp_output(conn->pcb);
}

/* The client owes something: to take an answer, or to send the rest. */
static bool is_stalled(const struct conn *conn, u64 now)
{
    const struct nbd_session *s = conn->nbd;
    bool owes =
        s->transfer.out_len > 0 || s->transfer.work == NBD_WORK_GATHER || nbd_is_within(&s->nbd);

    /* It may have been active after `now`. */
    return owes && now > conn->active_ns && now - conn->active_ns > STALL_TIMEOUT_NS;
}

enum nbd_fate nbd_conn_poll(struct conn *conn, u64 now)
{
    struct nbd_session *s = conn->nbd;

    nbd_conn_run(conn);
    if (conn->must_abort)
        return NBD_ABORT;
    if (s->must_close)
        return NBD_CLOSE;
    if (conn->state != CONN_NBD)
        return NBD_GOES_ON;
    if (nbd_transfer_is_asking(&s->transfer)) {
        conn->active_ns = now; /* it is not the client who keeps us waiting */
        return NBD_GOES_ON;
    }
    if (conn->client_done && !conn_has_unread(conn) && s->transfer.out_len == 0)
        return NBD_CLOSE;
    if ((!s->export && now - conn->request_ns > NEGOTIATION_NS) || is_stalled(conn, now))
        return NBD_ABORT;
    return NBD_GOES_ON;
}
