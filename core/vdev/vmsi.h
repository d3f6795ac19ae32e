/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X of one PCI function: the table, the pending bits, and sending the messages.
 *
 * A message that may not be sent (vector or function masked) leaves its pending bit, and goes out
 * when the last mask falls; while MSI-X is off or the function is no bus master it is lost with
 * nothing pending, as such a function has no message to send. Spec: PCI Local Bus 3.0 "MSI-X
 * Capability and Table Structures"; SDM 3A "Message Signalled Interrupts".
 */
#ifndef SOCLE_VDEV_VMSI_H
#define SOCLE_VDEV_VMSI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/spinlock.h"

struct vm;

#define VMSI_VECTORS_MAX 128u
#define VMSI_ENTRY_BYTES 16u

struct vmsi_entry {
    u32 address_low, address_high, data, control;
};

struct vmsi {
    struct vm *vm;        /* (c) */
    u32 count;            /* (c) vectors */
    struct spinlock lock; /* LOCK_VMSI, irqsave: everything below */
    bool is_enabled;      /* (a) for readers */
    bool is_masked;
    bool is_master;
    u64 pending[VMSI_VECTORS_MAX / 64];
    struct vmsi_entry table[VMSI_VECTORS_MAX];
};

/* All vectors masked, MSI-X off. count: 1 to VMSI_VECTORS_MAX. */
void vmsi_init(struct vmsi *msi, struct vm *vm, u32 count);

/* Message control and bus mastering have changed. Context: any, LOCK_VMSI free. */
void vmsi_control(struct vmsi *msi, bool is_enabled, bool is_masked, bool is_master);

/* Whether interrupts go by message now, instead of by line. Context: any. */
static inline bool vmsi_is_enabled(const struct vmsi *msi)
{
    return __atomic_load_n(&msi->is_enabled, __ATOMIC_ACQUIRE);
}

/* Sends a vector's message or remembers it; there is nothing beyond the table. Context: any,
 * LOCK_VMSI free. */
void vmsi_raise(struct vmsi *msi, u32 vector);

/* Table and pending bits, in 4 or 8 aligned bytes. Context: vCPU task. */
u64 vmsi_table_read(struct vmsi *msi, u64 offset, unsigned size);
void vmsi_table_write(struct vmsi *msi, u64 offset, unsigned size, u64 value);
u64 vmsi_pending_read(struct vmsi *msi, u64 offset, unsigned size);

#endif
