/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of a frame are copied behind each other; what is wrong with one is told at the end. */
#include "drivers/net/pktbuf_join.h"

#include "core/lib/string.h"

void pktbuf_join_add(struct pktbuf_join *join, const u8 *piece, u32 bytes, u32 most, bool is_bad)
{
    if (!join->is_begun) {
        join->pkt = pktbuf_alloc_for(most);
        join->is_starved = join->pkt == NULL;
        join->is_begun = true;
    }
    if (!join->pkt)
        return;
    if (is_bad || bytes > most - join->pkt->len) {
        pktbuf_free(join->pkt);
        join->pkt = NULL;
        join->is_bad = true;
        return;
    }
    memcpy(pktbuf_data(join->pkt) + join->pkt->len, piece, bytes);
    join->pkt->len = (u16)(join->pkt->len + bytes);
}

struct pktbuf *pktbuf_join_end(struct pktbuf_join *join, struct netdev_counters *counters)
{
    struct pktbuf *pkt = join->pkt;

    if (pkt && pkt->len < ETHERNET_HEADER_BYTES) {
        pktbuf_free(pkt);
        pkt = NULL;
        join->is_bad = true;
    }
    if (join->is_bad)
        netdev_count(&counters->rx_errors, 1);
    else if (join->is_starved)
        netdev_count(&counters->rx_drops, 1);
    *join = (struct pktbuf_join){0};
    return pkt;
}

void pktbuf_join_reset(struct pktbuf_join *join)
{
    if (join->pkt)
        pktbuf_free(join->pkt);
    *join = (struct pktbuf_join){0};
}
