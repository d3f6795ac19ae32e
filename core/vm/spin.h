/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to do about a vCPU that spins: the CPU has noticed a loop of PAUSEs.
 *
 * Whom it waits for has probably lost its pCPU in the middle of something, a lock held. The
 * siblings that have been interrupted so, and do not spin themselves, are tried in turn.
 */
#ifndef SOCLE_VM_SPIN_H
#define SOCLE_VM_SPIN_H

#include "core/lib/types.h"

struct vcpu;

/* Siblings that are looked at for one spin loop; it goes on with the next ones at the next. */
#define SPIN_TRIES 8u

/* Chooses who goes next. Context: the vCPU's task. Return: true if the vCPU should yield; without
 * others that wait it may as well spin on. */
bool spin_give_way(struct vcpu *vcpu);

#endif
