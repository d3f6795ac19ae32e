/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/nbd/nbd_client.c mgmt/nbd/nbd_client_reply.c core/lib/str.c */
/* NBD as a client: what servers say, in one piece and byte by byte, and what they must not. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/nbd/nbd_client.h"

#define COOKIE 77u
#define OFFSET 8192u
#define BYTES  4096u

static struct nbd_client client;
static u8 input[8192];
static size_t input_len;
static u8 memory[BYTES];
static u32 is_read, takes, fails, last_error, dones;

static int find(void *arg, u64 cookie, u64 *offset, u32 *bytes)
{
    CHECK(arg == &client);
    if (cookie != COOKIE)
        return -ENOENT;
    *offset = OFFSET;
    *bytes = is_read ? BYTES : 0;
    return 0;
}

static void take(void *arg, u64 cookie, u32 at, const u8 *data, u32 bytes)
{
    (void)arg;
    CHECK(cookie == COOKIE && at <= BYTES && bytes <= BYTES - at && bytes > 0);
    takes += bytes;
    if (data)
        memcpy(memory + at, data, bytes);
    else
        memset(memory + at, 0, bytes);
}

static void fail(void *arg, u64 cookie, u32 error)
{
    (void)arg;
    CHECK(cookie == COOKIE && error != 0);
    fails++;
    last_error = error;
}

static void done(void *arg, u64 cookie)
{
    (void)arg;
    CHECK(cookie == COOKIE);
    dones++;
}

static const struct nbd_client_ops ops = {find, take, fail, done, &client};

static void put(u64 value, u32 bytes)
{
    input_len = (size_t)(nbd_put(input + input_len, value, bytes) - input);
}

static void put_bytes(u8 value, size_t bytes)
{
    memset(input + input_len, value, bytes);
    input_len += bytes;
}

/* Feeds what was put, `step` bytes at a time, up to the first event. */
static enum nbd_client_event feed(size_t step)
{
    enum nbd_client_event event = NBD_CLIENT_MORE;
    size_t used;

    for (size_t at = 0; at < input_len && event == NBD_CLIENT_MORE; at += used) {
        event = nbd_client_feed(&client, &ops, input + at, MIN(step, input_len - at), &used);
        CHECK(used > 0);
    }
    input_len = 0;
    return event;
}

static void put_greeting(void)
{
    put(NBD_MAGIC_GREETING, 8);
    put(NBD_MAGIC_OPTION, 8);
    put(3, 2);
}

static void put_answer(u32 option, u32 reply, u32 bytes)
{
    put(NBD_MAGIC_REPLY, 8);
    put(option, 4);
    put(reply, 4);
    put(bytes, 4);
}

static void put_export(u64 bytes, u16 flags)
{
    put_answer(NBD_OPT_GO, NBD_REP_INFO, 12);
    put(NBD_INFO_EXPORT, 2);
    put(bytes, 8);
    put(flags, 2);
}

static bool is_asked(u32 at, u32 option)
{
    return nbd_get(client.out + at, 8) == NBD_MAGIC_OPTION &&
           nbd_get(client.out + at + 8, 4) == option;
}

/* Up to the answers to GO. */
static void begin(bool is_structured, size_t step)
{
    input_len = 0;
    takes = fails = dones = last_error = 0;
    is_read = 1;
    nbd_client_init(&client, "disk", false);
    put_greeting();
    CHECK_EQ(feed(step), NBD_CLIENT_SEND);
    CHECK_EQ(nbd_get(client.out, 4), 3);
    CHECK(is_asked(4, NBD_OPT_STRUCTURED_REPLY));
    put_answer(NBD_OPT_STRUCTURED_REPLY, is_structured ? NBD_REP_ACK : NBD_REP_ERR_UNSUP, 0);
    CHECK_EQ(feed(step), NBD_CLIENT_SEND);
    CHECK(is_asked(0, NBD_OPT_GO));
    CHECK_EQ(client.out_len, 16 + 4 + 4 + 2 + 2);
    CHECK(memcmp(client.out + 20, "disk", 4) == 0);
}

