/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 82574L Gigabit Ethernet (e1000e): one receive and one transmit ring with legacy
 * descriptors.
 *
 * Only net_task touches the rings, so there is no lock; the interrupt handler reads the cause
 * register, masks everything and wakes the task. Frames move by reference: a receive descriptor
 * always owns a pktbuf, and a full one is exchanged for an empty one; when the pool is empty the
 * frame is dropped and its buffer reused.
 *
 * The device's writes to descriptors are not trusted further than needed: lengths are bounded
 * before use.
 */
#include "core/kern/irq.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/driver.h"
#include "drivers/net/e1000_regs.h"
#include "drivers/net/netdev.h"
#include "drivers/pci/msi.h"
#include "mm/dma.h"
#include "mm/hpt.h"
#include "mm/kheap.h"

#define RING_SIZE       256u
#define RING_BYTES      (RING_SIZE * 16u)
/* The device gets emptied descriptors back in groups: each tail write is a slow bus access. */
#define RX_RETURN_BATCH 16u

#define FRAME_MIN    14u   /* Ethernet header */
#define FRAME_MAX    1518u /* with one VLAN tag, without FCS */
#define ETHERNET_MTU 1500u

/* 10.2.4.2: in units of 256 ns; about 10 000 interrupts a second at most. */
#define ITR_INTERVAL 390u

#define RESET_TIMEOUT_NS  (20 * NS_PER_MS)
#define EEPROM_TIMEOUT_NS (2 * NS_PER_MS)
#define HANG_TIMEOUT_NS   (2 * NS_PER_S)

#define IRQ_CAUSES                                                                        \
    (E1000_ICR_RXT0 | E1000_ICR_RXDMT0 | E1000_ICR_RXO | E1000_ICR_LSC | E1000_ICR_RXQ0 | \
     E1000_ICR_OTHER)

struct e1000e {
    struct netdev dev;            /* (c) first: ops get this pointer */
    volatile u32 *regs;           /* (c) */
    struct dma_buf rx_ring;       /* (c) */
    struct dma_buf tx_ring;       /* (c) */
    struct pktbuf *rx[RING_SIZE]; /* (o) net_task: what each descriptor owns */
    struct pktbuf *tx[RING_SIZE]; /* (o) */
    u32 rx_next;                  /* (o) next descriptor the device fills */
    u32 tx_tail;                  /* (o) next descriptor to fill */
    u32 tx_head;                  /* (o) oldest descriptor not yet sent */
    bool tx_dirty;                /* (o) descriptors not yet announced */
    u64 tx_progress_ns;           /* (o) when the oldest one was last seen to move */
    u64 hangs;                    /* (o) */
};

static u32 reg_read(const struct e1000e *nic, u32 reg)
{
    return nic->regs[reg / 4];
}

static void reg_write(struct e1000e *nic, u32 reg, u64 value)
{
    nic->regs[reg / 4] = (u32)value;
}

/* Waits until the masked bits have the wanted value. Return: false if they did not in time. */
static bool reg_wait(const struct e1000e *nic, u32 reg, u64 mask, u64 wanted, u64 timeout_ns)
{
    u64 deadline = time_ns() + timeout_ns;

    while ((reg_read(nic, reg) & mask) != wanted) {
        if (time_ns() > deadline)
            return false;
        cpu_pause();
    }
    return true;
}

static volatile struct e1000_rx_desc *rx_desc(const struct e1000e *nic, u32 i)
{
    return (volatile struct e1000_rx_desc *)nic->rx_ring.cpu + i;
}

static volatile struct e1000_tx_desc *tx_desc(const struct e1000e *nic, u32 i)
{
    return (volatile struct e1000_tx_desc *)nic->tx_ring.cpu + i;
}

/* Spec: 4.6.1 "Interrupts During Initialization", 4.6.2 "Global Reset and General Configuration".
 */
