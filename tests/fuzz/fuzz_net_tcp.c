/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/tcp_segment.c core/vdev/virtio_net_flow.c */
/*
 * Any frame as a segment to be cut, with any wish: the pieces fit a buffer, hold all of the payload
 * and nothing else, and can be joined again to what they were, if that is possible at all.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/vdev/virtio_net_flow.h"
#include "drivers/net/tcp_segment.h"

#define MTU    1500u
#define PIECES 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static struct pktbuf buffer_of(u8 *memory)
{
    return (struct pktbuf){
        .buffer = memory, .offset = PKTBUF_HEADROOM, .csum = PKTBUF_CSUM_PARTIAL};
}

static void join(const struct pktbuf *pieces, u32 count)
{
    u8 headers[NET_TCP_HEADERS_MAX];
    struct net_join joined;

    if (!net_join_begin(&joined, &pieces[0]))
        return;
    for (u32 i = 1; i < count && net_join_add(&joined, &pieces[i], 70000); i++)
        continue;
    for (u32 n = 2; n <= joined.count; n++)
        net_join_headers(&joined, n, headers);
}

static void cut(const struct net_cut_wish *wish, const uint8_t *frame)
{
    static u8 memory[PIECES][PKTBUF_BYTES];
    struct pktbuf pieces[PIECES];
    u32 payload = 0, count = 0;
    struct net_cut c;

    memcpy(c.headers, frame, MIN(wish->frame_bytes, NET_TCP_HEADERS_MAX));
    if (!net_cut_begin(&c, wish, MTU))
        return;
    do {
        u32 i = count++ % PIECES, from, bytes;
        u8 *at;

        pieces[i] = buffer_of(memory[i]);
        at = pktbuf_data(&pieces[i]);
        bytes = net_cut_next(&c, at, &from);
        demand(from == c.place.header_bytes + payload && from + bytes <= wish->frame_bytes);
        demand(c.place.header_bytes + bytes - c.place.ip_at <= MTU);
        memcpy(at + c.place.header_bytes, frame + from, bytes);
        pieces[i].len = (u16)(c.place.header_bytes + bytes);
        pieces[i].csum_start = c.place.tcp_at;
        pieces[i].csum_offset = 16;
        payload += bytes;
    } while (!net_cut_is_done(&c));
    demand(payload == wish->frame_bytes - c.place.header_bytes);
    if (count <= PIECES)
        join(pieces, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_cut_wish wish;
    u8 memory[PKTBUF_BYTES];
    struct pktbuf pkt = buffer_of(memory);
    struct net_tcp place;

    if (size < 8)
        return 0;
    wish.is_ipv6 = data[0] & 1;
    wish.mss = (u16)(data[1] | (data[2] & 7) << 8);
    wish.csum_start = data[3];
    wish.csum_offset = data[4] == 0 ? data[5] : 16;
    wish.frame_bytes = (u32)size - 8;
    data += 8;
    demand(net_flow_hash(data, wish.frame_bytes) < NET_FLOWS);
    if (net_tcp_parse(data, wish.frame_bytes, &place)) {
        demand(place.header_bytes <= MIN(wish.frame_bytes, NET_TCP_HEADERS_MAX));
        if (wish.csum_start & 1) /* the only one that is right is found more often so */
            wish.csum_start = place.tcp_at;
    }
    cut(&wish, data);
    pkt.len = (u16)MIN(wish.frame_bytes, 1518u);
    memcpy(pktbuf_data(&pkt), data, pkt.len);
    pkt.csum = PKTBUF_CSUM_VALID;
    join((struct pktbuf[]){pkt, pkt}, 2);
    return 0;
}
