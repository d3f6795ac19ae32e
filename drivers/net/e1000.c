/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel Gigabit Ethernet of the 8254x line and its descendants: one receive and one transmit ring
 * with legacy descriptors, which all models understand.
 *
 * Only net_task touches the rings, so there is no lock; the interrupt handler reads the cause
 * register, masks everything and wakes the task. Frames move by reference: a receive descriptor
 * always owns a pktbuf, and a full one is exchanged for an empty one; when the pool is empty the
 * frame is dropped and its buffer reused.
 *
 * The device's writes to descriptors are not trusted further than needed: lengths are bounded
 * before use. Sections of the manual are those of the 82574 Datasheet; the 8254x SDM has the same
 * under other numbers.
 */
#include "drivers/net/e1000.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "mm/hpt.h"
#include "mm/kheap.h"

#define RING_SIZE       E1000_RING_SIZE
#define RING_BYTES      (RING_SIZE * 16u)
/* The device gets emptied descriptors back in groups: each tail write is a slow bus access. */
#define RX_RETURN_BATCH 16u

/* 10.2.4.2: in units of 256 ns; about 10 000 interrupts a second at most. */
#define ITR_INTERVAL 390u

#define EEPROM_TIMEOUT_NS (2 * NS_PER_MS)
/* It takes microseconds; the rest is for hosts that emulate this one. Only who has no interrupt
 * waits so long. */
#define IRQ_TEST_NS       (200 * NS_PER_MS)

#define IRQ_CAUSES (E1000_ICR_RXT0 | E1000_ICR_RXDMT0 | E1000_ICR_RXO | E1000_ICR_LSC)

bool e1000_wait(const struct e1000 *nic, u32 reg, u64 mask, u64 wanted, u64 timeout_ns)
{
    u64 deadline = time_ns() + timeout_ns;

    while ((e1000_read(nic, reg) & mask) != wanted) {
        if (time_ns() > deadline)
            return false;
        cpu_pause();
    }
    return true;
}

static volatile struct e1000_rx_desc *rx_desc(const struct e1000 *nic, u32 i)
{
    return (volatile struct e1000_rx_desc *)nic->rx_ring.cpu + i;
}

static volatile struct e1000_tx_desc *tx_desc(const struct e1000 *nic, u32 i)
{
    return (volatile struct e1000_tx_desc *)nic->tx_ring.cpu + i;
}

/* Spec: 10.2.2.4 "EEPROM Read Register". Return: false on time-out. */
static bool eeprom_read(struct e1000 *nic, u32 word, u16 *value)
{
    const struct e1000_model *model = nic->model;

    e1000_write(nic, E1000_EERD, (word << model->eerd_address_shift) | E1000_EERD_START);
    if (!e1000_wait(nic, E1000_EERD, model->eerd_done, model->eerd_done, EEPROM_TIMEOUT_NS))
        return false;
    *value = (u16)(e1000_read(nic, E1000_EERD) >> E1000_EERD_DATA_SHIFT);
    return true;
}

/* The address registers if the reset filled them, else EEPROM words 0 to 2. */
static int mac_read(struct e1000 *nic)
{
    u32 low = e1000_read(nic, E1000_RAL0);
    u32 high = e1000_read(nic, E1000_RAH0);
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
static void rx_arm(struct e1000 *nic, u32 i)
{
    volatile struct e1000_rx_desc *desc = rx_desc(nic, i);

    desc->address = nic->rx[i]->hpa.v + PKTBUF_HEADROOM;
    desc->length = 0;
    desc->errors = 0;
    desc->status = 0;
}

/* Gives all emptied descriptors to the device; one stays with us, or head would equal tail. */
static void rx_return(struct e1000 *nic)
{
    compiler_barrier(); /* descriptors before the tail; x86 keeps the order of stores */
    e1000_write(nic, E1000_RDT, (nic->rx_next + RING_SIZE - 1) % RING_SIZE);
}

/* Spec: 4.6.5 "Receive Initialization". Return: 0, -ENOMEM. */
static int rx_start(struct e1000 *nic)
{
    const u8 *mac = nic->dev.mac;

    /* 1. Our address, which not every reset leaves valid. Multicast: all groups are accepted, the
     * table stays empty. */
    e1000_write(nic, E1000_RAL0, mac[0] | (u32)mac[1] << 8 | (u32)mac[2] << 16 | (u32)mac[3] << 24);
    e1000_write(nic, E1000_RAH0, mac[4] | (u32)mac[5] << 8 | E1000_RAH_AV);
    for (u32 i = 0; i < E1000_MTA_WORDS; i++)
        e1000_write(nic, E1000_MTA + 4 * i, 0);

    /* 2. A buffer for every descriptor. */
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (!nic->rx[i])
            nic->rx[i] = pktbuf_alloc();
        if (!nic->rx[i])
            return -ENOMEM;
        rx_arm(nic, i);
    }

    /* 3. Ring base and length. */
    e1000_write(nic, E1000_RDBAL, nic->rx_ring.bus.v);
    e1000_write(nic, E1000_RDBAH, nic->rx_ring.bus.v >> 32);
    e1000_write(nic, E1000_RDLEN, RING_BYTES);
    e1000_write(nic, E1000_RDH, 0);
    e1000_write(nic, E1000_RDTR, 0);
    nic->rx_next = 0;

    /* 4. Enable, then give the descriptors: the datasheet's order. */
    e1000_write(nic, E1000_RCTL,
                E1000_RCTL_EN | E1000_RCTL_MPE | E1000_RCTL_BAM | E1000_RCTL_SECRC);
    rx_return(nic);
    return 0;
}

