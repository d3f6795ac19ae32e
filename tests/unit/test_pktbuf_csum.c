/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/pktbuf_csum.c drivers/net/inet.c */
/* Deferred and completed checksums against a plain implementation of RFC 1071. */
#include "tests/unit/harness.h"

#include "drivers/net/pktbuf_csum.h"

#include <stdlib.h>
#include <string.h>

static _Alignas(16) u8 buffer[PKTBUF_BYTES];
static struct pktbuf pkt = {.buffer = buffer};

/* The sum of big-endian words, folded; an odd byte is the high half of a word. */
static u16 plain_sum(const u8 *at, u32 bytes, u32 sum)
{
    for (u32 i = 0; i < bytes; i++)
        sum += i % 2 != 0 ? at[i] : (u32)at[i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (u16)sum;
}

/* True if the receiver of the segment would take it. */
static bool is_good(u32 start, u32 addresses, u32 address_bytes)
{
    const u8 *frame = pktbuf_data(&pkt);
    u32 bytes = pkt.len - start;
    u16 pseudo = plain_sum(frame + addresses, address_bytes, 6 + bytes);

    return plain_sum(frame + start, bytes, pseudo) == 0xffff;
}

static u8 *fresh(u16 len, u16 offset)
{
    for (u32 i = 0; i < PKTBUF_BYTES; i++)
        buffer[i] = (u8)rand();
    pkt = (struct pktbuf){.buffer = buffer, .len = len, .offset = offset};
    return pktbuf_data(&pkt);
}

static u8 *ipv4(u16 len, u16 offset, u8 words)
{
    u8 *frame = fresh(len, offset);

    frame[12] = 0x08;
    frame[13] = 0x00;
    frame[14] = 0x40 | words;
    frame[16] = (u8)((len - 14) >> 8);
    frame[17] = (u8)(len - 14);
    frame[20] = 0x40; /* do not fragment */
    frame[21] = 0;
    frame[23] = 6;
    memset(frame + 14 + 4 * words + 16, 0, 2);
    return frame;
}

static u8 *ipv6(u16 len, u16 offset)
{
    u8 *frame = fresh(len, offset);

    frame[12] = 0x86;
    frame[13] = 0xdd;
    frame[14] = 0x60;
    frame[18] = (u8)((len - 54) >> 8);
    frame[19] = (u8)(len - 54);
    frame[20] = 6;
    memset(frame + 54 + 16, 0, 2);
    return frame;
}

TEST(ipv4_segments_of_all_lengths)
{
    for (u16 len = 74; len <= 1514; len++) {
        u8 words = (u8)(5 + len % 6);

        ipv4(len, 16 + len % 4, words);
        pktbuf_csum_defer(&pkt);
        CHECK_EQ(pkt.csum, PKTBUF_CSUM_PARTIAL);
        CHECK_EQ(pkt.csum_start, 14 + 4 * words);
        CHECK_EQ(pkt.csum_offset, 16);
        pktbuf_csum_complete(&pkt);
        CHECK_EQ(pkt.csum, PKTBUF_CSUM_UNKNOWN);
        if (!CHECK(is_good(14 + 4u * words, 26, 8)))
            break;
    }
}

TEST(ipv6_segments_of_all_lengths)
{
    for (u16 len = 74; len <= 1514; len++) {
        ipv6(len, 16);
        pktbuf_csum_defer(&pkt);
        CHECK_EQ(pkt.csum, PKTBUF_CSUM_PARTIAL);
        pktbuf_csum_complete(&pkt);
        if (!CHECK(is_good(54, 22, 32)))
            break;
    }
}

TEST(sums_that_carry)
{
    u8 *frame = ipv4(1514, 16, 5);

    memset(frame + 14 + 20 + 20, 0xff, 1514 - 54);
    pktbuf_csum_defer(&pkt);
    pktbuf_csum_complete(&pkt);
    CHECK(is_good(34, 26, 8));
}

/* Everything but whole TCP segments stays as it is. */
TEST(other_frames)
{
    static u8 before[PKTBUF_BYTES];
    static const struct {
        u16 at;
        u8 value;
    } changes[] = {
        {23, 17},   /* UDP */
        {20, 0x20}, /* a first fragment */
        {21, 1},    /* a later one */
        {14, 0x44}, /* header of 16 bytes */
        {14, 0x4f}, /* header as long as the packet */
        {12, 0x81}, /* VLAN tag */
        {17, 99},   /* longer than the frame says */
        {16, 0xff}, /* much longer */
        {13, 0x06}, /* ARP */
    };

    for (u32 i = 0; i < ARRAY_SIZE(changes); i++) {
        u8 *frame = ipv4(74, 16, 5);

        frame[changes[i].at] = changes[i].value;
        memcpy(before, buffer, sizeof before);
        pktbuf_csum_defer(&pkt);
        CHECK_EQ(pkt.csum, PKTBUF_CSUM_UNKNOWN);
        pktbuf_csum_complete(&pkt);
        CHECK(memcmp(before, buffer, sizeof before) == 0);
    }
    ipv6(74, 16)[20] = 0; /* an extension header */
    pktbuf_csum_defer(&pkt);
    CHECK_EQ(pkt.csum, PKTBUF_CSUM_UNKNOWN);
    for (u16 len = 0; len < 54; len++) {
        ipv4(len, 16, 5);
        pktbuf_csum_defer(&pkt);
        CHECK_EQ(pkt.csum, PKTBUF_CSUM_UNKNOWN);
    }
}

TEST(positions_from_outside)
{
    fresh(60, 16);
    CHECK(!pktbuf_csum_set_partial(&pkt, 60, 0));
    CHECK(!pktbuf_csum_set_partial(&pkt, 0, 59));
    CHECK(!pktbuf_csum_set_partial(&pkt, 0xffff, 0xffff));
    CHECK_EQ(pkt.csum, PKTBUF_CSUM_UNKNOWN);
    CHECK(pktbuf_csum_set_partial(&pkt, 0, 58));
    pktbuf_csum_complete(&pkt);
    CHECK(pktbuf_csum_set_partial(&pkt, 58, 0));
    pktbuf_csum_complete(&pkt);
    CHECK_EQ(pkt.csum, PKTBUF_CSUM_UNKNOWN);
}
