/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 82540EM and 82545EM (e1000): conventional PCI, interrupts by INTx.
 *
 * Spec: PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (8254x SDM).
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "drivers/driver.h"
#include "drivers/net/e1000.h"

/* No register of these models tells when bus transfers have ended or the EEPROM has been read. */
#define BUS_IDLE_NS    (10 * NS_PER_MS)
#define EEPROM_LOAD_NS (5 * NS_PER_MS)

static void delay(u64 ns)
{
    u64 deadline = time_ns() + ns;

    while (time_ns() < deadline)
        cpu_pause();
}

/* Spec: 8254x SDM "Initialization Sequence", "Reset Operation". */
static int reset(struct e1000 *nic)
{
    /* 1. No interrupts during the reset. */
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);

    /* 2. Stop both units; the read makes sure that the writes have arrived. */
    e1000_write(nic, E1000_RCTL, 0);
    e1000_write(nic, E1000_TCTL, 0);
    (void)e1000_read(nic, E1000_STATUS);
    delay(BUS_IDLE_NS);

    /* 3. Reset; no access for 1 us, and the EEPROM is read again. */
    e1000_write(nic, E1000_CTRL, e1000_read(nic, E1000_CTRL) | E1000_CTRL_RST);
    delay(EEPROM_LOAD_NS);
    if (e1000_read(nic, E1000_CTRL) & E1000_CTRL_RST)
        return -EIO;

    /* 4. The reset turned interrupts off, but a cause may be pending. */
    e1000_write(nic, E1000_IMC, E1000_IMC_ALL);
    (void)e1000_read(nic, E1000_ICR);
    return 0;
}

static const struct e1000_model model = {
    .driver = "e1000",
    .reset = reset,
    .format = &e1000_legacy,
    .itr = E1000_ITR,
    .itr_interval = E1000_ITR_INTERVAL,
    .ctrl_clear = E1000_CTRL_LRST | E1000_CTRL_ILOS | E1000_CTRL_PHY_RST,
    .txdctl = E1000_TXDCTL_GRAN | E1000_TXDCTL_WTHRESH_1,
    .eerd_done = E1000_EERD_DONE_8254X,
    .eerd_address_shift = E1000_EERD_ADDR_SHIFT_8254X,
};

static int probe(struct pci_device *pci)
{
    return e1000_probe(pci, &model);
}

/* Only those with an internal copper PHY: nobody has to talk to it before the link comes up. */
static const struct pci_id ids[] = {
    {0x8086, 0x100e}, /* 82540EM */
    {0x8086, 0x100f}, /* 82545EM */
    {0, 0},
};

const struct pci_driver e1000_driver = {
    .name = "e1000",
    .ids = ids,
    .probe = probe,
};
