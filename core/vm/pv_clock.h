/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvmclock: the guest computes the time from its TSC by a line that lies in its memory.
 *
 * The host's TSCs run at one constant rate and together, so the line never changes: it goes through
 * the VM's power-on, which makes it the same on every vCPU, and is written when the guest turns it
 * on, when the guest moves its TSC, and after a pause. VM entries pay nothing for it.
 */
#ifndef SOCLE_VM_PV_CLOCK_H
#define SOCLE_VM_PV_CLOCK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/pv_abi.h"

struct vcpu;

/* Ticks to ns as the guest does it: ns = ((ticks << shift) * mul) >> 32. */
struct pv_scale {
    u32 mul;
    s8 shift;
};

/* Pure. hz: 1 to 2^62. Never too fast, and by less than 2^-31 too slow. */
struct pv_scale pv_clock_scale(u64 hz);

/* The MSRs; context: own task. Return: 0, -EINVAL (inject #GP): not aligned, or not in RAM. */
int pv_clock_set_wall(struct vcpu *vcpu, u64 value) must_check;
int pv_clock_set_system(struct vcpu *vcpu, u64 value) must_check;

/* The guest has moved its TSC. Context: own task. */
void pv_clock_tsc_moved(struct vcpu *vcpu);

/* The vCPU stood still for a pause: tells the guest, so that its watchdogs do not bite. Context:
 * own task. */
void pv_clock_resumed(struct vcpu *vcpu);

#endif
