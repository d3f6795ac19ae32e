/* SPDX-License-Identifier: BSD-2-Clause */
/* The networks of socle.dtb, or of a tree like it that a pool keeps, made at boot. */
#ifndef SOCLE_MGMT_BOOT_NETWORKS_H
#define SOCLE_MGMT_BOOT_NETWORKS_H

#include "core/lib/dtb.h"
#include "core/lib/types.h"
#include "drivers/net/network.h"

/* Makes what /networks says; what cannot be made is told and left out. dtb: may be NULL or damaged.
 * given: a sound tree whose networks are there already, and stay as they are; or NULL. Context:
 * boot, the server listens and no VM has been started. */
void boot_networks(const void *dtb, size_t bytes, const void *given,
                   const struct dtb_report *report);

/* Whether one of its forwards has a TCP port that the host itself listens on. */
bool network_takes_hosts_port(const struct network_nat *nat);

#endif