static void agree(bool is_structured, size_t step)
{
    begin(is_structured, step);
    put_export(1 * MiB, NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_TRIM);
    put_answer(NBD_OPT_GO, NBD_REP_INFO, 14);
    put(NBD_INFO_BLOCK_SIZE, 2);
    put(512, 4);
    put(4096, 4);
    put(64 * MiB, 4);
    put_answer(NBD_OPT_GO, NBD_REP_INFO, 100); /* longer than what is looked at */
    put_bytes(0xff, 100);
    put_answer(NBD_OPT_GO, NBD_REP_ACK, 0);
    CHECK_EQ(feed(step), NBD_CLIENT_BEGIN);
}

static void put_simple(u32 error, u64 cookie)
{
    put(NBD_MAGIC_SIMPLE, 4);
    put(error, 4);
    put(cookie, 8);
}

static void put_chunk(u16 flags, u16 kind, u64 cookie, u32 bytes)
{
    put(NBD_MAGIC_CHUNK, 4);
    put(flags, 2);
    put(kind, 2);
    put(cookie, 8);
    put(bytes, 4);
}

TEST(handshake)
{
    for (size_t step = 1; step <= sizeof(input); step *= 64) {
        agree(true, step);
        CHECK_EQ(client.facts.bytes, 1 * MiB);
        CHECK_EQ(client.facts.block_min, 512);
        CHECK_EQ(client.facts.block_max, 32 * MiB); /* no more, whatever it says */
        CHECK(client.facts.can_flush && client.facts.can_trim && !client.facts.can_write_zeroes &&
              !client.facts.is_read_only);
    }
}

TEST(tls_first)
{
    nbd_client_init(&client, "disk", true);
    put_greeting();
    CHECK_EQ(feed(99), NBD_CLIENT_SEND);
    CHECK(is_asked(4, NBD_OPT_STARTTLS));
    CHECK_EQ(client.out_len, 4 + 16);
    put_answer(NBD_OPT_STARTTLS, NBD_REP_ACK, 0);
    CHECK_EQ(feed(99), NBD_CLIENT_STARTTLS);
    nbd_client_secured(&client);
    CHECK(is_asked(0, NBD_OPT_STRUCTURED_REPLY));
    nbd_client_init(&client, "disk", true);
    put_greeting();
    CHECK_EQ(feed(99), NBD_CLIENT_SEND);
    put_answer(NBD_OPT_STARTTLS, NBD_REP_ERR_UNSUP, 3);
    put_bytes('x', 3);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD); /* never on in the clear */
}

TEST(bad_handshakes)
{
    nbd_client_init(&client, "disk", false);
    put_bytes('H', 18);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD);
    nbd_client_init(&client, "disk", false);
    put(NBD_MAGIC_GREETING, 8);
    put(0x00420281861253, 8); /* the old style */
    put(3, 2);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD);
    begin(true, 99);
    put_answer(NBD_OPT_GO, NBD_REP_ERR_UNKNOWN, 0);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD);
    CHECK(strcmp(client.error, "has no such export") == 0);
    begin(true, 99);
    put_answer(NBD_OPT_GO, NBD_REP_ACK, 0); /* and no size */
    CHECK_EQ(feed(99), NBD_CLIENT_BAD);
    begin(true, 99);
    put_answer(NBD_OPT_LIST, NBD_REP_ACK, 0); /* to another option */
    CHECK_EQ(feed(99), NBD_CLIENT_BAD);
    begin(true, 99);
    put_answer(NBD_OPT_GO, NBD_REP_INFO, 0xffffffff);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD);
}

TEST(endless_answers)
{
    enum nbd_client_event event = NBD_CLIENT_MORE;
    u32 count = 0;

    begin(true, 99);
    for (; event == NBD_CLIENT_MORE && count < 1000; count++) {
        put_export(1 * MiB, 1);
        event = feed(99);
    }
    CHECK_EQ(event, NBD_CLIENT_BAD);
    CHECK(count <= NBD_CLIENT_REPLIES_MAX);
}

TEST(simple_replies)
{
    for (size_t step = 1; step <= sizeof(input); step *= 64) {
        agree(false, step);
        put_simple(0, COOKIE);
        put_bytes(0x5a, BYTES);
        CHECK_EQ(feed(step), NBD_CLIENT_MORE);
        CHECK(takes == BYTES && fails == 0 && dones == 1);
        CHECK(memory[0] == 0x5a && memory[BYTES - 1] == 0x5a);
        put_simple(NBD_EIO, COOKIE); /* no data behind an error */
        put_simple(NBD_ENOSPC, COOKIE);
        CHECK_EQ(feed(step), NBD_CLIENT_MORE);
        CHECK(takes == BYTES && fails == 2 && dones == 3 && last_error == NBD_ENOSPC);
        is_read = 0;
        put_simple(0, COOKIE);
        CHECK_EQ(feed(step), NBD_CLIENT_MORE);
        CHECK_EQ(dones, 4);
    }
}

