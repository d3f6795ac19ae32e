/* SPDX-License-Identifier: BSD-2-Clause */
/* The server on lwIP's raw TCP interface: HTTP, and NBD for exported volumes. Context of all:
 * management task. */
#ifndef SOCLE_MGMT_SERVER_H
#define SOCLE_MGMT_SERVER_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Two hundred clients at once and some more; when all are taken the longest idle one goes. */
#define SERVER_CONNECTIONS 224u

/* Allocates all it will ever need. Return: 0, -ENOMEM. */
int server_init(void) must_check;

/*
 * Listens on the port, IPv4 and IPv6; with TLS, plain HTTP on HTTP_PORT as well, which sends
 * clients there. Return: 0, -ENOMEM, -EIO.
 */
int server_listen(u16 port, bool has_tls) must_check;

/* The port of server_listen, and whether it has TLS. */
u16 server_api_port(void);
bool server_has_tls(void);

/* Listens for NBD clients, at one port at a time. Closing ends them all. Return: 0, -ENOMEM, -EIO.
 */
int server_nbd_open(u16 port) must_check;
void server_nbd_close(void);

/* Cuts off the clients of an export; NULL: all of NBD's. */
struct nbd_export;
void server_end_nbd(const struct nbd_export *export);
u32 server_nbd_clients(const struct nbd_export *export);

/* Whether it listens on the port. */
bool server_has_port(u16 port);

/* When the server wants to be called again: after a while, when streams are due, or at once. */
enum server_next { SERVER_SLEEP, SERVER_ASK_SOURCES, SERVER_GO_ON };

/* Goes on with replies that waited and one handshake, closes what took too long. Called in every
 * turn of the agent. */
enum server_next server_poll(void);

/* Aborts connections that have no session yet: the certificate is about to change. */
void server_end_handshakes(void);

/* Ends what is under way by certificates that the client CA has signed: it is about to change. */
void server_end_trusted(void);

/* Cuts the streams, either way, whose handler remembers this object, so that it can be deleted, or
 * another may go on with it. */
void server_end_streams(const void *object);

/* Ends all that came in by this token and is under way: streams, uploads and exports included. */
void server_end_requests_of(const char *token);

u32 server_connections(void);

#endif