static int nic_reset(struct e1000e *nic)
{
    /* 1. No interrupts during the reset. */
    reg_write(nic, E1000_IMC, E1000_IMC_ALL);

    /* 2. Stop both units and let outstanding bus requests end. */
    reg_write(nic, E1000_RCTL, 0);
    reg_write(nic, E1000_TCTL, 0);
    reg_write(nic, E1000_CTRL, reg_read(nic, E1000_CTRL) | E1000_CTRL_GIO_MASTER_DISABLE);
    if (!reg_wait(nic, E1000_STATUS, E1000_STATUS_GIO_MASTER_ENABLE, 0, RESET_TIMEOUT_NS))
        log_warn("e1000e", "%s: bus requests did not end before the reset", nic->dev.bdf);

    /* 3. Reset; the bit clears itself, and the EEPROM is read again. */
    reg_write(nic, E1000_CTRL, reg_read(nic, E1000_CTRL) | E1000_CTRL_RST);
    if (!reg_wait(nic, E1000_CTRL, E1000_CTRL_RST, 0, RESET_TIMEOUT_NS))
        return -EIO;
    if (!reg_wait(nic, E1000_EECD, E1000_EECD_AUTO_RD, E1000_EECD_AUTO_RD, RESET_TIMEOUT_NS))
        log_warn("e1000e", "%s: the EEPROM was not read after the reset", nic->dev.bdf);

    /* 4. The reset turned interrupts off, but a cause may be pending. */
    reg_write(nic, E1000_IMC, E1000_IMC_ALL);
    (void)reg_read(nic, E1000_ICR);
    return 0;
}

/* Spec: 10.2.2.4 "EEPROM Read Register". Return: false on time-out. */
static bool eeprom_read(struct e1000e *nic, u32 word, u16 *value)
{
    reg_write(nic, E1000_EERD, (word << E1000_EERD_ADDR_SHIFT) | E1000_EERD_START);
    if (!reg_wait(nic, E1000_EERD, E1000_EERD_DONE, E1000_EERD_DONE, EEPROM_TIMEOUT_NS))
        return false;
    *value = (u16)(reg_read(nic, E1000_EERD) >> E1000_EERD_DATA_SHIFT);
    return true;
}

/* The address registers if the reset filled them, else EEPROM words 0 to 2. */
static int mac_read(struct e1000e *nic)
{
    u32 low = reg_read(nic, E1000_RAL0);
    u32 high = reg_read(nic, E1000_RAH0);
    u16 words[3] = {(u16)low, (u16)(low >> 16), (u16)high};

    if (!(high & E1000_RAH_AV)) {
        for (u32 i = 0; i < 3; i++) {
            if (!eeprom_read(nic, i, &words[i]))
                return -EIO;
        }
    }
    for (u32 i = 0; i < 3; i++) {
        nic->dev.mac[2 * i] = (u8)words[i];
        nic->dev.mac[2 * i + 1] = (u8)(words[i] >> 8);
    }
    return 0;
}

/* Hands a receive descriptor (back) to the device. */
static void rx_arm(struct e1000e *nic, u32 i)
{
    volatile struct e1000_rx_desc *desc = rx_desc(nic, i);

    desc->address = nic->rx[i]->hpa.v + PKTBUF_HEADROOM;
    desc->length = 0;
    desc->errors = 0;
    desc->status = 0;
}

/* Gives all emptied descriptors to the device; one stays with us, or head would equal tail. */
static void rx_return(struct e1000e *nic)
{
    compiler_barrier(); /* descriptors before the tail; x86 keeps the order of stores */
    reg_write(nic, E1000_RDT, (nic->rx_next + RING_SIZE - 1) % RING_SIZE);
}

/* Spec: 4.6.5 "Receive Initialization". Return: 0, -ENOMEM. */
static int rx_start(struct e1000e *nic)
{
    /* 1. Multicast: all groups are accepted, the table stays empty. */
    for (u32 i = 0; i < E1000_MTA_WORDS; i++)
        reg_write(nic, E1000_MTA + 4 * i, 0);

    /* 2. A buffer for every descriptor. */
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (!nic->rx[i])
            nic->rx[i] = pktbuf_alloc();
        if (!nic->rx[i])
            return -ENOMEM;
        rx_arm(nic, i);
    }

    /* 3. Ring base and length. */
    reg_write(nic, E1000_RDBAL, nic->rx_ring.bus.v);
    reg_write(nic, E1000_RDBAH, nic->rx_ring.bus.v >> 32);
    reg_write(nic, E1000_RDLEN, RING_BYTES);
    reg_write(nic, E1000_RDH, 0);
    reg_write(nic, E1000_RDTR, 0);
    nic->rx_next = 0;

    /* 4. Enable, then give the descriptors: the datasheet's order. */
    reg_write(nic, E1000_RCTL, E1000_RCTL_EN | E1000_RCTL_MPE | E1000_RCTL_BAM | E1000_RCTL_SECRC);
    rx_return(nic);
    return 0;
}