TEST(structured_replies)
{
    for (size_t step = 1; step <= sizeof(input); step *= 64) {
        agree(true, step);
        memset(memory, 1, sizeof(memory));
        put_chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE, 8 + 512);
        put(OFFSET + 1024, 8);
        put_bytes(7, 512);
        put_chunk(0, NBD_CHUNK_OFFSET_HOLE, COOKIE, 12);
        put(OFFSET, 8);
        put(1024, 4);
        put_chunk(NBD_CHUNK_DONE, NBD_CHUNK_NONE, COOKIE, 0);
        CHECK_EQ(feed(step), NBD_CLIENT_MORE);
        CHECK(takes == 1536 && dones == 1 && fails == 0);
        CHECK(memory[0] == 0 && memory[1023] == 0 && memory[1024] == 7 && memory[1535] == 7 &&
              memory[1536] == 1);
        put_chunk(0, NBD_CHUNK_ERROR, COOKIE, 6 + 5);
        put(NBD_EIO, 4);
        put(5, 2);
        put_bytes('e', 5);
        put_chunk(NBD_CHUNK_DONE, 0x8002, COOKIE, 14);
        put(0, 4); /* no number: it is an error all the same */
        put(0, 2);
        put(OFFSET, 8);
        CHECK_EQ(feed(step), NBD_CLIENT_MORE);
        CHECK(fails == 2 && dones == 2 && last_error == NBD_EIO);
    }
}

/* Feeds one chunk of a read of BYTES at OFFSET. */
static enum nbd_client_event chunk(u16 flags, u16 kind, u64 cookie, u32 bytes, u64 offset, u32 more)
{
    agree(true, 99);
    put_chunk(flags, kind, cookie, bytes);
    put(offset, 8);
    put(more, 4);
    return feed(99);
}

TEST(hostile_replies)
{
    agree(true, 99);
    put_bytes(0xff, 16);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD); /* no magic */
    agree(false, 99);
    put_simple(0, COOKIE + 1);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD); /* nobody has asked */
    agree(true, 99);
    put_simple(0, COOKIE);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD); /* a read is answered in chunks now */
    agree(false, 99);
    put_chunk(1, NBD_CHUNK_NONE, COOKIE, 0);
    CHECK_EQ(feed(99), NBD_CLIENT_BAD); /* which was not agreed on */
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE + 1, 16, OFFSET, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE, 8 + BYTES + 1, OFFSET, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE, 8 + BYTES, OFFSET + 1, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE, 8 + 4, OFFSET - 1, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE, 8 + 4, UINT64_MAX, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_DATA, COOKIE, 7, OFFSET, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_HOLE, COOKIE, 12, OFFSET, BYTES + 1), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_HOLE, COOKIE, 13, OFFSET, 1), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, NBD_CHUNK_OFFSET_HOLE, COOKIE, 12, OFFSET, 0), NBD_CLIENT_BAD);
    CHECK_EQ(chunk(0, 5, COOKIE, 12, OFFSET, 0),
             NBD_CLIENT_BAD); /* a kind that was not asked for */
    CHECK_EQ(chunk(0, NBD_CHUNK_NONE, COOKIE, 0, 0, 0), NBD_CLIENT_BAD); /* and not the last */
    CHECK_EQ(chunk(1, NBD_CHUNK_ERROR, COOKIE, 0xffffffff, 0, 0), NBD_CLIENT_BAD);
    CHECK(takes == 0 && dones == 0);
}

TEST(commands)
{
    const struct nbd_command command = {
        .type = NBD_CMD_WRITE, .cookie = COOKIE, .offset = OFFSET, .length = BYTES};
    u8 out[NBD_REQUEST_BYTES];

    nbd_client_command(out, &command);
    CHECK_EQ(nbd_get(out, 4), NBD_MAGIC_REQUEST);
    CHECK_EQ(nbd_get(out + 6, 2), NBD_CMD_WRITE);
    CHECK_EQ(nbd_get(out + 8, 8), COOKIE);
    CHECK_EQ(nbd_get(out + 16, 8), OFFSET);
    CHECK_EQ(nbd_get(out + 24, 4), BYTES);
}
