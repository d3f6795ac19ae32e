/* SPDX-License-Identifier: BSD-2-Clause */
/* How connections end. */
#include "core/lib/string.h"
#include "mgmt/http/conn.h"
#include "mgmt/nbd/nbd_conn.h"
#include "mgmt/tls/tls.h"

/* The slot becomes free; the pcb is gone or handed back to lwIP. */
static void conn_free(struct conn *conn)
{
    conn_request_end(conn);
    nbd_conn_end(conn);
    if (conn->pending) {
        conn_pbufs_held -= pbuf_clen(conn->pending);
        pbuf_free(conn->pending);
    }
    conn->pending = NULL;
    tls_close(conn->tls);
    conn->tls = NULL;
    conn_work_drop(conn);
    conn->state = CONN_FREE;
}

static void forget_pcb(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

void conn_abort(struct conn *conn)
{
    if (conn->pcb) {
        forget_pcb(conn->pcb);
        tcp_abort(conn->pcb);
        conn->pcb = NULL;
    }
    conn_free(conn);
}

void conn_close(struct conn *conn)
{
    if (conn->pcb) {
        conn_goodbye(conn);
        conn_window_open(conn, conn->pending_bytes);
        forget_pcb(conn->pcb);
        if (tcp_close(conn->pcb) != ERR_OK)
            tcp_abort(conn->pcb);
        conn->pcb = NULL;
    }
    conn_free(conn);
}
