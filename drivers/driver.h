/* SPDX-License-Identifier: BSD-2-Clause */
/* The drivers linked in; core/main.c offers them every PCI device. */
#ifndef SOCLE_DRIVERS_DRIVER_H
#define SOCLE_DRIVERS_DRIVER_H

#include "drivers/pci/pci.h"

extern const struct pci_driver ahci_driver;
extern const struct pci_driver e1000_driver;
extern const struct pci_driver e1000e_driver;
extern const struct pci_driver igb_driver;
extern const struct pci_driver virtio_net_driver;
extern const struct pci_driver nvme_driver;
extern const struct pci_driver virtio_blk_driver;

#endif
