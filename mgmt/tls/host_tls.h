/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The administrator's own certificate: put in force, kept in a pool, taken back. Context of all:
 * management task; they wait for the pools.
 */
#ifndef SOCLE_MGMT_HOST_TLS_H
#define SOCLE_MGMT_HOST_TLS_H

#include "core/lib/compiler.h"
#include "mgmt/tls/tls_chain.h"

/*
 * Checks it and puts it in force for new connections; the caller wipes *pem. Return: 0; -EINVAL,
 * with *why, or -ENOMEM: what was in force still is.
 */
int host_tls_put(const struct tls_pem *pem, struct tls_refusal *why) must_check;

/* The self-made one again. Return: 0; -ENOENT: it is in force; -EBUSY: a pool that keeps the other
 * does not work, so it would be there again after a reboot. */
int host_tls_drop(void) must_check;

/* Takes the one that a pool has, if one has: before the first connection. */
void host_tls_find(void);

/* Keeps it when there is a pool for it; to be called now and then. */
void host_tls_poll(void);

/* True if what is in force will be the same after a reboot. */
bool host_tls_is_kept(void);

/* Tells the log by what clients know the host. */
void host_tls_tell(void);

#endif
