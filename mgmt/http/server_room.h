/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's connections, and room for more. Private to server.c. Context: management task. */
#ifndef SOCLE_MGMT_SERVER_ROOM_H
#define SOCLE_MGMT_SERVER_ROOM_H

#include "mgmt/http/conn.h"

struct server_conns {
    struct conn *all; /* (c) SERVER_CONNECTIONS */
    u32 used_end;     /* none behind it has ever been used */
};

extern struct server_conns server_conns;

/* A free connection, for which another may have ended. NULL: all are at work. */
struct conn *server_room_find(void) must_check;

/* The quietest of NBD's clients that have chosen no export for a while. NULL: there are none. */
struct conn *server_room_nbd_stranger(void) must_check;

/* In each turn: ends what keeps others waiting for a workspace or a handshake. */
void server_room_poll(void);

#endif
