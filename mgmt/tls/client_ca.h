/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client CA: whose signature on a client's certificate makes the names in it count. In force
 * and at rest, as the administrator's own certificate (host_tls.h). Context of all: management
 * task; they wait for the pools.
 */
#ifndef SOCLE_MGMT_CLIENT_CA_H
#define SOCLE_MGMT_CLIENT_CA_H

#include "core/lib/compiler.h"
#include "mgmt/tls/tls_chain.h"

/* Puts read authorities in force, which it owns then, and keeps their PEM. Return: 0; -ENOMEM. */
int client_ca_put(struct tls_chain *authorities, const char *pem) must_check;

/* There is none any more. Return: 0; -EBUSY: a pool that keeps it does not work. */
int client_ca_drop(void) must_check;

/* Takes the one that a pool has, if one has: before the first connection. */
void client_ca_find(void);

/* Keeps it when there is a pool for it, and has clients asked when a user has certificates. */
void client_ca_poll(void);

/* Another after each change. */
u32 client_ca_version(void);

/* NULL: there is none. */
struct tls_chain *client_ca(void);

bool client_ca_is_kept(void);

#endif
