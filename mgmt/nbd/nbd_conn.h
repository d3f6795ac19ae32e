/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of an exported volume: a connection of the server that speaks NBD instead of HTTP.
 * Private to the server's files.
 *
 * One command at a time is carried out; clients that want more at a time use more connections.
 */
#ifndef SOCLE_MGMT_NBD_CONN_H
#define SOCLE_MGMT_NBD_CONN_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct conn;
struct nbd_export;

#define NBD_CONNECTIONS 16u

enum nbd_fate { NBD_GOES_ON, NBD_CLOSE, NBD_ABORT };

/* Takes all memory it will ever need. Return: 0, -ENOMEM. */
int nbd_conn_init(void) must_check;

/* A new connection is NBD's. Return: 0; -EBUSY: there are NBD_CONNECTIONS. */
int nbd_conn_begin(struct conn *conn) must_check;

/* Its end; waits for the disk if it has been asked for something. NULL session: does nothing. */
void nbd_conn_end(struct conn *conn);

/* The TLS handshake is done. */
void nbd_conn_secured(struct conn *conn);

/* Goes on as far as possible. Context: lwIP callback or poll. */
void nbd_conn_run(struct conn *conn);

/* In every turn of the agent. */
enum nbd_fate nbd_conn_poll(struct conn *conn, u64 now);

/* The export it uses; NULL: none yet. */
const struct nbd_export *nbd_conn_export(const struct conn *conn);

#endif
