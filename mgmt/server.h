/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP server on lwIP's raw TCP interface. Context of all: management task. */
#ifndef SOCLE_MGMT_SERVER_H
#define SOCLE_MGMT_SERVER_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* More than 64 idle clients leave room for work; when all are taken the longest idle one goes. */
#define SERVER_CONNECTIONS 96u

/* Allocates all it will ever need and listens on the port, IPv4 and IPv6. Return: 0, -ENOMEM, -EIO.
 */
int server_start(u16 port) must_check;

/*
 * Goes on with replies that waited, closes what took too long. Called in every turn of the agent.
 * Return: true if a stream waits for something to report.
 */
bool server_poll(void);

/* Cuts the streams whose handler remembers this object, so that it can be deleted. */
void server_end_streams(const void *object);

u32 server_connections(void);

#endif
