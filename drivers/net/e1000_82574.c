/* SPDX-License-Identifier: BSD-2-Clause */
/* Intel 82574L (e1000e): PCI Express, MSI. Spec: 82574 Datasheet. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/x86/log.h"
#include "drivers/driver.h"
#include "drivers/net/e1000.h"

#define RESET_TIMEOUT_NS (20 * NS_PER_MS)

/* Spec: 4.6.1 "Interrupts During Initialization", 4.6.2 "Global Reset and General Configuration".
 */
int e1000_pcie_reset(struct e1000 *nic)
{
    const char *driver = nic->dev.driver;

    /* 1. No interrupts during the reset. */
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);

    /* 2. Stop both units and let outstanding bus requests end. */
    e1000_write(nic, E1000_RCTL, 0);
    e1000_write(nic, E1000_TCTL, 0);
    e1000_write(nic, E1000_CTRL, e1000_read(nic, E1000_CTRL) | E1000_CTRL_GIO_MASTER_DISABLE);
    if (!e1000_wait(nic, E1000_STATUS, E1000_STATUS_GIO_MASTER_ENABLE, 0, RESET_TIMEOUT_NS))
        log_warn(driver, "%s: bus requests did not end before the reset", nic->dev.bdf);

    /* 3. Reset; the bit clears itself, and the EEPROM is read again. */
    e1000_write(nic, E1000_CTRL, e1000_read(nic, E1000_CTRL) | E1000_CTRL_RST);
    if (!e1000_wait(nic, E1000_CTRL, E1000_CTRL_RST, 0, RESET_TIMEOUT_NS))
        return -EIO;
    if (!e1000_wait(nic, E1000_EECD, E1000_EECD_AUTO_RD, E1000_EECD_AUTO_RD, RESET_TIMEOUT_NS))
        log_warn(driver, "%s: the EEPROM was not read after the reset", nic->dev.bdf);

    /* 4. The reset turned interrupts off, but a cause may be pending. */
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);
    (void)e1000_read(nic, E1000_ICR);
    return 0;
}

static const struct e1000_model model = {
    .driver = "e1000e",
    .reset = e1000_pcie_reset,
    .format = &e1000_legacy,
    .itr = E1000_ITR,
    .itr_interval = E1000_ITR_INTERVAL,
    .txdctl = E1000_TXDCTL_GRAN | E1000_TXDCTL_RESERVED1 | E1000_TXDCTL_WTHRESH_1,
    .segments = NETDEV_TX_TSO4 | NETDEV_TX_TSO6,
    .eerd_done = E1000_EERD_DONE_82574,
    .eerd_address_shift = E1000_EERD_ADDR_SHIFT_82574,
};

static int probe(struct pci_device *pci)
{
    return e1000_probe(pci, &model);
}

static const struct pci_id ids[] = {
    {0x8086, 0x10d3}, /* 82574L */
    {0, 0},
};

const struct pci_driver e1000e_driver = {
    .name = "e1000e",
    .ids = ids,
    .probe = probe,
};
