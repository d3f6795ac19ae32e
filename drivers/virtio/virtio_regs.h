/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of virtio over PCI.
 *
 * Spec: Virtio 1.2 "Virtio Structure PCI Capabilities", "Common configuration structure layout",
 * "Device Status Field".
 */
#ifndef SOCLE_VIRTIO_REGS_H
#define SOCLE_VIRTIO_REGS_H

/* The capability that names a structure of registers: offsets in configuration space. */
#define VIRTIO_PCI_CAP_CFG_TYPE   3u
#define VIRTIO_PCI_CAP_BAR        4u
#define VIRTIO_PCI_CAP_OFFSET     8u
#define VIRTIO_PCI_CAP_LENGTH     12u
#define VIRTIO_PCI_CAP_MULTIPLIER 16u /* of a notification structure only */

#define VIRTIO_PCI_CAP_COMMON_CFG 1u
#define VIRTIO_PCI_CAP_NOTIFY_CFG 2u
#define VIRTIO_PCI_CAP_ISR_CFG    3u
#define VIRTIO_PCI_CAP_DEVICE_CFG 4u

/* The common configuration. */
#define VIRTIO_DEVICE_FEATURE_SELECT 0x00u
#define VIRTIO_DEVICE_FEATURE        0x04u
#define VIRTIO_DRIVER_FEATURE_SELECT 0x08u
#define VIRTIO_DRIVER_FEATURE        0x0cu
#define VIRTIO_CONFIG_MSIX_VECTOR    0x10u
#define VIRTIO_DEVICE_STATUS         0x14u
#define VIRTIO_CONFIG_GENERATION     0x15u
#define VIRTIO_QUEUE_SELECT          0x16u
#define VIRTIO_QUEUE_SIZE            0x18u
#define VIRTIO_QUEUE_MSIX_VECTOR     0x1au
#define VIRTIO_QUEUE_ENABLE          0x1cu
#define VIRTIO_QUEUE_NOTIFY_OFF      0x1eu
#define VIRTIO_QUEUE_DESC            0x20u
#define VIRTIO_QUEUE_DRIVER          0x28u
#define VIRTIO_QUEUE_DEVICE          0x30u
#define VIRTIO_COMMON_BYTES          0x38u

/* Device status. */
#define VIRTIO_STATUS_ACKNOWLEDGE        0x01u
#define VIRTIO_STATUS_DRIVER             0x02u
#define VIRTIO_STATUS_DRIVER_OK          0x04u
#define VIRTIO_STATUS_FEATURES_OK        0x08u
#define VIRTIO_STATUS_DEVICE_NEEDS_RESET 0x40u

#endif
