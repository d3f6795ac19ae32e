/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a second: what each running VM and the host have done since the last time, for the plots.
 * Context of all: management task.
 */
#ifndef SOCLE_MGMT_SAMPLER_H
#define SOCLE_MGMT_SAMPLER_H

#include "core/lib/types.h"
#include "mgmt/api/history.h"

/* Context: boot, before there are VMs. */
void sampler_start(void);

/* Takes a sample if it is time. Return: in how many ns it wants to be called again. */
u64 sampler_poll(u64 now_ns);

/* Names of the columns of a VM, and of the host. */
extern const char *const sampler_vm_columns[HISTORY_COLUMNS];
extern const char *const sampler_host_columns[HISTORY_COLUMNS];

/* Return: NULL if the VM has not run yet; valid until it is deleted. */
const struct history *sampler_vm(u32 id);
const struct history *sampler_host(void);

#endif
