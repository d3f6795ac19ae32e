/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's end once its guests have switched themselves off: each running one is asked by its
 * ACPI power button; what is still on when their time is over is powered off. Context of all:
 * management task.
 */
#ifndef SOCLE_MGMT_HOST_POWER_H
#define SOCLE_MGMT_HOST_POWER_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/agent.h"

#define HOST_GRACE_MS     120000u
#define HOST_GRACE_MS_MAX 3600000u

/* How many VMs run, are paused or are being started. */
u32 host_power_vms(void);

/* Asks the guests, and has the host go down when they are off. Asked again, the latest counts. */
void host_power_begin(enum agent_power what, u64 grace_ms);

/* Whether the guests' time runs. */
bool host_power_waits(void);

/* Called in every turn of the agent. */
void host_power_poll(u64 now_ns);

#endif
