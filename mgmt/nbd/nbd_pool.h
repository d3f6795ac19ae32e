/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools on NBD servers, and their volumes, by name; kept in a datastore where there is one, and
 * connected to again after a reboot. Nothing is ever made or deleted on a server. Context of all:
 * management task.
 */
#ifndef SOCLE_MGMT_NBD_POOL_H
#define SOCLE_MGMT_NBD_POOL_H

#include "core/lib/compiler.h"
#include "core/vmm/pools.h"
#include "mgmt/nbd/nbd_remote.h"

/* Context: boot. */
void nbd_pools_init(void);

/* Adds one; the same as there is already is no error. Nothing is asked of the server before it has
 * a volume. Return: 0 and *out; an error with *err filled. */
int nbd_pool_put(const char *name, const struct nbd_server *server, struct vmm_pool **out,
                 struct vmm_error *err) must_check;

/* Whether nbd_pool_put would take it; nothing is done. Return: as that. */
int nbd_pool_check(const char *name, const struct nbd_server *server,
                   struct vmm_error *err) must_check;

/* NULL: it is another kind of pool. */
const struct nbd_server *nbd_pool_server(const struct vmm_pool *pool);

/* Writes pools and volumes to the default datastore if they have changed; without one they are gone
 * after a reboot. */
void nbd_pools_keep(void);

#endif
