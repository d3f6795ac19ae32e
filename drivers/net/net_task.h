/* SPDX-License-Identifier: BSD-2-Clause */
/* The one task that touches NIC rings; it moves frames between NICs and ports of networks. */
#ifndef SOCLE_NET_NET_TASK_H
#define SOCLE_NET_NET_TASK_H

#include "core/lib/compiler.h"

/*
 * Fills the packet pool. Context: boot, before any NIC driver is probed.
 * Return: 0, -ENOMEM.
 */
int net_init(void) must_check;

/* Starts the task on pCPU 0. Context: boot. Return: 0, -ENOMEM. */
int net_start(void) must_check;

#endif
