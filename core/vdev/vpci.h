/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's PCI bus: a host bridge and up to 31 functions of emulated devices.
 *
 * A function embeds struct vpci_function, describes its configuration space while it is built, and
 * gives each BAR a table of handlers; vpci enters BARs into the VM's buses as the guest enables and
 * moves them. The bridge passes on its windows only (guest_layout.h), so no BAR can lie over RAM,
 * an interrupt controller or configuration space; of two BARs that overlap the one that was there
 * first answers. Functions come and go only while all vCPUs stand still; how a guest that runs is
 * told, and asked, is in vpci_hotplug.c.
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
    bool can_leave;                          /* (c) the guest is told how to give it up */
};

struct vpci {
    struct vdev dev;
    struct spinlock lock;      /* LOCK_PCI, irqsave: configuration of all functions, and below */
    u32 address;               /* port CF8h */
    u8 reset;                  /* port CF9h */
    u32 to_check;              /* hot-plug, a bit per slot: something came or went, */
    u32 wanted;                /* the guest is asked to give it up, */
    u32 ejected;               /* and it has */
    u64 mem64;                 /* (c) start of the window above RAM */
    struct spinlock intx_lock; /* LOCK_INTX, irqsave */
    u32 asserted[GUEST_PCI_LINES];                /* intx_lock; a bit per slot */
    struct vpci_function *slots[GUEST_PCI_SLOTS]; /* (c) while vCPUs run; intx_lock to look */
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
 * Context: builder, or management task while all vCPUs stand still. Return: 0, -ENOSPC. */
int vpci_add(struct vpci *host, struct vpci_function *fn) must_check;

/* Takes it out of its slot, if it is in one, and off the buses; its line can rise no more. Context:
 * management task while all vCPUs stand still. */
void vpci_remove(struct vpci_function *fn);

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

/* The ports of hot-plug, likewise. */
int vpci_hotplug_init(struct vpci *host) must_check;

/* Slots that something can come into, or leave: a bit each. Context: builder. */
u32 vpci_hotplug_slots(const struct vpci *host);

/* Tells the guest that something came into the slot, or left it. Context: management task. */
void vpci_announce(struct vpci *host, unsigned slot);

/* Asks the guest to give up what is in the slot; or no longer. vm->on_ejected tells when it has.
 * Context: management task. */
void vpci_want_eject(struct vpci *host, unsigned slot);
void vpci_want_back(struct vpci *host, unsigned slot);

/* True once after the guest gave it up. Context: management task. */
bool vpci_was_ejected(struct vpci *host, unsigned slot);

#endif
