/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has to make room when there are more clients than connections, workspaces or TLS sessions.
 *
 * First a stranger who takes his time, so that no number of slow ones keeps the owner out; then who
 * is idle: each time the one that has been quiet longest.
 */
#include "mgmt/http/server_room.h"

#include "core/kern/timer.h"
#include "mgmt/http/server.h"
#include "mgmt/tls/tls.h"

#define STRANGER_GRACE_NS (2 * NS_PER_S) /* then who has shown no token may have to make room */
#define IDLE_GRACE_NS     (1 * NS_PER_S) /* then an idle one may have to give its session away */

struct server_conns server_conns;
static u32 sessions_wanted; /* connections that wait for another's TLS session */

static bool is_idle(const struct conn *conn)
{
    return conn->state == CONN_READ && conn_is_between(conn) && !conn->pending &&
           !conn_has_unread(conn);
}

/*
 * Takes its time without having shown a token: in its handshake, its request, in reading the
 * answer, or idle.
 */
static bool is_slow_stranger(const struct conn *conn)
{
    return conn->state != CONN_FREE && conn->req.who.role == ROLE_NONE &&
           time_ns() - conn->request_ns > STRANGER_GRACE_NS;
}

static bool is_slow_nbd_stranger(const struct conn *conn)
{
    return conn->nbd && is_slow_stranger(conn);
}

static bool is_slow_stranger_at_work(const struct conn *conn)
{
    return conn->work && is_slow_stranger(conn);
}

static bool is_slow_stranger_with_tls(const struct conn *conn)
{
    return conn->tls && is_slow_stranger(conn);
}

static bool is_idle_with_tls(const struct conn *conn)
{
    return conn->tls && is_idle(conn) && time_ns() - conn->active_ns > IDLE_GRACE_NS;
}

/* Of those the one that has been quiet longest; NULL: there are none. */
static struct conn *quietest(bool (*is_meant)(const struct conn *conn))
{
    struct conn *found = NULL;

    for (u32 i = 0; i < server_conns.used_end; i++) {
        struct conn *conn = &server_conns.all[i];

        if (is_meant(conn) && (!found || conn->active_ns < found->active_ns))
            found = conn;
    }
    return found;
}

struct conn *server_room_find(void)
{
    struct conn *conn;

    for (u32 i = 0; i < SERVER_CONNECTIONS; i++) {
        if (server_conns.all[i].state != CONN_FREE)
            continue;
        server_conns.used_end = MAX(server_conns.used_end, i + 1);
        return &server_conns.all[i];
    }
    conn = quietest(is_slow_stranger);
    if (conn) {
        conn_abort(conn);
        return conn;
    }
    conn = quietest(is_idle);
    if (conn && conn->work)
        conn_abort(conn); /* it does not even read its answer */
    else if (conn)
        conn_close(conn); /* in order: its client sees no reset */
    return conn;
}

/* A stranger who takes his time does not keep others from a workspace. */
static void work_poll(void)
{
    struct conn *stranger = conn_work_waiting() ? quietest(is_slow_stranger_at_work) : NULL;

    if (stranger)
        conn_abort(stranger);
}

/* Sessions are fewer than connections: one that is not used goes, or the next that has answered. */
static void sessions_poll(void)
{
    u32 wanted = 0;
    struct conn *conn;

    if (tls_is_full()) {
        for (u32 i = 0; i < server_conns.used_end; i++)
            wanted += server_conns.all[i].state == CONN_HANDSHAKE && server_conns.all[i].pending &&
                      !server_conns.all[i].tls;
    }
    sessions_wanted = wanted;
    if (wanted == 0)
        return;
    conn = quietest(is_slow_stranger_with_tls);
    if (conn) {
        conn_abort(conn);
        return;
    }
    conn = quietest(is_idle_with_tls);
    if (conn)
        conn_close(conn);
}

bool server_wants_session(void)
{
    if (sessions_wanted == 0)
        return false;
    sessions_wanted--;
    return true;
}

void server_room_poll(void)
{
    work_poll();
    sessions_poll();
}

struct conn *server_room_nbd_stranger(void)
{
    return quietest(is_slow_nbd_stranger);
}