/* Spec: 4.6.6 "Transmit Initialization". */
static void tx_start(struct e1000 *nic)
{
    /* 1. Nothing is queued: what was, is lost with the reset. */
    memset(nic->tx_ring.cpu, 0, RING_BYTES);
    for (u32 i = 0; i < RING_SIZE; i++) {
        if (nic->tx[i]) {
            netdev_count(&nic->dev.counters.tx_drops, 1);
            pktbuf_free(nic->tx[i]);
        }
        nic->tx[i] = NULL;
    }
    nic->tx_head = 0;
    nic->tx_tail = 0;
    nic->tx_dirty = false;

    /* 2. Ring base and length. */
    e1000_write(nic, E1000_TDBAL, nic->tx_ring.bus.v);
    e1000_write(nic, E1000_TDBAH, nic->tx_ring.bus.v >> 32);
    e1000_write(nic, E1000_TDLEN, RING_BYTES);
    e1000_write(nic, E1000_TDH, 0);
    e1000_write(nic, E1000_TDT, 0);

    /* 3. Write-back of every descriptor, gap, enable. */
    e1000_write(nic, E1000_TXDCTL, nic->model->txdctl);
    e1000_write(nic, E1000_TIPG, E1000_TIPG_DEFAULT);
    e1000_write(nic, E1000_TCTL,
                E1000_TCTL_EN | E1000_TCTL_PSP | (E1000_TCTL_CT_DEFAULT << E1000_TCTL_CT_SHIFT) |
                    (E1000_TCTL_COLD_FULL_DUPLEX << E1000_TCTL_COLD_SHIFT));
}

/* From a reset device to a running one. Return: 0, -ENOMEM. */
static int nic_start(struct e1000 *nic)
{
    u32 ctrl = e1000_read(nic, E1000_CTRL) & ~nic->model->ctrl_clear;

    e1000_write(nic, E1000_CTRL, ctrl | E1000_CTRL_SLU | E1000_CTRL_ASDE);
    e1000_write(nic, E1000_ITR, ITR_INTERVAL);
    tx_start(nic);
    return rx_start(nic);
}

static struct pktbuf *e1000_rx_poll(struct netdev *dev)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);

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
        if ((status & E1000_RXD_STAT_EOP) && !desc->errors && len >= ETHERNET_HEADER_BYTES &&
            len <= netdev_frame_max(dev) && (empty = pktbuf_alloc()) != NULL) {
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
static void tx_reclaim(struct e1000 *nic)
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

static bool e1000_tx(struct netdev *dev, struct pktbuf *pkt)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);
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
static void check_for_hang(struct e1000 *nic)
{
    if (nic->tx_head == nic->tx_tail || time_ns() - nic->tx_progress_ns < NETDEV_HANG_NS)
        return;
    nic->tx_progress_ns = time_ns();
    if (!(e1000_read(nic, E1000_STATUS) & E1000_STATUS_LU))
        return;
    netdev_count(&nic->dev.counters.resets, 1);
    log_warn(nic->dev.driver, "%s: transmitter stands still, reset %llu", nic->dev.bdf,
             (unsigned long long)nic->dev.counters.resets);
    if (nic->model->reset(nic) || nic_start(nic))
        log_error(nic->dev.driver, "%s: did not come back after a reset", nic->dev.bdf);
}

