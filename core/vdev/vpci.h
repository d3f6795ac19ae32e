/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's PCI bus: a host bridge and up to 31 functions of emulated devices.
 *
 * A function embeds struct vpci_function, describes its configuration space while it is built, and
 * gives each BAR a table of handlers; vpci enters BARs into the VM's buses as the guest enables and
 * moves them. The bridge passes on its windows only (guest_layout.h), so no BAR can lie over RAM,
 * an interrupt controller or configuration space; of two BARs that overlap the one that was there
 * first answers. Functions live as long as the VM.
 */
#ifndef SOCLE_VDEV_VPCI_H
#define SOCLE_VDEV_VPCI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vdev/vpci_config.h"
#include "core/vm/bus.h"
#include "core/vm/vdev.h"
#include "core/vmm/guest_layout.h"

struct vm;
struct vmsi;
struct vpci;
struct vpci_function;

/* For functions whose configuration space is more than registers. Context: vCPU task, no lock. */
struct vpci_hooks {
    void (*before_read)(struct vpci_function *fn, u32 offset, unsigned size);
    void (*after_write)(struct vpci_function *fn, u32 offset, unsigned size);
};

struct vpci_function {
    struct vdev *dev;                        /* (c) handed to the BARs' handlers */
    const struct vpci_hooks *hooks;          /* (c) NULL: only registers */
    struct vpci_config config;               /* host->lock */
    const struct bus_ops *bar_ops[PCI_BARS]; /* (c) */
    u64 mapped[PCI_BARS];                    /* host->lock; where it is on the bus, or 0 */
    u16 command;                             /* (a) as the guest last wrote it */
    struct vmsi *msi;                        /* (c) NULL: none */
    u8 msi_at;                               /* (c) offset of its capability */
    bool intx;                               /* host->intx_lock: asserted by the device */
    struct vpci *host;                       /* (c) */
    u8 slot;                                 /* (c) */
};

struct vpci {
    struct vdev dev;
    struct spinlock lock; /* LOCK_PCI, irqsave: configuration of all functions, and below */
    u32 address;          /* port CF8h */
    u8 reset;             /* port CF9h */
    u64 mem32_next;       /* where the next function's BARs begin, as firmware would say */
    u32 io_next;
    u64 mem64;                                    /* (c) start of the window above RAM */
    struct spinlock intx_lock;                    /* LOCK_INTX, irqsave */
    u32 asserted[GUEST_PCI_LINES];                /* intx_lock; a bit per slot */
    struct vpci_function *slots[GUEST_PCI_SLOTS]; /* (c) once running */
    struct vpci_function bridge;
};

/*
 * Prepares a function, with INTA# and no BAR. Its owner then adds BARs and capabilities, and ends
 * with vpci_add. Context: builder.
 */
void vpci_function_init(struct vpci_function *fn, struct vdev *dev, const struct vpci_ident *ident);

/* Adds a BAR whose accesses go to these handlers. Context: builder. */
void vpci_function_add_bar(struct vpci_function *fn, unsigned index, enum vpci_bar_kind kind,
                           u64 bytes, const struct bus_ops *ops);

/* Adds the MSI-X capability: table and pending bits at these offsets of a BAR. Context: builder. */
void vpci_function_add_msix(struct vpci_function *fn, struct vmsi *msi, unsigned bar, u32 table,
                            u32 pending);

/* Puts the function into the lowest free slot, with addresses in its BARs and decoding off.
 * Context: builder. Return: 0, -ENOSPC. */
int vpci_add(struct vpci *host, struct vpci_function *fn) must_check;

/* The device asserts its interrupt line, or lets go of it. Context: any. */
void vpci_intx_set(struct vpci_function *fn, bool level);

/* Whether the function may access memory. Context: any. */
static inline bool vpci_is_master(const struct vpci_function *fn)
{
    return (__atomic_load_n(&fn->command, __ATOMIC_ACQUIRE) & PCI_COMMAND_MASTER) != 0;
}

/* Configuration accesses; offset 0 to 4095, size 1, 2 or 4. Context: vCPU task. */
u32 vpci_read(struct vpci *host, unsigned slot, u32 offset, unsigned size);
void vpci_write(struct vpci *host, unsigned slot, u32 offset, unsigned size, u32 value);

/* Enters the ports and the window of configuration space into the VM's buses. Context: builder.
 * Return: 0, or as bus_add. */
int vpci_access_init(struct vpci *host) must_check;

#endif
