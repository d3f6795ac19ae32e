/* SPDX-License-Identifier: BSD-2-Clause */
/* A port whose other side is the test. */
#include "tests/fakes/fake_board_net.h"

#include <stdlib.h>

#include "drivers/net/pktbuf_csum.h"

int fake_attach_rc;
u32 fake_mtu = ETHERNET_MTU;
struct netport *fake_port;
u32 fake_asks, fake_flushes, fake_completions;
u32 fake_pktbufs_out, fake_pktbufs_max = 256;

int netport_attach(struct netport *port, const struct netport_config *cfg)
{
    if (fake_attach_rc)
        return fake_attach_rc;
    port->cfg = *cfg;
    port->mtu = fake_mtu;
    port->link_up = true;
    ring_init(&port->inbox, port->inbox_slots, NETPORT_RING);
    ring_init(&port->outbox, port->outbox_slots, NETPORT_RING);
    fake_port = port;
    return 0;
}

void netport_detach(struct netport *port)
{
    struct pktbuf *pkt;

    while ((pkt = ring_pop(&port->inbox)) != NULL || (pkt = ring_pop(&port->outbox)) != NULL)
        pktbuf_free(pkt);
    fake_port = NULL;
}

struct pktbuf *netport_receive(struct netport *port)
{
    return ring_pop(&port->inbox);
}

bool netport_has_room(struct netport *port)
{
    port->wants_room = ring_count(&port->outbox) >= port->cfg.queue;
    return !port->wants_room;
}

bool netport_send(struct netport *port, struct pktbuf *pkt)
{
    return ring_push(&port->outbox, pkt);
}

void netport_flush(struct netport *port)
{
    (void)port;
    fake_flushes++;
}

void netport_ask(struct netport *port)
{
    (void)port;
    fake_asks++;
}

void netport_count_drop(struct netport *port)
{
    port->counters.rx_drops++;
}

void netport_count_unsent(struct netport *port)
{
    port->counters.tx_drops++;
}

struct pktbuf *pktbuf_alloc_for(u32 bytes)
{
    struct pktbuf *pkt;
    bool is_big = bytes > PKTBUF_DATA;

    if (fake_pktbufs_out == fake_pktbufs_max)
        return NULL;
    fake_pktbufs_out++;
    pkt = calloc(1, sizeof(*pkt));
    pkt->buffer = malloc(is_big ? PKTBUF_BIG_BYTES : PKTBUF_BYTES);
    pkt->is_big = is_big;
    pkt->offset = PKTBUF_HEADROOM;
    return pkt;
}

struct pktbuf *pktbuf_alloc(void)
{
    return pktbuf_alloc_for(0);
}

void pktbuf_free(struct pktbuf *pkt)
{
    fake_pktbufs_out--;
    free(pkt->buffer);
    free(pkt);
}

bool pktbuf_csum_set_partial(struct pktbuf *pkt, u16 start, u16 offset)
{
    pkt->csum = PKTBUF_CSUM_PARTIAL;
    pkt->csum_start = start;
    pkt->csum_offset = offset;
    return (u32)start + offset + 2 <= pkt->len;
}

void pktbuf_csum_complete(struct pktbuf *pkt)
{
    fake_completions += pkt->csum == PKTBUF_CSUM_PARTIAL;
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}
