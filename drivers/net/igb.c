/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 82576, I350, I210 and I211 (igb): PCI Express, MSI, advanced descriptors; one queue each
 * way.
 *
 * Spec: 82576 Datasheet, chapter 4 "Initialization", chapter 8 "Programming Interface"; the
 * datasheets of the others have the same registers.
 */
#include "drivers/driver.h"
#include "drivers/net/e1000.h"

/* 8.8.14 "Interrupt Throttle": bits 14:2, in microseconds; 10 000 interrupts a second at most. */
#define EITR_INTERVAL (100u << 2)

/* With one message for all the causes of the queues go to bit 0, too. Spec: 7.3.1.1 "Legacy and MSI
 * Interrupt Modes". */
static int reset(struct e1000 *nic)
{
    int rc = e1000_pcie_reset(nic);

    if (rc == 0)
        e1000_write(nic, E1000_IVAR0, E1000_IVAR_RX0_VALID | E1000_IVAR_TX0_VALID);
    return rc;
}

static const struct e1000_model model = {
    .driver = "igb",
    .reset = reset,
    .format = &e1000_advanced,
    .itr = E1000_EITR0,
    .itr_interval = EITR_INTERVAL,
    .srrctl = E1000_SRRCTL_BSIZE_2K | E1000_SRRCTL_ADV_ONE,
    .rxdctl = E1000_QUEUE_ENABLE,
    .txdctl = E1000_QUEUE_ENABLE | E1000_TXDCTL_WTHRESH_1,
    .segments = NETDEV_TX_TSO4 | NETDEV_TX_TSO6,
    .eerd_done = E1000_EERD_DONE_82574,
    .eerd_address_shift = E1000_EERD_ADDR_SHIFT_82574,
    .link_start = igb_phy_start,
};

static int probe(struct pci_device *pci)
{
    return e1000_probe(pci, &model);
}

/* Copper only. */
static const struct pci_id ids[] = {
    {0x8086, 0x10c9}, /* 82576 */
    {0x8086, 0x10e8}, /* 82576, four ports */
    {0x8086, 0x150a}, /* 82576NS */
    {0x8086, 0x1526}, /* 82576, four ports, ET2 */
    {0x8086, 0x1521}, /* I350 */
    {0x8086, 0x1533}, /* I210 */
    {0x8086, 0x157b}, /* I210 without flash */
    {0x8086, 0x1539}, /* I211 */
    {0, 0},
};

const struct pci_driver igb_driver = {
    .name = "igb",
    .ids = ids,
    .probe = probe,
};
