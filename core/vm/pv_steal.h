/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steal time: tells the guest how long a vCPU waited for a pCPU or for its VM's limit on CPU time,
 * and whether it is running now.
 *
 * While it is not, other vCPUs need not interrupt it to flush its TLB: they leave a note in the
 * same byte, found before it runs again.
 */
#ifndef SOCLE_VM_PV_STEAL_H
#define SOCLE_VM_PV_STEAL_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/pv_abi.h"

struct vcpu;

/* The MSR; context: own task. Return: 0, -EINVAL (inject #GP): reserved bits, or not in RAM. */
int pv_steal_set(struct vcpu *vcpu, u64 value) must_check;

/* The vCPU has been loaded, or is about to be put. Context: own task, between hvm->vcpu_load and
 * vcpu_put. */
void pv_steal_loaded(struct vcpu *vcpu);
void pv_steal_leaving(struct vcpu *vcpu);

#endif