/* Spec: 4.6.6 "Transmit Initialization". */
static void tx_start(struct e1000e *nic)
{
    /* 1. Nothing is queued: what was, is lost with the reset. */
    memset(nic->tx_ring.cpu, 0, RING_BYTES);
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (nic->tx[i])
            pktbuf_free(nic->tx[i]);
        nic->tx[i] = NULL;
    }
    nic->tx_head = 0;
    nic->tx_tail = 0;
    nic->tx_dirty = false;

    /* 2. Ring base and length. */
    reg_write(nic, E1000_TDBAL, nic->tx_ring.bus.v);
    reg_write(nic, E1000_TDBAH, nic->tx_ring.bus.v >> 32);
    reg_write(nic, E1000_TDLEN, RING_BYTES);
    reg_write(nic, E1000_TDH, 0);
    reg_write(nic, E1000_TDT, 0);

    /* 3. Write-back of every descriptor, gap, enable. */
    reg_write(nic, E1000_TXDCTL,
              E1000_TXDCTL_GRAN | E1000_TXDCTL_RESERVED1 | E1000_TXDCTL_WTHRESH_1);
    reg_write(nic, E1000_TIPG, E1000_TIPG_DEFAULT);
    reg_write(nic, E1000_TCTL,
              E1000_TCTL_EN | E1000_TCTL_PSP | (E1000_TCTL_CT_DEFAULT << E1000_TCTL_CT_SHIFT));
}

/* From a reset device to a running one. Return: 0, -ENOMEM. */
static int nic_start(struct e1000e *nic)
{
    reg_write(nic, E1000_CTRL, reg_read(nic, E1000_CTRL) | E1000_CTRL_SLU | E1000_CTRL_ASDE);
    reg_write(nic, E1000_ITR, ITR_INTERVAL);
    reg_write(nic, E1000_IVAR,
              E1000_IVAR_RXQ0_VALID | E1000_IVAR_TXQ0_VALID | E1000_IVAR_OTHER_VALID);
    tx_start(nic);
    return rx_start(nic);
}

static struct pktbuf *e1000e_rx_poll(struct netdev *dev)
{
    struct e1000e *nic = container_of(dev, struct e1000e, dev);

    for (u32 tries = 0; tries < RING_SIZE; tries++) {
        u32 i = nic->rx_next;
        volatile struct e1000_rx_desc *desc = rx_desc(nic, i);
        u8 status = desc->status;
        struct pktbuf *full = NULL;
        struct pktbuf *empty;
        u16 len;

        if (!(status & E1000_RXD_STAT_DD))
            return NULL;
        compiler_barrier(); /* the length was written before the status */
        len = desc->length;
        if ((status & E1000_RXD_STAT_EOP) && !desc->errors && len >= FRAME_MIN &&
            len <= FRAME_MAX && (empty = pktbuf_alloc()) != NULL) {
            full = nic->rx[i];
            full->len = len;
            nic->rx[i] = empty;
        }
        rx_arm(nic, i);
        nic->rx_next = (i + 1) % RING_SIZE;
        if (i % RX_RETURN_BATCH == RX_RETURN_BATCH - 1)
            rx_return(nic);
        if (full)
            return full;
    }
    return NULL;
}

/* Frees the buffers of descriptors the device has sent. */
static void tx_reclaim(struct e1000e *nic)
{
    while (nic->tx_head != nic->tx_tail) {
        u32 i = nic->tx_head;

        if (!(tx_desc(nic, i)->status & E1000_TXD_STAT_DD))
            return;
        pktbuf_free(nic->tx[i]);
        nic->tx[i] = NULL;
        nic->tx_head = (i + 1) % RING_SIZE;
        nic->tx_progress_ns = time_ns();
    }
}

static bool e1000e_tx(struct netdev *dev, struct pktbuf *pkt)
{
    struct e1000e *nic = container_of(dev, struct e1000e, dev);
    u32 i = nic->tx_tail;
    u32 next = (i + 1) % RING_SIZE;
    volatile struct e1000_tx_desc *desc = tx_desc(nic, i);

    if (next == nic->tx_head) {
        tx_reclaim(nic);
        if (next == nic->tx_head)
            return false;
    }
    if (nic->tx_head == nic->tx_tail)
        nic->tx_progress_ns = time_ns();
    nic->tx[i] = pkt;
    desc->address = pkt->hpa.v + pkt->offset;
    desc->length = pkt->len;
    desc->cmd = E1000_TXD_CMD_EOP | E1000_TXD_CMD_IFCS | E1000_TXD_CMD_RS;
    desc->status = 0;
    nic->tx_tail = next;
    nic->tx_dirty = true;
    return true;
}

