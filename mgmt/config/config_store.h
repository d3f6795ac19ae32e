/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's network settings and its networks at rest: a blob of a pool, a device tree as
 * socle.dtb. What socle.dtb itself says is not taken from there, so that it is the way out when
 * what is kept turns out to be wrong. Context: management task; the functions wait for the pools.
 */
#ifndef SOCLE_MGMT_CONFIG_STORE_H
#define SOCLE_MGMT_CONFIG_STORE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* dtb: what the host was booted with, or NULL; borrowed for good. Context: boot, after
 * host_network_init and boot_networks. */
void config_store_init(const void *dtb, size_t bytes);

/* After the pools' turn: when all that were there at boot have been looked at, nothing is taken any
 * more. */
void config_store_poll(void);

/* Settings have changed, and are to stay: they are durable on return if there is a pool. */
void config_store_note(void);

#endif
