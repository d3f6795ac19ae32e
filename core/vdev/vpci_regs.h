/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space as software sees it. Spec: PCI Local Bus 3.0, "Configuration Space". */
#ifndef SOCLE_VDEV_VPCI_REGS_H
#define SOCLE_VDEV_VPCI_REGS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define PCI_CONFIG_BYTES 256u
#define PCI_BARS         6u

#define PCI_VENDOR_ID          0x00u
#define PCI_DEVICE_ID          0x02u
#define PCI_COMMAND            0x04u
#define PCI_STATUS             0x06u
#define PCI_REVISION_ID        0x08u
#define PCI_CLASS              0x09u /* programming interface, subclass, class */
#define PCI_CACHE_LINE         0x0cu
#define PCI_LATENCY_TIMER      0x0du
#define PCI_BAR(n)             (0x10u + 4u * (n))
#define PCI_SUBSYSTEM_VENDOR   0x2cu
#define PCI_SUBSYSTEM_ID       0x2eu
#define PCI_CAPABILITY_POINTER 0x34u
#define PCI_INTERRUPT_LINE     0x3cu
#define PCI_INTERRUPT_PIN      0x3du
#define PCI_HEADER_END         0x40u

#define PCI_COMMAND_IO        BIT(0)
#define PCI_COMMAND_MEMORY    BIT(1)
#define PCI_COMMAND_MASTER    BIT(2)
#define PCI_COMMAND_INTX_OFF  BIT(10)
#define PCI_STATUS_INTERRUPT  BIT(3)
#define PCI_STATUS_CAPABILITY BIT(4)

#define PCI_BAR_IO_SPACE 0x1u
#define PCI_BAR_64       0x4u

/* Spec: PCI Local Bus 3.0 "MSI-X Capability and Table Structures". */
#define PCI_CAP_VENDOR    0x09u
#define PCI_CAP_MSIX      0x11u
#define PCI_MSIX_CONTROL  2u /* from the capability's start */
#define PCI_MSIX_TABLE    4u
#define PCI_MSIX_PBA      8u
#define PCI_MSIX_BYTES    12u
#define PCI_MSIX_MASK_ALL BIT(14)
#define PCI_MSIX_ENABLE   BIT(15)

#endif
