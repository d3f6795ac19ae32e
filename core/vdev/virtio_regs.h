/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of virtio over PCI. Spec: Virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities". */
#ifndef SOCLE_VDEV_VIRTIO_REGS_H
#define SOCLE_VDEV_VIRTIO_REGS_H

#include "core/lib/compiler.h"

#define VIRTIO_PCI_VENDOR    0x1af4u
#define VIRTIO_PCI_DEVICE    0x1040u /* + device type */
#define VIRTIO_PCI_REVISION  1u      /* not transitional */
#define VIRTIO_PCI_SUBSYSTEM 0x40u   /* + device type */
#define VIRTIO_NO_VECTOR     0xffffu
#define VIRTIO_ISR_QUEUE     1u
#define VIRTIO_ISR_CONFIG    2u

/* struct virtio_pci_cap. */
#define VIRTIO_CAP_LENGTH      2u
#define VIRTIO_CAP_TYPE        3u
#define VIRTIO_CAP_BAR         4u
#define VIRTIO_CAP_OFFSET      8u
#define VIRTIO_CAP_SIZE        12u
#define VIRTIO_CAP_BYTES       16u
#define VIRTIO_CAP_MULTIPLIER  16u /* of the notify capability */
#define VIRTIO_CAP_DATA        16u /* of the configuration access capability */
#define VIRTIO_CAP_LARGE_BYTES 20u /* of these two */

#define VIRTIO_CAP_COMMON 1u
#define VIRTIO_CAP_NOTIFY 2u
#define VIRTIO_CAP_ISR    3u
#define VIRTIO_CAP_DEVICE 4u
#define VIRTIO_CAP_PCI    5u

/* struct virtio_pci_common_cfg. */
#define COMMON_FEATURE_SELECT    0x00u
#define COMMON_FEATURE           0x04u
#define COMMON_ACCEPTED_SELECT   0x08u
#define COMMON_ACCEPTED          0x0cu
#define COMMON_CONFIG_VECTOR     0x10u
#define COMMON_QUEUE_COUNT       0x12u
#define COMMON_STATUS            0x14u
#define COMMON_GENERATION        0x15u
#define COMMON_QUEUE_SELECT      0x16u
#define COMMON_QUEUE_SIZE        0x18u
#define COMMON_QUEUE_VECTOR      0x1au
#define COMMON_QUEUE_ENABLE      0x1cu
#define COMMON_QUEUE_NOTIFY      0x1eu
#define COMMON_QUEUE_DESCRIPTORS 0x20u
#define COMMON_QUEUE_DRIVER      0x28u
#define COMMON_QUEUE_DEVICE      0x30u
#define COMMON_BYTES             0x38u

#endif
