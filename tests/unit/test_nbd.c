/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/nbd/nbd.c mgmt/nbd/nbd_command.c core/lib/str.c */
/* NBD's handshake and commands: what is agreed, what is refused, in one piece and byte by byte. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/nbd/nbd.h"
#include "mgmt/nbd/nbd_wire.h"

#define REPLY_HEAD 20u

static struct nbd nbd;
static u8 input[1024], output[4096];
static size_t input_len, output_len;
static unsigned finds;
static bool is_locked; /* the export needs TLS */

static int find(void *arg, const char *name, struct nbd_disk *out)
{
    CHECK(arg == &finds);
    finds++;
    if (strcmp(name, "right") != 0)
        return -ENOENT;
    if (is_locked)
        return -EPERM;
    *out = (struct nbd_disk){
        .bytes = 1 * MiB, .block_bytes = 512, .can_trim = true, .can_write_zeroes = true};
    return 0;
}

static const struct nbd_ops ops = {find, &finds};

static void put(u64 value, u32 bytes)
{
    input_len = (size_t)(nbd_put(input + input_len, value, bytes) - input);
}

static void put_bytes(const void *bytes, size_t len)
{
    memcpy(input + input_len, bytes, len);
    input_len += len;
}

static void put_option(u32 option, u32 len)
{
    put(0x49484156454f5054, 8);
    put(option, 4);
    put(len, 4);
}

static void put_go(u32 option, const char *name)
{
    put_option(option, (u32)strlen(name) + 6);
    put(strlen(name), 4);
    put_bytes(name, strlen(name));
    put(0, 2);
}

static void put_request(u16 flags, u16 type, u64 offset, u32 length)
{
    put(0x25609513, 4);
    put(flags, 2);
    put(type, 2);
    put(0x1122334455667788, 8);
    put(offset, 8);
    put(length, 4);
}

static void begin(enum nbd_tls tls)
{
    nbd_init(&nbd, tls);
    input_len = finds = 0;
    is_locked = false;
    put(1 | 2, 4);
}

/* Feeds all that was put, `step` bytes at a time, up to the first event that is neither nothing nor
 * an answer. */
static enum nbd_event feed(size_t step)
{
    enum nbd_event event = NBD_EVENT_MORE;
    size_t at = 0;

    output_len = 0;
    while (at < input_len && (event == NBD_EVENT_MORE || event == NBD_EVENT_SEND)) {
        size_t used, len = input_len - at < step ? input_len - at : step;

        event = nbd_feed(&nbd, &ops, input + at, len, &used);
        CHECK(used > 0 && used <= len);
        at += used;
        memcpy(output + output_len, nbd.out, nbd.out_len);
        output_len += nbd.out_len;
    }
    memmove(input, input + at, input_len - at);
    input_len -= at;
    return event;
}

/* The type of the n-th answer to an option. */
static u32 answer_type(unsigned n)
{
    const u8 *at = output;

    while (n--)
        at += REPLY_HEAD + nbd_get(at + 16, 4);
    CHECK_EQ(nbd_get(at, 8), 0x3e889045565a9);
    return (u32)nbd_get(at + 12, 4);
}

TEST(greets)
{
    nbd_init(&nbd, NBD_TLS_NONE);
    CHECK_EQ(nbd.out_len, 18);
    CHECK(memcmp(nbd.out, "NBDMAGICIHAVEOPT\0\3", 18) == 0);
}

TEST(go_in_any_pieces)
{
    for (size_t step = 1; step < 80; step++) {
        begin(NBD_TLS_NONE);
        put_option(8, 0); /* structured replies */
        put_go(7, "right");
        put_request(0, NBD_CMD_READ, 512, 1024);
        CHECK_EQ(feed(step), NBD_EVENT_BEGIN);
        CHECK(nbd.is_structured && nbd_has_begun(&nbd));
        CHECK_EQ(answer_type(0), 1);
        CHECK_EQ(answer_type(1), 3); /* size and flags */
        CHECK_EQ(nbd_get(output + 2 * REPLY_HEAD, 2), 0);
        CHECK_EQ(nbd_get(output + 2 * REPLY_HEAD + 2, 8), 1 * MiB);
        CHECK_EQ(nbd_get(output + 2 * REPLY_HEAD + 10, 2), 0x1ed);
        CHECK_EQ(answer_type(2), 3); /* block sizes */
        CHECK_EQ(answer_type(3), 1);
        CHECK_EQ(feed(step), NBD_EVENT_COMMAND);
        CHECK_EQ(nbd.command.offset, 512);
        CHECK_EQ(nbd.command.length, 1024);
        CHECK_EQ(nbd.command.cookie, 0x1122334455667788);
        CHECK_EQ(finds, 1);
    }
}

