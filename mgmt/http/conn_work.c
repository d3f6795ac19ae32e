/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workspaces: what a connection needs while it has a request, shared by all.
 *
 * Who waits is served before who comes anew: a newcomer takes one only if there are more than are
 * waited for, and server_poll() asks those that wait in turns.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/agent.h"
#include "mgmt/http/conn.h"
#include "mgmt/nbd/nbd_conn.h"
#include "mgmt/tls/tls.h"
#include "mm/kheap.h"

_Static_assert(TLS_ACTIVE_MAX >= CONN_WORKS + NBD_CONNECTIONS,
               "of HTTP's connections those that have a workspace are not at rest, of NBD's all");

static struct {
    struct conn_work *free[CONN_WORKS];
    u32 count;
    u32 waiting;
} works;

int conn_work_init(void)
{
    struct conn_work *all = kzalloc(CONN_WORKS * sizeof(*all));

    if (!all)
        return -ENOMEM;
    while (works.count < CONN_WORKS)
        works.free[works.count++] = all++;
    return 0;
}

static void wait_end(struct conn *conn)
{
    works.waiting -= conn->wants_work;
    conn->wants_work = false;
}

bool conn_work_take(struct conn *conn)
{
    if (conn->work)
        return true;
    if (works.count <= (conn->wants_work ? 0 : works.waiting)) {
        works.waiting += !conn->wants_work;
        conn->wants_work = true;
        return false;
    }
    wait_end(conn);
    conn->work = works.free[--works.count];
    conn->in = conn->work->in;
    http_init(&conn->work->http);
    return true;
}

/* Tokens come in the head, and leave in an answer. */
static void give(struct conn *conn)
{
    struct conn_work *work = conn->work;

    mem_wipe(work->http.head, work->http.head_len);
    if (conn->in_end)
        mem_wipe(work->in, CONN_IN_BYTES);
    mem_wipe(work->out, conn->out_end);
    conn->work = NULL;
    conn->in = NULL;
    conn->in_at = conn->in_end = conn->out_at = conn->out_end = 0;
    works.free[works.count++] = work;
    if (works.waiting)
        agent_wake();
}

void conn_work_settle(struct conn *conn)
{
    if (conn->work && conn->state == CONN_READ && conn_is_between(conn) && !conn_has_unread(conn) &&
        conn->pcb && tcp_sndqueuelen(conn->pcb) == 0 && tls_rest(conn->tls))
        give(conn);
}

void conn_work_drop(struct conn *conn)
{
    wait_end(conn);
    if (conn->work)
        give(conn);
}

u32 conn_work_waiting(void)
{
    return works.waiting;
}

bool conn_is_between(const struct conn *conn)
{
    return !conn->in_request && (!conn->work || http_is_idle(&conn->work->http));
}
