/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The management agent: the one task that talks to the network and to core/vmm.
 *
 * Everything in mgmt/ runs on it, so nothing there needs a lock.
 */
#ifndef SOCLE_MGMT_AGENT_H
#define SOCLE_MGMT_AGENT_H

#include "boot/boot_info.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * Reads socle.dtb, attaches to the first NIC, prepares vmm and server, and starts the task on pCPU
 * 0. Context: boot, after NIC drivers have been probed and before net_start. Return: 0, -ENOMEM,
 * -EIO.
 */
int agent_start(const struct boot_info *info) must_check;

/* Lets the agent look around. Context: any, interrupt included. */
void agent_wake(void);

/* Asks for the end of the machine, after the answer has had time to leave. Context: management
 * task. */
enum agent_power { AGENT_POWER_ON, AGENT_REBOOT, AGENT_POWEROFF };
void agent_power_down(enum agent_power what);

const char *agent_hostname(void);

/* The socle.dtb the host was booted with, sound. Return: NULL and 0 bytes if there was none. */
const void *agent_dtb(size_t *bytes);
u64 agent_ready_ns(void); /* uptime when the server began to listen */

#endif
