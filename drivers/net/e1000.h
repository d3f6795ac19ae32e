/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 8254x and 82574 network cards: what the models share (e1000.c) and what each brings.
 *
 * Context of all: boot (probe) or net_task, unless said otherwise.
 */
#ifndef SOCLE_NET_E1000_H
#define SOCLE_NET_E1000_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/e1000_regs.h"
#include "drivers/net/netdev.h"
#include "drivers/pci/pci_irq.h"
#include "mm/dma.h"

#define E1000_RING_SIZE 256u

struct e1000;

/* In what one model differs from another. */
struct e1000_model {
    const char *driver; /* name in the log */
    /* From any state to that after power-on, the EEPROM read, no interrupt on or pending. Return:
     * 0, -EIO. */
    int (*reset)(struct e1000 *nic);
    u32 ctrl_clear; /* bits of CTRL that must be 0 to run */
    u32 txdctl;
    u32 eerd_done;
    u32 eerd_address_shift;
};

struct e1000 {
    struct netdev dev;                  /* (c) first: ops get this pointer */
    const struct e1000_model *model;    /* (c) */
    volatile u32 *regs;                 /* (c) */
    struct pci_irq irq;                 /* (c) */
    struct dma_buf rx_ring;             /* (c) */
    struct dma_buf tx_ring;             /* (c) */
    struct pktbuf *rx[E1000_RING_SIZE]; /* (o) net_task: what each descriptor owns */
    struct pktbuf *tx[E1000_RING_SIZE]; /* (o) */
    u32 rx_next;                        /* (o) next descriptor the device fills */
    u32 tx_tail;                        /* (o) next descriptor to fill */
    u32 tx_head;                        /* (o) oldest descriptor not yet sent */
    bool tx_dirty;                      /* (o) descriptors not yet announced */
    u64 tx_progress_ns;                 /* (o) when the oldest one was last seen to move */
    bool irq_seen;                      /* (a) the handler has run for an interrupt of ours */
};

static inline u32 e1000_read(const struct e1000 *nic, u32 reg)
{
    return nic->regs[reg / 4];
}

static inline void e1000_write(struct e1000 *nic, u32 reg, u64 value)
{
    nic->regs[reg / 4] = (u32)value;
}

/* Waits until the masked bits have the wanted value. Return: false if they did not in time. */
bool e1000_wait(const struct e1000 *nic, u32 reg, u64 mask, u64 wanted, u64 timeout_ns) must_check;

/* Takes a device of this model. Return: 0; -ENOMEM, -EIO: it stays as it was found. */
int e1000_probe(struct pci_device *pci, const struct e1000_model *model) must_check;

#endif
