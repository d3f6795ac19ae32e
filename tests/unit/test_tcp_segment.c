/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/tcp_segment.c */
/* Segments cut into frames and joined again, against plain sums and a plain reassembly. */
#include "drivers/net/tcp_segment.h"

#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETH     14u
#define MTU     1500u
#define BIG     70000u
#define PIECES  64u
#define ACK     0x10u
#define PSH     0x08u
#define FIN     0x01u
#define CWR     0x80u
#define OPTIONS 12u /* of TCP: time stamps */

static u8 big[BIG];
static u8 memory[PIECES][PKTBUF_BYTES];
static struct pktbuf frames[PIECES];
static u32 count;
static u32 ip_at, tcp_at, headers;
static bool v6;

/* The sum of big-endian words, folded; an odd byte is the high half of a word. */
static u16 plain_sum(const u8 *at, u32 bytes, u32 sum)
{
    for (u32 i = 0; i < bytes; i++) {
        sum += i % 2 != 0 ? at[i] : (u32)at[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (u16)((sum & 0xffff) + (sum >> 16));
}

static void put16(u8 *at, u32 value)
{
    at[0] = (u8)(value >> 8);
    at[1] = (u8)value;
}

static u32 get16(const u8 *at)
{
    return (u32)at[0] << 8 | at[1];
}

static u32 get32(const u8 *at)
{
    return get16(at) << 16 | get16(at + 2);
}

/* Of addresses, protocol and length. */
static u16 plain_pseudo(const u8 *frame, u32 tcp_bytes)
{
    return v6 ? plain_sum(frame + ip_at + 8, 32, 6 + tcp_bytes)
              : plain_sum(frame + ip_at + 12, 8, 6 + tcp_bytes);
}

/* A segment as a guest gives it: random payload, lengths and sums as Linux sets them. */
static void make(bool is_ipv6, bool has_tag, u32 payload, u8 flags)
{
    u8 *ip, *tcp;

    for (u32 i = 0; i < BIG; i++)
        big[i] = (u8)rand();
    v6 = is_ipv6;
    ip_at = ETH + (has_tag ? 4 : 0);
    tcp_at = ip_at + (v6 ? 40 : 20);
    headers = tcp_at + 20 + OPTIONS;
    if (has_tag)
        put16(big + 12, 0x8100);
    put16(big + ip_at - 2, v6 ? 0x86dd : 0x0800);
    ip = big + ip_at;
    ip[0] = v6 ? 0x60 : 0x45;
    if (v6) {
        put16(ip + 4, headers + payload - tcp_at);
        ip[6] = 6;
    } else {
        put16(ip + 2, headers + payload - ip_at);
        put16(ip + 6, 0x4000);
        ip[9] = 6;
        put16(ip + 10, 0);
        put16(ip + 10, (u16)~plain_sum(ip, 20, 0));
    }
    tcp = big + tcp_at;
    tcp[12] = (20 + OPTIONS) / 4 << 4;
    tcp[13] = flags;
    put16(tcp + 16, plain_pseudo(big, headers + payload - tcp_at));
}

static struct net_cut_wish wish_of(u32 payload, u16 mss)
{
    return (struct net_cut_wish){.is_ipv6 = v6,
                                 .mss = mss,
                                 .csum_start = (u16)tcp_at,
                                 .csum_offset = 16,
                                 .frame_bytes = headers + payload};
}

static bool begin(struct net_cut *cut, const struct net_cut_wish *wish)
{
    memcpy(cut->headers, big, sizeof(cut->headers));
    return net_cut_begin(cut, wish, MTU);
}

static void cut_all(struct net_cut *cut)
{
    count = 0;
    do {
        struct pktbuf *pkt = &frames[count];
        u32 from, bytes;

        *pkt = (struct pktbuf){.buffer = memory[count++], .offset = PKTBUF_HEADROOM};
        bytes = net_cut_next(cut, pktbuf_data(pkt), &from);
        memcpy(pktbuf_data(pkt) + headers, big + from, bytes);
        pkt->len = (u16)(headers + bytes);
        pkt->csum = PKTBUF_CSUM_PARTIAL;
        pkt->csum_start = (u16)tcp_at;
        pkt->csum_offset = 16;
    } while (!net_cut_is_done(cut) && count < PIECES);
}

/* What a receiver checks: lengths, the IP header's sum, TCP's pseudo sum. */
static void check_frame(const u8 *frame, u32 len)
{
    const u8 *ip = frame + ip_at;

    if (v6) {
        CHECK_EQ(get16(ip + 4), len - tcp_at);
    } else {
        CHECK_EQ(get16(ip + 2), len - ip_at);
        CHECK_EQ(plain_sum(ip, 20, 0), 0xffff);
    }
    CHECK_EQ(get16(frame + tcp_at + 16) % 0xffff, plain_pseudo(frame, len - tcp_at) % 0xffff);
}

static void check_pieces(u32 payload, u32 mss, u8 flags)
{
    u32 at = 0;

    CHECK_EQ(count, payload == 0 ? 1 : (payload + mss - 1) / mss);
    for (u32 i = 0; i < count; i++) {
        const u8 *frame = pktbuf_data(&frames[i]), *tcp = frame + tcp_at;
        u32 bytes = frames[i].len - headers;
        bool is_last = i == count - 1;

        check_frame(frame, frames[i].len);
        CHECK(memcmp(frame, big, ip_at) == 0);
        CHECK(memcmp(frame + headers, big + headers + at, bytes) == 0);
        CHECK_EQ(get32(tcp + 4), get32(big + tcp_at + 4) + at);
        CHECK_EQ(tcp[13],
                 (flags & ACK) | (is_last ? flags & (PSH | FIN) : 0) | (i == 0 ? flags & CWR : 0));
        if (!v6)
            CHECK_EQ(get16(frame + ip_at + 4), (get16(big + ip_at + 4) + i) & 0xffff);
        at += bytes;
    }
    CHECK_EQ(at, payload);
}

TEST(segments_of_many_lengths_are_cut)
{
    static const u32 payloads[] = {0, 1, 1399, 1400, 1401, 2800, 2801, 64000};

    for (u32 kind = 0; kind < 4; kind++) {
        for (u32 i = 0; i < ARRAY_SIZE(payloads); i++) {
            struct net_cut_wish wish;
            struct net_cut cut;

            make(kind & 1, kind & 2, payloads[i], ACK | PSH | FIN | CWR);
            wish = wish_of(payloads[i], 1400);
            if (!CHECK(begin(&cut, &wish)))
                continue;
            cut_all(&cut);
            check_pieces(payloads[i], 1400, ACK | PSH | FIN | CWR);
        }
    }
}

/* Each lie alone. */
TEST(wishes_that_do_not_fit_are_refused)
{
    struct net_cut cut;

    make(false, false, 3000, ACK);
    for (u32 i = 0; i < 12; i++) {
        struct net_cut_wish wish = wish_of(3000, 1400);

        switch (i) {
        case 0:
            wish.is_ipv6 = true;
            break;
        case 1:
            wish.mss = 0;
            break;
        case 2:
            wish.mss = NET_TCP_MSS_MIN - 1;
            break;
        case 3:
            wish.mss = 1449; /* the headers take 52 of 1500 */
            break;
        case 4:
            wish.mss = 0xffff;
            break;
        case 5:
            wish.csum_start++;
            break;
        case 6:
            wish.csum_start = 0xffff;
            break;
        case 7:
            wish.csum_offset = 6;
            break;
        case 8:
            wish.csum_offset = 0xffff;
            break;
        case 9:
            wish.frame_bytes = headers - 1;
            break;
        case 10:
            wish.frame_bytes = ETH + 65536;
            break;
        default:
            wish.frame_bytes = 0;
        }
        if (!CHECK(!begin(&cut, &wish)))
            printf("lie %u was believed\n", i);
    }
    CHECK(begin(&cut, &(struct net_cut_wish){false, 1448, 34, 16, headers + 3000}));
}

TEST(headers_that_are_none_are_refused)
{
    static const struct {
        u32 at;
        u8 value;
    } changes[] = {
        {12, 0x81}, {13, 0x06}, {14, 0x55}, {14, 0x44}, {14, 0x4f}, {20, 0x20},
        {21, 0x01}, {23, 17},   {46, 0x40}, {46, 0xf0}, {46, 0x00},
    };
    struct net_tcp place;

    make(false, false, 0, ACK);
    for (u32 i = 0; i < ARRAY_SIZE(changes); i++) {
        u8 before = big[changes[i].at];

        big[changes[i].at] = changes[i].value;
        CHECK(!net_tcp_parse(big, headers, &place));
        big[changes[i].at] = before;
    }
    for (u32 bytes = 0; bytes < headers; bytes++)
        CHECK(!net_tcp_parse(big, bytes, &place));
    CHECK(net_tcp_parse(big, headers, &place) && place.header_bytes == headers);
    make(true, false, 0, ACK);
    for (u32 bytes = 0; bytes < headers; bytes++)
        CHECK(!net_tcp_parse(big, bytes, &place));
    big[20] = 0; /* an extension header */
    CHECK(!net_tcp_parse(big, headers, &place));
}

/* Cuts, and begins to join the pieces. */
static bool join_pieces(struct net_join *join, bool is_ipv6, u32 payload, u8 flags)
{
    struct net_cut_wish wish;
    struct net_cut cut;

    make(is_ipv6, is_ipv6, payload, flags);
    wish = wish_of(payload, 1400);
    if (!CHECK(begin(&cut, &wish)))
        return false;
    cut_all(&cut);
    return net_join_begin(join, &frames[0]);
}

TEST(what_was_cut_is_joined)
{
    for (u32 i = 0; i < 4; i++) {
        u32 payload = i & 1 ? 14000 : 13999;
        u8 out[NET_TCP_HEADERS_MAX];
        struct net_join join;

        if (!CHECK(join_pieces(&join, i & 2, payload, ACK | PSH)))
            continue;
        for (u32 n = 1; n < count; n++) {
            frames[n].csum = n % 2 != 0 ? PKTBUF_CSUM_VALID : PKTBUF_CSUM_PARTIAL;
            CHECK(net_join_add(&join, &frames[n], BIG));
        }
        CHECK(join.is_closed);
        CHECK_EQ(join.count, 10);
        CHECK_EQ(join.payload, payload);
        CHECK_EQ(join.mss, 1400);
        net_join_headers(&join, join.count, out);
        check_frame(out, headers + payload);
        CHECK_EQ(out[tcp_at + 13], ACK | PSH);
        CHECK_EQ(get32(out + tcp_at + 4), get32(big + tcp_at + 4));
        CHECK(memcmp(out + tcp_at + 20, big + tcp_at + 20, OPTIONS) == 0);
        net_join_headers(&join, 3, out); /* a part of it */
        check_frame(out, headers + 3 * 1400);
        CHECK_EQ(out[tcp_at + 13], ACK);
    }
}

TEST(a_join_ends_where_it_must)
{
    struct net_join join;

    CHECK(!join_pieces(&join, false, 1000, ACK | PSH)); /* one alone, pushed */
    CHECK(join_pieces(&join, false, 64000, ACK));
    CHECK(!net_join_add(&join, &frames[2], BIG)); /* one is missing */
    CHECK(!net_join_add(&join, &frames[1], headers + 2799));
    CHECK(net_join_add(&join, &frames[1], headers + 2800));
    for (u32 i = 2; i < count; i++)
        CHECK(net_join_add(&join, &frames[i], BIG));
    CHECK_EQ(join.payload, 64000);
    CHECK(join.is_closed); /* by a short one */
    CHECK(join_pieces(&join, false, 2800, ACK));
    while (net_join_add(&join, &frames[1], BIG)) /* until no IP packet can be longer */
        put16(pktbuf_data(&frames[1]) + tcp_at + 4 + 2,
              get16(pktbuf_data(&frames[1]) + tcp_at + 4 + 2) + 1400);
    CHECK(join.count == 2 || join.payload + headers - ip_at <= 65535);
}

/* A change in any header byte that must be alike keeps the frame out; a few may differ. */
TEST(frames_of_other_flows_stay_apart)
{
    for (u32 kind = 0; kind < 2; kind++) {
        struct net_join join;

        for (u32 at = 0; at < 200; at++) {
            u32 off = at - tcp_at;
            bool may_differ;

            if (!CHECK(join_pieces(&join, kind, 2800, ACK)) || at >= headers)
                break;
            /* IPv4's own sum, its identifier, TCP's sum, and PSH */
            may_differ = (!v6 && (at - ip_at - 10 < 2 || at - ip_at - 4 < 2)) || off - 16 < 2;
            pktbuf_data(&frames[1])[at] ^= off == 13 ? 0x20 : 0x04;
            if (CHECK_EQ(net_join_add(&join, &frames[1], BIG), may_differ))
                continue;
            printf("byte %u, IPv%u\n", at, v6 ? 6 : 4);
        }
    }
}

TEST(only_checked_data_is_joined)
{
    struct net_join join;

    for (u32 i = 0; i < 8; i++) {
        u8 *frame;

        CHECK(join_pieces(&join, false, 2800, ACK));
        frame = pktbuf_data(&frames[0]);
        switch (i) {
        case 0:
            frames[0].csum = PKTBUF_CSUM_UNKNOWN;
            break;
        case 1:
            frames[0].csum_start = 14;
            break;
        case 2:
            frames[0].csum_offset = 6;
            break;
        case 3:
            frame[tcp_at + 13] |= 0x02; /* SYN */
            break;
        case 4:
            frame[tcp_at + 13] |= FIN;
            break;
        case 5:
            frame[tcp_at + 13] = 0; /* no ACK */
            break;
        case 6:
            frames[0].len++; /* padding */
            break;
        default:
            frames[0].len = (u16)headers; /* an ACK */
            put16(frame + ip_at + 2, headers - ip_at);
        }
        CHECK(!net_join_begin(&join, &frames[0]));
    }
}

/* For cards that put lengths in by themselves: then all is as with them. */
TEST(lengths_are_taken_out)
{
    for (u32 i = 0; i < 4; i++) {
        struct net_join join;
        u8 out[NET_TCP_HEADERS_MAX] = {0};

        CHECK(join_pieces(&join, (i & 1) != 0, 4000, ACK));
        for (u32 n = 1; n < count; n++)
            CHECK(net_join_add(&join, &frames[n], BIG));
        CHECK_EQ(net_join_wire_bytes(&join), 3 * headers + 4000);
        net_join_headers(&join, join.count, out);
        net_join_unsize(&join, out);
        CHECK_EQ(get16(out + ip_at + (v6 ? 4 : 2)), 0);
        CHECK(v6 || get16(out + ip_at + 10) == 0);
        CHECK_EQ(get16(out + tcp_at + 16) % 0xffff, plain_pseudo(out, 0) % 0xffff);
    }
}
