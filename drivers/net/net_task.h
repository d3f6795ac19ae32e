/* SPDX-License-Identifier: BSD-2-Clause */
/* The one task that touches NIC rings; it moves frames between a NIC and a port. */
#ifndef SOCLE_NET_NET_TASK_H
#define SOCLE_NET_NET_TASK_H

#include "core/lib/compiler.h"

struct netport;

/*
 * Fills the packet pool. Context: boot, before any NIC driver is probed.
 * Return: 0, -ENOMEM.
 */
int net_init(void) must_check;

/*
 * Starts the task on pCPU 0. Without a NIC or a port it does nothing and returns 0: ports are
 * attached before. Context: boot, after netport_attach. Return: 0, -ENOMEM.
 */
int net_start(void) must_check;

#endif
