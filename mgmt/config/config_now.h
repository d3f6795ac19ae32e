/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings in force as a socle.dtb. */
#ifndef SOCLE_MGMT_CONFIG_NOW_H
#define SOCLE_MGMT_CONFIG_NOW_H

#include "core/lib/compiler.h"
#include "mgmt/config/host_config.h"

/*
 * Writes a tree with these settings of the host and all networks that are not made by themselves.
 * from: what else it has; NULL: nothing. Context: management task. Return: bytes; 0: they do not
 * fit in `size`.
 */
size_t config_now(void *buf, size_t size, const void *from,
                  const struct host_network *net) must_check;

#endif
