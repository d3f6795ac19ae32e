/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's TLS key at rest: a blob of a pool, so that a client which has pinned it knows the host
 * again. Context: management task; the functions wait for the pools.
 */
#ifndef SOCLE_MGMT_TLS_STORE_H
#define SOCLE_MGMT_TLS_STORE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Takes the key that a pool has, if one has. Before the first certificate is made. */
void tls_store_find(void);

/* Keeps the key when there is a pool for it; to be called now and then. */
void tls_store_poll(void);

/* True if it will be the same after a reboot. */
bool tls_store_has_key(void);

#endif
