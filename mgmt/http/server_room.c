/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has to make room when there are more clients than connections, workspaces or handshakes.
 *
 * First a stranger who takes his time, so that no number of slow ones keeps the owner out; then who
 * is idle: each time the one that has been quiet longest.
 */
#include "mgmt/http/server_room.h"

#include "core/kern/timer.h"
#include "mgmt/http/server.h"
#include "mgmt/tls/tls.h"

#define STRANGER_GRACE_NS (2 * NS_PER_S) /* then who has shown no token may have to make room */

struct server_conns server_conns;

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
    return conn->state != CONN_FREE && !conn->is_known &&
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

static bool is_slow_handshake(const struct conn *conn)
{
    return conn->state == CONN_HANDSHAKE && conn->tls && is_slow_stranger(conn);
}

static bool waits_for_handshake(const struct conn *conn)
{
    return conn->state == CONN_HANDSHAKE && !conn->tls && conn->pending;
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

/* Nor from a handshake. */
static void handshakes_poll(void)
{
    struct conn *stranger = NULL;

    if (tls_is_busy() && quietest(waits_for_handshake))
        stranger = quietest(is_slow_handshake);
    if (stranger)
        conn_abort(stranger);
}

void server_room_poll(void)
{
    work_poll();
    handshakes_poll();
}

struct conn *server_room_nbd_stranger(void)
{
    return quietest(is_slow_nbd_stranger);
}
