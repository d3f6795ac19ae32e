/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel's gigabit network cards: what the models share (e1000.c, e1000_rings.c) and what each
 * brings.
 *
 * Context of all: boot (probe) or net_task, unless said otherwise.
 */
#ifndef SOCLE_NET_E1000_H
#define SOCLE_NET_E1000_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/e1000_desc.h"
#include "drivers/net/e1000_regs.h"
#include "drivers/net/netdev.h"
#include "drivers/net/pktbuf_join.h"
#include "drivers/net/pktbuf_pool.h"
#include "drivers/pci/pci_irq.h"
#include "mm/dma.h"

#define E1000_RING_SIZE PKTBUF_NIC_RING

struct e1000;

/* 82574 Datasheet 10.2.4.2: in units of 256 ns; about 10 000 interrupts a second at most. */
#define E1000_ITR_INTERVAL 390u

/* In what one model differs from another. */
struct e1000_model {
    const char *driver; /* name in the log */
    /* From any state to that after power-on, the EEPROM read, no interrupt on or pending. Return:
     * 0, -EIO. */
    int (*reset)(struct e1000 *nic);
    const struct e1000_format *format;
    u32 itr, itr_interval; /* moderation of interrupts: register, value */
    u32 ctrl_clear;        /* bits of CTRL that must be 0 to run */
    u32 srrctl, rxdctl;    /* 0: has none, or they stay as the reset left them */
    u32 txdctl;
    u32 segments; /* NETDEV_TX_TSO4, 6: what it can cut */
    u32 eerd_done;
    u32 eerd_address_shift;
    void (*link_start)(struct e1000 *nic); /* after a reset; NULL: the link comes by itself */
};

struct e1000 {
    struct netdev dev;                  /* (c) first: ops get this pointer */
    const struct e1000_model *model;    /* (c) */
    volatile u32 *regs;                 /* (c) */
    struct pci_irq irq;                 /* (c) */
    struct dma_buf rx_ring;             /* (c) */
    struct dma_buf tx_ring;             /* (c) */
    struct pktbuf *rx[E1000_RING_SIZE]; /* (o) net_task: what each descriptor owns */
    struct pktbuf *tx[E1000_RING_SIZE]; /* (o) at the end of a frame or segment: its buffers */
    u16 tx_end[E1000_RING_SIZE];        /* (o) at the beginning of one: where its end is */
    struct pktbuf_join join;            /* (o) a frame in several descriptors */
    u32 rx_next;                        /* (o) next descriptor the device fills */
    u32 tx_tail;                        /* (o) next descriptor to fill */
    u32 tx_head;                        /* (o) oldest descriptor not yet sent */
    struct e1000_desc tx_context;       /* (o) the one the device has; all 0: none */
    bool tx_dirty;                      /* (o) descriptors not yet announced */
    u64 tx_progress_ns;                 /* (o) when the oldest one was last seen to move */
    bool is_dead;                       /* (o) did not come back from a reset */
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

/* The reset of the models on PCI Express. Return: 0, -EIO. */
int e1000_pcie_reset(struct e1000 *nic) must_check;

/* Has the PHY negotiate the link if there is none (82576 and later). */
void igb_phy_start(struct e1000 *nic);

/* The rings' part of a start after a reset. Return: 0, -ENOMEM, -EIO. */
int e1000_rx_start(struct e1000 *nic) must_check;
int e1000_tx_start(struct e1000 *nic) must_check;

/* True if the device has filled a receive descriptor that was not looked at. */
bool e1000_rx_pending(const struct e1000 *nic) must_check;

/* The driver's netdev operations of these names. */
struct pktbuf *e1000_rx_poll(struct netdev *dev);
bool e1000_tx(struct netdev *dev, struct pktbuf *pkt);
void e1000_set_receive(struct netdev *dev); /* set_promisc and set_mtu */
bool e1000_tx_segment(struct netdev *dev, struct pktbuf *first, const struct net_join *join);

/* Announces queued frames, frees sent ones. */
void e1000_tx_move(struct e1000 *nic);

/* Takes a device of this model. Return: 0; -ENOMEM, -EIO: it stays as it was found. */
int e1000_probe(struct pci_device *pci, const struct e1000_model *model) must_check;

#endif
