/* SPDX-License-Identifier: BSD-2-Clause */
/* Device memory as instructions reach it: the local APIC's page first, then the MMIO bus. */
#ifndef SOCLE_VM_EXIT_MMIO_H
#define SOCLE_VM_EXIT_MMIO_H

#include "core/lib/types.h"

struct vcpu;

/* size: 1, 2, 4, 8. Nothing there: all ones; writes vanish. Context: vCPU task. */
u64 mmio_bus_read(struct vcpu *vcpu, gpa_t at, unsigned size);
void mmio_bus_write(struct vcpu *vcpu, gpa_t at, unsigned size, u64 value);

#endif
