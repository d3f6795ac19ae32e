/* SPDX-License-Identifier: BSD-2-Clause */
/* A socle.dtb that brings the host up again as it is now, pure. */
#ifndef SOCLE_MGMT_CONFIG_FDT_H
#define SOCLE_MGMT_CONFIG_FDT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/network.h"
#include "mgmt/config/host_config.h"

/*
 * Begins a tree in buf: what the host was booted with (from; NULL: nothing), sound, and the
 * settings in its place. Return: 0; -ENOSPC.
 */
int config_fdt_begin(void *buf, size_t size, const void *from,
                     const struct host_network *net) must_check;

/* Adds a network; those of `from` are gone. Return: 0; -ENOSPC. */
int config_fdt_network(void *buf, const struct network_config *cfg) must_check;

/* Return: bytes of the finished tree. */
size_t config_fdt_end(void *buf);

#endif
