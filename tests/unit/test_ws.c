/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/http/ws.c mgmt/http/ws_accept.c core/lib/base64.c core/lib/str.c
 * build/deps/mbedtls/library/sha1.c
 */
/* WebSocket frames: whole and in pieces, fragmented and interleaved, and all that must be refused.
 */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/http/ws.h"

void mbedtls_platform_zeroize(void *buf, size_t len);

/* What mgmt/tls/random.c has for the library. */
void mbedtls_platform_zeroize(void *buf, size_t len)
{
    memset(buf, 0, len);
}

static struct ws_stream ws;
static u8 frames[WS_FRAME_MAX + 64];
static size_t frames_len;
static char text[WS_FRAME_MAX + 1];
static size_t text_len;
static unsigned pings, pongs;

static void begin(void)
{
    ws_init(&ws);
    frames_len = 0;
}

/* Appends a client's frame; length_bytes: 0, 2 or 8 behind the first two. */
static void add_raw(u8 first, u64 len, u32 length_bytes, const char *payload, size_t payload_len)
{
    static const u8 mask[4] = {0x37, 0xfa, 0x21, 0x3d};

    frames[frames_len++] = first;
    frames[frames_len++] = (u8)(0x80 | (length_bytes == 0 ? len : length_bytes == 2 ? 126 : 127));
    for (u32 i = length_bytes; i > 0; i--)
        frames[frames_len++] = (u8)(len >> (8 * (i - 1)));
    memcpy(frames + frames_len, mask, 4);
    frames_len += 4;
    for (size_t i = 0; i < payload_len; i++)
        frames[frames_len++] = (u8)payload[i] ^ mask[i % 4];
}

static void add(u8 first, const char *payload)
{
    add_raw(first, strlen(payload), 0, payload, strlen(payload));
}

/* Feeds all, `step` bytes at a time. Return: the last event. */
static enum ws_event feed(size_t step)
{
    enum ws_event event = WS_EVENT_MORE;

    ws_init(&ws);
    text_len = 0;
    pings = pongs = 0;
    for (size_t at = 0; at < frames_len;) {
        size_t bytes = frames_len - at < step ? frames_len - at : step;
        size_t used;

        event = ws_feed(&ws, frames + at, bytes, &used);
        at += used;
        if (event == WS_EVENT_DATA) {
            memcpy(text + text_len, ws.piece, ws.piece_len);
            text_len += ws.piece_len;
        }
        pings += event == WS_EVENT_PING;
        pongs += event == WS_EVENT_PONG;
        if (event == WS_EVENT_BAD || event == WS_EVENT_CLOSE)
            break;
        CHECK(used > 0);
    }
    text[text_len] = '\0';
    return event;
}

