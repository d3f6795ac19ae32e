/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers are little-endian, as the section's byte-order magic says; texts are padded to words. */
#include "mgmt/net/pcapng.h"

#include "core/lib/string.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINK_ETHERNET    1u

#define OPTION_END     0u
#define IF_NAME        2u
#define IF_TSRESOL     9u
#define TSRESOL_NS     9u
#define PACKET_FLAGS   2u
#define STATS_RECEIVED 4u
#define STATS_DROPPED  5u
#define PACKET_AT      28u /* of the bytes, in their block */

/* A block being written. */
struct block {
    u8 *out;
    size_t at;
};

static void put(struct block *b, const void *bytes, size_t count)
{
    static const u8 zeroes[4];

    memmove(b->out + b->at, bytes, count);
    memcpy(b->out + b->at + count, zeroes, -count & 3);
    b->at += count + (-count & 3);
}

static void put32(struct block *b, u32 value)
{
    put(b, &value, sizeof(value));
}

static void put_time(struct block *b, u64 unix_ns)
{
    put32(b, (u32)(unix_ns >> 32));
    put32(b, (u32)unix_ns);
}

static void put_option(struct block *b, u32 code, const void *value, size_t count)
{
    put32(b, code | (u32)count << 16);
    put(b, value, count);
}

static struct block begin(u8 *out, u32 type)
{
    struct block b = {.out = out};

    put32(&b, type);
    put32(&b, 0); /* its length, once it is known */
    return b;
}

static size_t end(struct block *b)
{
    u32 length = (u32)b->at + 4;

    put32(b, length);
    memcpy(b->out + 4, &length, sizeof(length));
    return b->at;
}

static size_t section(u8 *out)
{
    struct block b = begin(out, BLOCK_SECTION);

    put32(&b, BYTE_ORDER_MAGIC);
    put32(&b, 1); /* version 1.0 */
    put32(&b, ~0u);
    put32(&b, ~0u); /* the section's length is not known */
    return end(&b);
}

size_t pcapng_header(u8 *out, const char *name, u32 snap_bytes)
{
    static const u8 resolution = TSRESOL_NS;
    size_t bytes = section(out);
    struct block b = begin(out + bytes, BLOCK_INTERFACE);

    put32(&b, LINK_ETHERNET);
    put32(&b, snap_bytes);
    put_option(&b, IF_NAME, name, strnlen(name, PCAPNG_NAME_MAX));
    put_option(&b, IF_TSRESOL, &resolution, sizeof(resolution));
    put_option(&b, OPTION_END, "", 0);
    return bytes + end(&b);
}

u8 *pcapng_frame_place(u8 *out)
{
    return out + PACKET_AT;
}

size_t pcapng_frame(u8 *out, const struct pcapng_frame *frame, const u8 *bytes)
{
    struct block b = begin(out, BLOCK_PACKET);

    put32(&b, 0); /* the only interface */
    put_time(&b, frame->unix_ns);
    put32(&b, frame->captured);
    put32(&b, frame->bytes);
    put(&b, bytes, frame->captured);
    if (frame->direction != 0) {
        put_option(&b, PACKET_FLAGS, &frame->direction, sizeof(frame->direction));
        put_option(&b, OPTION_END, "", 0);
    }
    return end(&b);
}

size_t pcapng_end(u8 *out, u64 unix_ns, u64 seen, u64 lost)
{
    struct block b = begin(out, BLOCK_STATISTICS);

    put32(&b, 0);
    put_time(&b, unix_ns);
    put_option(&b, STATS_RECEIVED, &seen, sizeof(seen));
    put_option(&b, STATS_DROPPED, &lost, sizeof(lost));
    put_option(&b, OPTION_END, "", 0);
    return end(&b);
}
