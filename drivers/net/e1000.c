/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel Gigabit Ethernet of the 8254x line and its descendants: what all models do alike, from
 * probe to reset; frames are in e1000_rings.c.
 *
 * Only net_task touches the rings, so there is no lock; the interrupt handler reads the cause
 * register, masks everything and wakes the task. Sections of the manual are those of the 82574
 * Datasheet; the 8254x SDM and the 82576 Datasheet have the same under other numbers.
 */
#include "drivers/net/e1000.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "mm/hpt.h"
#include "mm/kheap.h"

#define RING_BYTES (E1000_RING_SIZE * sizeof(struct e1000_desc))

#define EEPROM_TIMEOUT_NS (2 * NS_PER_MS)
/* It takes microseconds; the rest is for hosts that emulate this one. Only who has no interrupt
 * waits so long. */
#define IRQ_TEST_NS       (200 * NS_PER_MS)

/* On slower links cards on PCI Express may stand still after a segment. */
#define SEGMENTS_MBPS 1000u

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

/* From a reset device to a running one. Return: 0, -ENOMEM, -EIO. */
static int nic_start(struct e1000 *nic)
{
    u32 ctrl = e1000_read(nic, E1000_CTRL) & ~nic->model->ctrl_clear;
    int rc;

    e1000_write(nic, E1000_CTRL, ctrl | E1000_CTRL_SLU | E1000_CTRL_ASDE);
    e1000_write(nic, nic->model->itr, nic->model->itr_interval);
    nic->dev.link_changed = true;
    if (nic->model->link_start)
        nic->model->link_start(nic);
    rc = e1000_tx_start(nic);
    return rc == 0 ? e1000_rx_start(nic) : rc;
}

/* Starts the device again from reset. One that fails is tried again after the next NETDEV_HANG_NS.
 */
static void nic_restart(struct e1000 *nic)
{
    netdev_count(&nic->dev.counters.resets, 1);
    log_warn(nic->dev.driver, "%s: transmitter stands still, reset %llu", nic->dev.bdf,
             (unsigned long long)nic->dev.counters.resets);
    nic->is_dead = nic->model->reset(nic) || nic_start(nic);
    if (nic->is_dead)
        log_error(nic->dev.driver, "%s: did not come back after a reset", nic->dev.bdf);
}

/* A transmitter that stands still though the link is up hangs. */
static void check_for_hang(struct e1000 *nic)
{
    if ((nic->tx_head == nic->tx_tail && !nic->is_dead) ||
        time_ns() - nic->tx_progress_ns < NETDEV_HANG_NS)
        return;
    nic->tx_progress_ns = time_ns();
    if (nic->is_dead || (e1000_read(nic, E1000_STATUS) & E1000_STATUS_LU))
        nic_restart(nic);
}

static void e1000_tx_flush(struct netdev *dev)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);

    e1000_tx_move(nic);
    check_for_hang(nic);
}

static bool e1000_irq_enable(struct netdev *dev)
{
    struct e1000 *nic = container_of(dev, struct e1000, dev);

    if (dev->is_polled)
        return false;
    e1000_write(nic, E1000_IMS, IRQ_CAUSES);
    /* A frame that came just before would raise no interrupt again once its cause has been read. */
    if (!e1000_rx_pending(nic))
        return false;
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);
    return true;
}

/* Spec: 8254x SDM "Device Status Register". */
static bool e1000_link_up(struct netdev *dev)
{
    static const u16 speeds[] = {10, 100, 1000, 1000};
    const struct e1000 *nic = container_of(dev, struct e1000, dev);
    u32 status = nic->is_dead ? 0 : e1000_read(nic, E1000_STATUS);

    __atomic_store_n(&dev->speed_mbps, speeds[status >> E1000_STATUS_SPEED_SHIFT & 3],
                     __ATOMIC_RELAXED);
    dev->features &= ~(u32)(NETDEV_TX_TSO4 | NETDEV_TX_TSO6);
    if (dev->speed_mbps == SEGMENTS_MBPS)
        dev->features |= nic->model->segments;
    return (status & E1000_STATUS_LU) != 0;
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
    .tx_segment = e1000_tx_segment,
    .tx_flush = e1000_tx_flush,
    .irq_enable = e1000_irq_enable,
    .link_up = e1000_link_up,
    .set_promisc = e1000_set_receive,
    .set_mtu = e1000_set_receive,
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
    for (u32 i = 0; i < E1000_RING_SIZE; i++) {
        if (nic->rx[i])
            pktbuf_free(nic->rx[i]);
    }
    pktbuf_join_reset(&nic->join);
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

static const char *name_of(u16 device_id)
{
    static const struct {
        u16 device_id;
        const char *name;
    } names[] = {
        {0x100e, "Intel 82540EM"}, {0x100f, "Intel 82545EM"}, {0x10d3, "Intel 82574L"},
        {0x10c9, "Intel 82576"},   {0x10e8, "Intel 82576"},   {0x150a, "Intel 82576NS"},
        {0x1526, "Intel 82576"},   {0x1521, "Intel I350"},    {0x1533, "Intel I210"},
        {0x157b, "Intel I210"},    {0x1539, "Intel I211"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].device_id == device_id)
            return names[i].name;
    }
    return "Intel gigabit";
}

int e1000_probe(struct pci_device *pci, const struct e1000_model *model)
{
    struct e1000 *nic;
    int rc = pktbuf_pool_reserve(PKTBUF_NIC_NEED);

    if (rc)
        return rc;
    nic = kzalloc(sizeof(*nic));
    if (!nic) {
        pktbuf_pool_unreserve(PKTBUF_NIC_NEED);
        return -ENOMEM;
    }
    nic->model = model;
    nic->dev.ops = &e1000_ops;
    nic->dev.driver = model->driver;
    nic->dev.model = name_of(pci->device_id);
    netdev_init_mtu(&nic->dev, PKTBUF_MTU_MAX); /* the least of all models: 9.2 KiB (82574) */
    nic->dev.features = NETDEV_TX_CSUM | NETDEV_RX_CSUM;
    (void)str_copy(nic->dev.bdf, sizeof(nic->dev.bdf), pci->bdf);
    rc = nic_setup(nic, pci);
    if (rc) {
        log_error(model->driver, "%s: cannot be started (%d)", pci->bdf, rc);
        nic_free(nic, pci);
        pktbuf_pool_unreserve(PKTBUF_NIC_NEED);
        return rc;
    }
    netdev_register(&nic->dev);
    return 0;
}