TEST(the_example_of_the_standard)
{
    static const u8 hello[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
    char accept[WS_ACCEPT_LEN + 1];
    size_t used;

    ws_init(&ws);
    CHECK_EQ(ws_feed(&ws, hello, sizeof hello, &used), WS_EVENT_DATA);
    CHECK_EQ(used, sizeof hello);
    CHECK_EQ(ws.piece_len, 5);
    CHECK(memcmp(ws.piece, "Hello", 5) == 0);
    CHECK_EQ(ws_accept("dGhlIHNhbXBsZSBub25jZQ==", accept), 0);
    CHECK_STR(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(keys_are_the_text_of_sixteen_bytes)
{
    char accept[WS_ACCEPT_LEN + 1];

    CHECK_EQ(ws_accept("", accept), -EINVAL);
    CHECK_EQ(ws_accept("dGhlIHNhbXBsZSBub25jZQ=", accept), -EINVAL);
    CHECK_EQ(ws_accept("dGhlIHNhbXBsZSBub25jZQ===", accept), -EINVAL);
    CHECK_EQ(ws_accept("dGhlIHNhbXBsZSBub25j\"Q==", accept), -EINVAL);
    CHECK_EQ(ws_accept("dGhlIHNhbXBsZSBub25jZQAA", accept), -EINVAL);
}

TEST(messages_come_whole_however_they_are_cut)
{
    static const size_t steps[] = {1, 2, 3, 7, 100000};

    begin();
    add(0x81, "one ");
    add(0x02, "two");
    add(0x89, "ping");
    add(0x00, " and ");
    add(0x80, "");
    add(0x8a, "");
    add(0x82, "three");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        (void)feed(steps[i]);
        CHECK_STR(text, "one two and three");
        CHECK_EQ(pings, 1);
        CHECK_EQ(pongs, 1);
    }
}

TEST(lengths_of_all_forms)
{
    static char payload[WS_FRAME_MAX];

    memset(payload, 'x', sizeof payload);
    begin();
    add_raw(0x82, 126, 2, payload, 126);
    CHECK_EQ(feed(1000), WS_EVENT_DATA);
    CHECK_EQ(text_len, 126);
    begin();
    add_raw(0x82, WS_FRAME_MAX, 8, payload, WS_FRAME_MAX);
    CHECK_EQ(feed(1460), WS_EVENT_DATA);
    CHECK_EQ(text_len, WS_FRAME_MAX);
    begin();
    add_raw(0x82, WS_FRAME_MAX + 1, 8, payload, 1);
    CHECK_EQ(feed(1000), WS_EVENT_BAD);
    CHECK_EQ(ws.close_code, WS_CLOSE_TOO_BIG);
    begin();
    add_raw(0x82, ~0ull, 8, payload, 1);
    CHECK_EQ(feed(1), WS_EVENT_BAD);
    begin();
    add_raw(0x82, 125, 2, payload, 125); /* not the shortest form */
    CHECK_EQ(feed(1000), WS_EVENT_BAD);
    CHECK_EQ(ws.close_code, WS_CLOSE_PROTOCOL);
    begin();
    add_raw(0x82, 0xffff, 8, payload, 100);
    CHECK_EQ(feed(1000), WS_EVENT_BAD);
}

TEST(what_the_standard_forbids_ends_the_connection)
{
    static const u8 firsts[] = {
        0xc1, 0xa1, 0x91,       /* reserved bits */
        0x83, 0x87, 0x8b, 0x8f, /* reserved opcodes */
        0x09, 0x08,             /* control frames in fragments */
        0x80, 0x00,             /* a continuation of nothing */
    };
    static const u8 unmasked[] = {0x81, 0x01, 'x'};
    size_t used;

    for (size_t i = 0; i < sizeof firsts; i++) {
        begin();
        add(firsts[i], "x");
        CHECK_EQ(feed(100), WS_EVENT_BAD);
        CHECK_EQ(ws.close_code, WS_CLOSE_PROTOCOL);
    }
    begin();
    add(0x01, "begun");
    add(0x81, "and another");
    CHECK_EQ(feed(100), WS_EVENT_BAD);
    begin();
    add_raw(0x89, 126, 2, "", 0); /* a long ping */
    CHECK_EQ(feed(100), WS_EVENT_BAD);
    ws_init(&ws);
    CHECK_EQ(ws_feed(&ws, unmasked, sizeof unmasked, &used), WS_EVENT_BAD);
}

TEST(close_frames_say_why)
{
    static const u16 good[] = {1000, 1001, 1003, 1007, 1011, 3000, 4999};
    static const u16 bad[] = {0, 999, 1004, 1005, 1006, 1012, 2999, 5000};

    begin();
    add(0x88, "");
    CHECK_EQ(feed(1), WS_EVENT_CLOSE);
    CHECK_EQ(ws.close_code, WS_CLOSE_NO_CODE);
    begin();
    add(0x88, "x");
    CHECK_EQ(feed(1), WS_EVENT_BAD);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char payload[5] = {(char)(good[i] >> 8), (char)good[i], 'b', 'y', 'e'};

        begin();
        add_raw(0x88, 5, 0, payload, 5);
        CHECK_EQ(feed(2), WS_EVENT_CLOSE);
        CHECK_EQ(ws.close_code, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char payload[2] = {(char)(bad[i] >> 8), (char)bad[i]};

        begin();
        add_raw(0x88, 2, 0, payload, 2);
        CHECK_EQ(feed(2), WS_EVENT_BAD);
        CHECK_EQ(ws.close_code, WS_CLOSE_PROTOCOL);
    }
}

TEST(heads_of_frames_to_be_sent)
{
    u8 head[WS_HEAD_MAX];

    CHECK_EQ(ws_frame_head(head, WS_BINARY, 125), 2);
    CHECK(head[0] == 0x82 && head[1] == 125);
    CHECK_EQ(ws_frame_head(head, WS_TEXT, 126), 4);
    CHECK(head[0] == 0x81 && head[1] == 126 && head[2] == 0 && head[3] == 126);
    CHECK_EQ(ws_frame_head(head, WS_CLOSE, 0xffff), 4);
    CHECK(head[0] == 0x88 && head[2] == 0xff && head[3] == 0xff);
}