/* A transmitter that stands still though the link is up: start the device again from reset. */
static void check_for_hang(struct e1000e *nic)
{
    if (nic->tx_head == nic->tx_tail || time_ns() - nic->tx_progress_ns < HANG_TIMEOUT_NS)
        return;
    nic->tx_progress_ns = time_ns();
    if (!(reg_read(nic, E1000_STATUS) & E1000_STATUS_LU))
        return;
    nic->hangs++;
    log_warn("e1000e", "%s: transmitter stands still, reset %llu", nic->dev.bdf,
             (unsigned long long)nic->hangs);
    if (nic_reset(nic) || nic_start(nic))
        log_error("e1000e", "%s: did not come back after a reset", nic->dev.bdf);
}

static void e1000e_tx_flush(struct netdev *dev)
{
    struct e1000e *nic = container_of(dev, struct e1000e, dev);

    if (nic->tx_dirty) {
        compiler_barrier(); /* descriptors before the tail; x86 keeps the order of stores */
        reg_write(nic, E1000_TDT, nic->tx_tail);
        nic->tx_dirty = false;
    }
    tx_reclaim(nic);
    check_for_hang(nic);
}

static bool e1000e_irq_enable(struct netdev *dev)
{
    struct e1000e *nic = container_of(dev, struct e1000e, dev);

    reg_write(nic, E1000_IMS, IRQ_CAUSES);
    /* A frame that came just before would raise no interrupt again once its cause has been read. */
    if (!(rx_desc(nic, nic->rx_next)->status & E1000_RXD_STAT_DD))
        return false;
    reg_write(nic, E1000_IMC, E1000_IMC_ALL);
    return true;
}

static bool e1000e_link_up(struct netdev *dev)
{
    const struct e1000e *nic = container_of(dev, struct e1000e, dev);

    return (reg_read(nic, E1000_STATUS) & E1000_STATUS_LU) != 0;
}

/* Reading the cause register acknowledges all causes. */
static bool e1000e_irq(void *arg)
{
    struct e1000e *nic = arg;

    if (reg_read(nic, E1000_ICR) == 0)
        return false;
    reg_write(nic, E1000_IMC, E1000_IMC_ALL);
    if (nic->dev.wake)
        nic->dev.wake();
    return true;
}

static const struct netdev_ops e1000e_ops = {
    .rx_poll = e1000e_rx_poll,
    .tx = e1000e_tx,
    .tx_flush = e1000e_tx_flush,
    .irq_enable = e1000e_irq_enable,
    .link_up = e1000e_link_up,
};

static int irq_setup(struct e1000e *nic, const struct pci_device *pci)
{
    u32 apic_id;
    u8 vector;
    int rc = irq_alloc(0, e1000e_irq, nic, &vector, &apic_id);

    if (rc)
        return rc;
    rc = msi_enable(pci, vector, apic_id);
    if (rc)
        irq_free(0, vector);
    return rc;
}

static void nic_free(struct e1000e *nic)
{
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (nic->rx[i])
            pktbuf_free(nic->rx[i]);
    }
    if (nic->rx_ring.cpu)
        dma_free(&nic->rx_ring);
    if (nic->tx_ring.cpu)
        dma_free(&nic->tx_ring);
    kfree(nic);
}

/* Return: 0, -ENOMEM, -EIO, -ENODEV, -ENOSPC. */
static int nic_setup(struct e1000e *nic, const struct pci_device *pci)
{
    int rc = -ENOMEM;

    nic->regs = pci_map_bar(pci, 0);
    if (!nic->regs || dma_alloc(&nic->rx_ring, RING_BYTES) || dma_alloc(&nic->tx_ring, RING_BYTES))
        return rc;
    pci_enable(pci);
    rc = nic_reset(nic);
    if (!rc)
        rc = mac_read(nic);
    if (!rc)
        rc = irq_setup(nic, pci);
    if (!rc)
        rc = nic_start(nic);
    return rc;
}

static int e1000e_probe(struct pci_device *pci)
{
    struct e1000e *nic = kzalloc(sizeof(*nic));
    int rc;

    if (!nic)
        return -ENOMEM;
    nic->dev.ops = &e1000e_ops;
    nic->dev.driver = "e1000e";
    nic->dev.mtu = ETHERNET_MTU;
    (void)str_copy(nic->dev.bdf, sizeof(nic->dev.bdf), pci->bdf);
    rc = nic_setup(nic, pci);
    if (rc) {
        log_error("e1000e", "%s: cannot be started (%d)", pci->bdf, rc);
        nic_free(nic);
        return rc;
    }
    netdev_register(&nic->dev);
    return 0;
}

static const struct pci_id e1000e_ids[] = {
    {0x8086, 0x10d3}, /* 82574L */
    {0, 0},
};

const struct pci_driver e1000e_driver = {
    .name = "e1000e",
    .ids = e1000e_ids,
    .probe = e1000e_probe,
};