static void e1000_tx_flush(struct netdev *dev)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);

    if (nic->tx_dirty) {
        compiler_barrier(); /* descriptors before the tail; x86 keeps the order of stores */
        e1000_write(nic, E1000_TDT, nic->tx_tail);
        nic->tx_dirty = false;
    }
    tx_reclaim(nic);
    check_for_hang(nic);
}

static bool e1000_irq_enable(struct netdev *dev)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);

    if (dev->is_polled)
        return false;
    e1000_write(nic, E1000_IMS, IRQ_CAUSES);
    /* A frame that came just before would raise no interrupt again once its cause has been read. */
    if (!(rx_desc(nic, nic->rx_next)->status & E1000_RXD_STAT_DD))
        return false;
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);
    return true;
}

static bool e1000_link_up(struct netdev *dev)
{
    const struct e1000 *nic = container_of(dev, struct e1000, dev);

    return (e1000_read(nic, E1000_STATUS) & E1000_STATUS_LU) != 0;
}

/* Reading the cause register acknowledges all causes. A cause that comes before all are masked
 * stays pending until net_task turns interrupts on. */
static bool e1000_irq(void *arg)
{
    struct e1000 *nic = arg;
    u32 causes = e1000_read(nic, E1000_ICR);

    if (causes == 0)
        return false;
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);
    if (causes & E1000_ICR_LSC)
        __atomic_store_n(&nic->dev.link_changed, true, __ATOMIC_RELEASE);
    __atomic_store_n(&nic->irq_seen, true, __ATOMIC_RELEASE);
    netdev_wake(&nic->dev);
    return true;
}

static const struct netdev_ops e1000_ops = {
    .rx_poll = e1000_rx_poll,
    .tx = e1000_tx,
    .tx_flush = e1000_tx_flush,
    .irq_enable = e1000_irq_enable,
    .link_up = e1000_link_up,
};

/* Has the device raise an interrupt. Return: true if the handler ran. */
static bool irq_arrives(struct e1000 *nic)
{
    u64 deadline = time_ns() + IRQ_TEST_NS;
    bool is_late = false;

    e1000_write(nic, E1000_IMS, E1000_ICR_RXT0);
    e1000_write(nic, E1000_ICS, E1000_ICR_RXT0);
    while (!__atomic_load_n(&nic->irq_seen, __ATOMIC_ACQUIRE) && !is_late) {
        is_late = time_ns() > deadline;
        cpu_pause();
    }
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);
    return __atomic_load_n(&nic->irq_seen, __ATOMIC_ACQUIRE);
}

/* The interrupt's way is believed only when one has come that way. */
static void irq_setup(struct e1000 *nic, const struct pci_device *pci)
{
    if (pci_irq_setup(pci, e1000_irq, nic, &nic->irq) != PCI_IRQ_NONE && irq_arrives(nic))
        return;
    pci_irq_release(pci, &nic->irq);
    nic->dev.is_polled = true;
    log_warn(nic->dev.driver, "%s: no interrupt arrives; the card is polled every millisecond",
             nic->dev.bdf);
}

static void nic_free(struct e1000 *nic, const struct pci_device *pci)
{
    pci_irq_release(pci, &nic->irq);
    pci_disable(pci); /* before the device's memory goes */
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

/* Return: 0, -ENOMEM, -EIO. */
static int nic_setup(struct e1000 *nic, const struct pci_device *pci)
{
    int rc = -ENOMEM;

    nic->regs = pci_map_bar(pci, 0);
    if (!nic->regs || dma_alloc(&nic->rx_ring, RING_BYTES) || dma_alloc(&nic->tx_ring, RING_BYTES))
        return rc;
    pci_enable(pci);
    rc = nic->model->reset(nic);
    if (!rc)
        rc = mac_read(nic);
    if (rc)
        return rc;
    irq_setup(nic, pci);
    return nic_start(nic);
}

int e1000_probe(struct pci_device *pci, const struct e1000_model *model)
{
    struct e1000 *nic = kzalloc(sizeof(*nic));
    int rc;

    if (!nic)
        return -ENOMEM;
    nic->model = model;
    nic->dev.ops = &e1000_ops;
    nic->dev.driver = model->driver;
    nic->dev.mtu = ETHERNET_MTU;
    (void)str_copy(nic->dev.bdf, sizeof(nic->dev.bdf), pci->bdf);
    rc = nic_setup(nic, pci);
    if (rc) {
        log_error(model->driver, "%s: cannot be started (%d)", pci->bdf, rc);
        nic_free(nic, pci);
        return rc;
    }
    netdev_register(&nic->dev);
    return 0;
}
