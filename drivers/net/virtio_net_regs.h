/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio network device: features, configuration, headers. Spec: Virtio 1.2 "Network Device". */
#ifndef SOCLE_NET_VIRTIO_NET_REGS_H
#define SOCLE_NET_VIRTIO_NET_REGS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define VIRTIO_NET_F_CSUM       BIT(0) /* it completes partial checksums of what we send */
#define VIRTIO_NET_F_GUEST_CSUM BIT(1) /* what we receive may have partial checksums */
#define VIRTIO_NET_F_MTU        BIT(3)
#define VIRTIO_NET_F_MAC        BIT(5)
#define VIRTIO_NET_F_HOST_TSO4  BIT(11) /* it takes TCP segments larger than a frame */
#define VIRTIO_NET_F_HOST_TSO6  BIT(12)
#define VIRTIO_NET_F_MRG_RXBUF  BIT(15) /* a frame may go over several of our buffers */
#define VIRTIO_NET_F_STATUS     BIT(16)
#define VIRTIO_NET_F_CTRL_VQ    BIT(17)
#define VIRTIO_NET_F_CTRL_RX    BIT(18)

#define VIRTIO_NET_Q_RX   0u
#define VIRTIO_NET_Q_TX   1u
#define VIRTIO_NET_Q_CTRL 2u /* without multiqueue */

/* Device configuration. */
#define VIRTIO_NET_CONFIG_MAC    0u
#define VIRTIO_NET_CONFIG_STATUS 6u
#define VIRTIO_NET_CONFIG_MTU    10u

#define VIRTIO_NET_S_LINK_UP 0x1u

/* In front of each frame. */
struct virtio_net_hdr {
    u8 flags;
    u8 gso_type;
    u16 hdr_len;
    u16 gso_size;
    u16 csum_start;
    u16 csum_offset;
    u16 num_buffers;
} packed;

_Static_assert(sizeof(struct virtio_net_hdr) == 12, "header of virtio 1.0 and later");

#define VIRTIO_NET_HDR_F_NEEDS_CSUM 0x1u
#define VIRTIO_NET_HDR_F_DATA_VALID 0x2u
#define VIRTIO_NET_HDR_GSO_TCPV4    1u
#define VIRTIO_NET_HDR_GSO_TCPV6    4u

/* A command on the control queue: class, command, one byte of data; the device adds its answer. */
struct virtio_net_ctrl {
    u8 class;
    u8 command;
    u8 data;
    u8 ack;
} packed;

#define VIRTIO_NET_CTRL_RX          0u
#define VIRTIO_NET_CTRL_RX_PROMISC  0u
#define VIRTIO_NET_CTRL_RX_ALLMULTI 1u
#define VIRTIO_NET_OK               0u

#endif
