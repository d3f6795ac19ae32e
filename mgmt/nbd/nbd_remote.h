/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A volume that is an export of an NBD server: one connection, many commands under way.
 *
 * Requests come from any task into a list; the agent's turn sends them, and their done() is called
 * there. When the connection is lost it is made again, and what was not answered is sent once more:
 * reads and writes may be repeated. A flush does not lie: what was written, but not flushed, before
 * the connection was lost may be lost with the server, so one flush fails then. After 30 s without
 * an answer requests fail, and all of them while the server has been away for as long. Context of
 * all: management task.
 */
#ifndef SOCLE_MGMT_NBD_REMOTE_H
#define SOCLE_MGMT_NBD_REMOTE_H

#include "core/lib/compiler.h"
#include "drivers/block/volume.h"
#include "mgmt/net/outgoing.h"

/* Connections are left for others, too. */
#define NBD_REMOTES_MAX 12u

#define NBD_CA_MAX (4u * 1024 - 1)

/* Where, and whom TLS trusts. */
struct nbd_server {
    char host[OUTGOING_HOST_MAX + 1];
    u16 port;
    bool has_tls;
    bool has_pin; /* else ca */
    u8 pin[SHA256_BYTES];
    char ca[NBD_CA_MAX + 1];
};

/*
 * Begins to connect; the volume is known when that has worked once. server is borrowed until it is
 * destroyed. on_end: called when it is. Return: 0 and *out; -ENOSPC (NBD_REMOTES_MAX), -ENOMEM.
 */
int nbd_remote_open(const struct nbd_server *server, const char *name, const char *export,
                    bool is_read_only, void (*on_end)(void), struct volume **out) must_check;

/* True for volumes of this kind. */
bool volume_is_remote(const struct volume *volume);

/* Why it cannot be used now, one sentence; NULL: it can. */
const char *nbd_remote_reason(const struct volume *volume);
const char *nbd_remote_export(const struct volume *volume);

/* The volumes of a server: NULL for the first, NULL at the end. */
struct volume *nbd_remote_next(const struct nbd_server *server, const struct volume *after);

/* The agent's turn, before outgoing_poll(). */
void nbd_remote_poll(void);

#endif