TEST(info_lets_nobody_in)
{
    begin(NBD_TLS_NONE);
    put_go(6, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    CHECK(!nbd_has_begun(&nbd));
    put_request(0, NBD_CMD_READ, 0, 512);
    CHECK_EQ(feed(1000), NBD_EVENT_BAD);
}

TEST(wrong_names_may_be_followed_by_the_right_one)
{
    char long_name[300];

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    begin(NBD_TLS_NONE);
    put_go(7, "wrong");
    put_go(7, "");
    put_go(7, long_name);
    CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    CHECK_EQ(answer_type(0), 0x80000006);
    CHECK_EQ(answer_type(1), 0x80000006);
    CHECK_EQ(answer_type(2), 0x80000006);
    put_go(7, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_BEGIN);
}

TEST(malformed_options_are_answered)
{
    begin(NBD_TLS_NONE);
    put_option(7, 5); /* too short */
    put(0, 5);
    put_option(7, 6); /* a name behind the end */
    put(1, 4);
    put(0, 2);
    put_option(7, 6); /* kinds of information that are not there */
    put(0, 4);
    put(1, 2);
    put_option(7, 8); /* a zero in the name */
    put(2, 4);
    put_bytes("a\0", 2);
    put(0, 2);
    put_option(8, 1);
    put(0, 1);
    put_option(99, 0);
    put_option(3, 0);
    CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(answer_type(i), 0x80000003);
    CHECK_EQ(answer_type(5), 0x80000001);
    CHECK_EQ(answer_type(6), 0x80000002);
    CHECK_EQ(finds, 0);
}

TEST(large_options_are_skipped_and_larger_ones_end_it)
{
    static const u8 zeroes[100];

    begin(NBD_TLS_NONE);
    put_option(10, 1000);
    CHECK_EQ(feed(7), NBD_EVENT_MORE);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(nbd_is_within(&nbd));
        put_bytes(zeroes, sizeof(zeroes));
        CHECK_EQ(feed(7), i < 9 ? NBD_EVENT_MORE : NBD_EVENT_SEND);
    }
    CHECK_EQ(answer_type(0), 0x80000009);
    put_go(7, "right");
    CHECK_EQ(feed(7), NBD_EVENT_BEGIN);
    begin(NBD_TLS_NONE);
    put_option(10, 0xffffffff);
    CHECK_EQ(feed(7), NBD_EVENT_BAD);
}

TEST(options_without_end)
{
    begin(NBD_TLS_NONE);
    for (unsigned i = 0; i < NBD_OPTIONS_MAX; i++) {
        put_option(99, 0);
        CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    }
    put_option(99, 0);
    CHECK_EQ(feed(1000), NBD_EVENT_BAD);
}

TEST(old_ways)
{
    begin(NBD_TLS_NONE);
    put_option(1, 5);
    put_bytes("right", 5);
    CHECK_EQ(feed(3), NBD_EVENT_BEGIN);
    CHECK_EQ(output_len, 10);
    CHECK_EQ(nbd_get(output, 8), 1 * MiB);
    nbd_init(&nbd, NBD_TLS_NONE);
    input_len = 0;
    put(1, 4); /* with zeroes */
    put_option(1, 5);
    put_bytes("right", 5);
    CHECK_EQ(feed(3), NBD_EVENT_BEGIN);
    CHECK_EQ(output_len, 134);
    begin(NBD_TLS_NONE);
    put_option(1, 5);
    put_bytes("wrong", 5);
    CHECK_EQ(feed(3), NBD_EVENT_BAD);
    nbd_init(&nbd, NBD_TLS_NONE);
    input_len = 0;
    put(0, 4); /* a client from before the fixed handshake */
    CHECK_EQ(feed(3), NBD_EVENT_BAD);
    nbd_init(&nbd, NBD_TLS_NONE);
    input_len = 0;
    put(7, 4);
    CHECK_EQ(feed(3), NBD_EVENT_BAD);
}

TEST(goodbyes)
{
    begin(NBD_TLS_REQUIRED);
    put_option(2, 0);
    CHECK_EQ(feed(1000), NBD_EVENT_END);
    CHECK_EQ(answer_type(0), 1);
    begin(NBD_TLS_NONE);
    put_go(7, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_BEGIN);
    put_request(0, NBD_CMD_DISC, 0, 0);
    CHECK_EQ(feed(1000), NBD_EVENT_END);
    CHECK_EQ(output_len, 0);
}

