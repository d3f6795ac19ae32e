/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks from and to the nodes of /networks in socle.dtb, pure; the binding is in mgmt/README.md.
 *
 * Trees that are read must be sound (dtb_is_sound); beyond that anything may stand in them.
 */
#ifndef SOCLE_MGMT_NETWORK_FDT_H
#define SOCLE_MGMT_NETWORK_FDT_H

#include "core/lib/compiler.h"
#include "core/lib/dtb.h"
#include "core/lib/types.h"
#include "drivers/net/network.h"

/*
 * Reads one network; path: the node's, for reports. What depends on other networks is not checked
 * here. Return: 0; -EINVAL if a value is wrong (told), then *out is of no use. An unknown name is
 * told and is no error.
 */
int network_fdt_read(const void *dtb, int node, const char *path, struct network_config *out,
                     const struct dtb_report *report) must_check;

/* Adds a node to /networks, whose offset is `parent`, in a tree of ours. Return: 0, -ENOSPC. */
int network_fdt_write(void *dtb, int parent, const struct network_config *cfg) must_check;

#endif
