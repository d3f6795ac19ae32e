/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's registers that no VM entry switches: x87, SSE and AVX, XCR0, DR0–3.
 *
 * They stay in the CPU from guest_regs_load to guest_regs_put; the hypervisor uses none of them.
 * Saving and restoring happens with every component of XCR0 enabled, so that a guest which turned
 * one off leaves nothing of it behind for the next guest.
 */
#ifndef SOCLE_X86_GUEST_REGS_H
#define SOCLE_X86_GUEST_REGS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct guest_regs {
    u64 xcr0;  /* the CPU's own while loaded */
    u64 dr[4]; /* the CPU's own while loaded */
    void *fpu; /* borrowed: fpu_area_bytes(), 64-byte aligned */
    bool is_loaded;
};

/* State after power-on (DR0–3 after INIT too, which keeps the others). Not loaded. */
void guest_regs_reset(struct guest_regs *regs, bool is_power_on);

/* Context: the vCPU's task, interrupts on or off. */
void guest_regs_load(struct guest_regs *regs);
void guest_regs_put(struct guest_regs *regs);

u64 guest_regs_xcr0(const struct guest_regs *regs);
void guest_regs_set_xcr0(struct guest_regs *regs, u64 value);

#endif
