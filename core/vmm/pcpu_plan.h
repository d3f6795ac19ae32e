/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which physical CPUs a VM's vCPUs may run on: its pins, or all. A real-time VM has as many for
 * itself as it has vCPUs, but never the first, which keeps house. Private to core/vmm. Context:
 * management task.
 */
#ifndef SOCLE_VMM_PCPU_PLAN_H
#define SOCLE_VMM_PCPU_PLAN_H

#include "core/kern/task.h"
#include "core/lib/compiler.h"
#include "core/vmm/registry.h"

/* Return: 0; -EINVAL with *err filled (pinned to a pCPU that this host has not). */
int pcpu_plan_check(const struct vm_config *cfg, struct vmm_error *err) must_check;

/*
 * Before the VM starts: sets entry->plan. pCPUs of a real-time VM are reserved until
 * pcpu_plan_release. Return: 0; -ENOSPC with *err filled: not enough can be spared, as pCPU 0
 * cannot, and as every running VM keeps one of those it may run on; or all the VM is pinned to are
 * reserved by others.
 */
int pcpu_plan_make(struct vmm_entry *entry, struct vmm_error *err) must_check;

/* After its vCPUs' tasks have been joined, or could not be started. */
void pcpu_plan_release(struct vmm_entry *entry);

/* What the vCPU gets of the plan. */
struct cpu_mask pcpu_plan_of(const struct vmm_entry *entry, u32 vcpu);

#endif
