/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames between lwIP and a port of net_task. Context of all: management task. */
#ifndef SOCLE_MGMT_NETIF_FRAMES_H
#define SOCLE_MGMT_NETIF_FRAMES_H

#include "lwip/netif.h"
#include "lwip/pbuf.h"

#include "drivers/net/netport.h"

/* Context: boot. */
void netif_frames_init(void);

/* One frame of the port to lwIP, which owns it from here on. */
void netif_frame_receive(struct netif *netif, struct netport *port, struct pktbuf *pkt);

/* A copy to the port. Return: ERR_OK; ERR_BUF (too long), ERR_MEM (no buffer, no room). */
err_t netif_frame_send(struct netport *port, struct pbuf *p);

#endif
