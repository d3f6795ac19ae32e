/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received frames are wrapped, not copied: a custom pbuf keeps the pktbuf until lwIP and the server
 * are done with it. Sent frames are copied once, from lwIP's heap into a pktbuf; TCP's checksum is
 * left to the NIC (CHECKSUM_GEN_TCP is 0). When a pool is empty the frame is dropped; TCP sends it
 * again.
 */
#include "mgmt/net/netif_frames.h"

#include "drivers/net/pktbuf_csum.h"

/* Frames lwIP and the server may hold at the same time; fewer than there are pktbufs. */
#define RX_WRAPPERS 1536u

struct rx_wrapper {
    struct pbuf_custom pbuf; /* first: lwIP gives this pointer back */
    struct pktbuf *pkt;
    struct rx_wrapper *next;
};

static struct {
    struct rx_wrapper wrappers[RX_WRAPPERS];
    struct rx_wrapper *free;
} rx;

void netif_frames_init(void)
{
    for (u32 i = 0; i < RX_WRAPPERS; i++) {
        rx.wrappers[i].next = rx.free;
        rx.free = &rx.wrappers[i];
    }
}

static void rx_free(struct pbuf *p)
{
    struct rx_wrapper *wrapper = (struct rx_wrapper *)(void *)p;

    pktbuf_free(wrapper->pkt);
    wrapper->next = rx.free;
    rx.free = wrapper;
}

/* lwIP checks the transport header's checksum unless the device has. */
static void set_checks(struct netif *netif, const struct pktbuf *pkt)
{
    u32 checks = NETIF_CHECKSUM_ENABLE_ALL;

    if (pkt->csum != PKTBUF_CSUM_UNKNOWN)
        checks &= ~(u32)(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
    NETIF_SET_CHECKSUM_CTRL(netif, (u16_t)checks);
}

void netif_frame_receive(struct netif *netif, struct netport *port, struct pktbuf *pkt)
{
    struct rx_wrapper *wrapper = rx.free;
    struct pbuf *p;

    if (!wrapper) {
        netport_count_drop(port);
        pktbuf_free(pkt);
        return;
    }
    rx.free = wrapper->next;
    wrapper->pkt = pkt;
    wrapper->pbuf.custom_free_function = rx_free;
    set_checks(netif, pkt);
    p = pbuf_alloced_custom(PBUF_RAW, pkt->len, PBUF_REF, &wrapper->pbuf, pktbuf_data(pkt),
                            (u16_t)(PKTBUF_HEADROOM + pktbuf_room(pkt) - pkt->offset));
    if (!p)
        rx_free(&wrapper->pbuf.pbuf);
    else if (netif->input(p, netif) != ERR_OK)
        pbuf_free(p);
}

err_t netif_frame_send(struct netport *port, struct pbuf *p)
{
    struct pktbuf *pkt;

    if (p->tot_len > PKTBUF_BIG_DATA)
        return ERR_BUF;
    pkt = pktbuf_alloc_for(p->tot_len);
    if (!pkt)
        return ERR_MEM;
    pkt->len = pbuf_copy_partial(p, pktbuf_data(pkt), p->tot_len, 0);
    pktbuf_csum_defer(pkt);
    if (!netport_has_room(port) || !netport_send(port, pkt)) {
        pktbuf_free(pkt);
        return ERR_MEM;
    }
    netport_flush(port);
    return ERR_OK;
}