TEST(tls_comes_first)
{
    begin(NBD_TLS_REQUIRED);
    put_option(8, 0);
    put_option(3, 0);
    put_go(7, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(answer_type(i), 0x80000005);
    CHECK_EQ(finds, 0);
    put_option(5, 0);
    CHECK_EQ(feed(1000), NBD_EVENT_STARTTLS);
    CHECK_EQ(answer_type(0), 1);
    nbd_secured(&nbd);
    put_option(5, 0); /* once is enough */
    CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    CHECK_EQ(answer_type(0), 0x80000002);
    put_go(7, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_BEGIN);
    begin(NBD_TLS_REQUIRED);
    put_option(1, 5);
    put_bytes("right", 5);
    CHECK_EQ(feed(1000), NBD_EVENT_BAD);
    CHECK_EQ(finds, 0);
}

TEST(tls_forgets_what_was_agreed_before)
{
    begin(NBD_TLS_OPTIONAL);
    is_locked = true;
    put_option(8, 0);
    put_go(7, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_SEND);
    CHECK_EQ(answer_type(1), 0x80000005);
    put_option(5, 0);
    CHECK_EQ(feed(1000), NBD_EVENT_STARTTLS);
    nbd_secured(&nbd);
    is_locked = false;
    put_go(7, "right");
    CHECK_EQ(feed(1000), NBD_EVENT_BEGIN);
    CHECK(!nbd.is_structured);
}

static enum nbd_error check(u16 flags, u16 type, u64 offset, u32 length)
{
    struct nbd_command command = {.flags = flags, .type = type, .offset = offset, .length = length};
    struct nbd_disk disk = {.bytes = 1ull << 40, .block_bytes = 4096, .can_trim = true};

    return nbd_check(&command, &disk);
}

TEST(commands_are_checked)
{
    const u64 size = 1ull << 40;
    struct nbd_command write = {.type = NBD_CMD_WRITE, .length = 4096};
    struct nbd_disk snapshot = {.bytes = size, .block_bytes = 512, .is_read_only = true};

    CHECK_EQ(check(0, NBD_CMD_READ, size - 4096, 4096), NBD_OK);
    CHECK_EQ(check(0, NBD_CMD_READ, size, 4096), NBD_EINVAL);
    CHECK_EQ(check(0, NBD_CMD_READ, UINT64_MAX - 4095, 4096), NBD_EINVAL);
    CHECK_EQ(check(0, NBD_CMD_WRITE, size - 4096, 8192), NBD_ENOSPC);
    CHECK_EQ(check(NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 0, 8192), NBD_OK);
    CHECK_EQ(check(0, NBD_CMD_READ, 512, 4096), NBD_EINVAL);
    CHECK_EQ(check(0, NBD_CMD_READ, 0, 512), NBD_EINVAL);
    CHECK_EQ(check(0, NBD_CMD_READ, 0, 64 * (u32)MiB), NBD_EINVAL);
    CHECK_EQ(check(NBD_CMD_FLAG_DF, NBD_CMD_READ, 0, 64 * (u32)KiB), NBD_OK);
    CHECK_EQ(check(NBD_CMD_FLAG_DF, NBD_CMD_READ, 0, 128 * (u32)KiB), NBD_EOVERFLOW);
    CHECK_EQ(check(0x80, NBD_CMD_READ, 0, 4096), NBD_EINVAL);
    CHECK_EQ(check(0, NBD_CMD_TRIM, 0, 0xfffff000), NBD_OK);
    CHECK_EQ(check(0, NBD_CMD_WRITE_ZEROES, 0, 4096), NBD_ENOTSUP);
    CHECK_EQ(check(0, NBD_CMD_FLUSH, 0, 0), NBD_OK);
    CHECK_EQ(check(0, NBD_CMD_FLUSH, 0, 4096), NBD_EINVAL);
    CHECK_EQ(check(0, 5, 0, 4096), NBD_EINVAL);
    CHECK_EQ(check(0, 0xffff, 0, 4096), NBD_EINVAL);
    CHECK_EQ(nbd_check(&write, &snapshot), NBD_EPERM);
}

TEST(answers)
{
    struct nbd_command command = {.cookie = 7};
    u8 out[NBD_DATA_HEAD];

    CHECK_EQ(nbd_simple_reply(out, &command, NBD_EIO), 16);
    CHECK(memcmp(out, "\x67\x44\x66\x98\0\0\0\5\0\0\0\0\0\0\0\7", 16) == 0);
    CHECK_EQ(nbd_data_chunk(out, &command, 512, 1024, false), 28);
    CHECK(memcmp(out, "\x66\x8e\x33\xef\0\0\0\1\0\0\0\0\0\0\0\7\0\0\4\10\0\0\0\0\0\0\2\0", 28) ==
          0);
    CHECK_EQ(nbd_error_chunk(out, &command, NBD_EIO), 26);
    CHECK(memcmp(out, "\x66\x8e\x33\xef\0\1\x80\1\0\0\0\0\0\0\0\7\0\0\0\6\0\0\0\5\0\0", 26) == 0);
}
