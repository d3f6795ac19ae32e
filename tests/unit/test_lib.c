/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/lib/base64.c core/lib/hex.c core/lib/printf.c core/lib/str.c core/lib/sha256.c */
/* Formatting, bounded copies, hexadecimal digits, base64, SHA-256, rings and lists. */
#include "core/lib/base64.h"
#include "core/lib/hex.h"
#include "core/lib/list.h"
#include "core/lib/printf.h"
#include "core/lib/ring.h"
#include "core/lib/sha256.h"
#include "core/lib/string.h"
#include "tests/unit/harness.h"

static char text[80];

static const char *format(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    kvsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return text;
}

TEST(printf_numbers)
{
    CHECK_STR(format("%d %i %u", -5, 7, 4000000000u), "-5 7 4000000000");
    CHECK_STR(format("%x %X %08x", 0xbeef, 0xbeef, 0x1234), "beef BEEF 00001234");
    CHECK_STR(format("%lu %lx", ~0ul, ~0ul), "18446744073709551615 ffffffffffffffff");
    CHECK_STR(format("%ld", (long)(1ul << 63)), "-9223372036854775808");
    CHECK_STR(format("%5d|%-5d|%05d", 42, 42, -42), "   42|42   |-0042");
    CHECK_STR(format("%.3u|%.0u", 7u, 0u), "007|");
    CHECK_STR(format("%zu %hhx", sizeof text, 0x1ff), "80 ff");
}

TEST(printf_strings)
{
    CHECK_STR(format("[%s] [%5s] [%-5s] [%.2s] %c%%", "a", "bc", "de", "fgh", 'z'),
              "[a] [   bc] [de   ] [fg] z%");
    CHECK_STR(format("%s", (const char *)NULL), "(null)");
    CHECK_STR(format("%.*s", 3, "abcdef"), "abc");
}

TEST(printf_is_bounded)
{
    char small[5] = "xxxx";

    CHECK_EQ(ksnprintf(small, sizeof small, "%s", "longer text"), 11);
    CHECK_STR(small, "long");
    CHECK_EQ(ksnprintf(small, 0, "abc"), 3);
    CHECK_STR(small, "long");
}

TEST(str_copy_terminates)
{
    char dst[4];

    CHECK(str_copy(dst, sizeof dst, "abc"));
    CHECK_STR(dst, "abc");
    CHECK(!str_copy(dst, sizeof dst, "abcd"));
    CHECK_STR(dst, "abc");
    CHECK(!str_copy(dst, 0, "a"));
}

TEST(hex_is_written_in_small_digits_and_read_in_both)
{
    static const u8 bytes[] = {0x00, 0x9a, 0xbf, 0xff};
    char hex[9];
    u8 back[5];

    CHECK(hex_write(hex, bytes, sizeof bytes) == hex + 8);
    CHECK_STR(hex, "009abfff");
    CHECK_STR(hex_read(back, 4, "009aBFfF rest"), " rest");
    CHECK(memcmp(back, bytes, sizeof bytes) == 0);
    CHECK(hex_write(hex, bytes, 0) == hex);
    CHECK_STR(hex, "");
}

TEST(hex_that_is_none_is_refused)
{
    u8 back[2] = {0};

    CHECK_EQ(hex_digit('/'), -1);
    CHECK_EQ(hex_digit(':'), -1);
    CHECK_EQ(hex_digit('@'), -1);
    CHECK_EQ(hex_digit('G'), -1);
    CHECK_EQ(hex_digit('`'), -1);
    CHECK_EQ(hex_digit('g'), -1);
    CHECK_EQ(hex_digit('\0'), -1);
    CHECK(!hex_read(back, 2, ""));
    CHECK(!hex_read(back, 2, "123"));
    CHECK(!hex_read(back, 2, "12 4"));
    CHECK(hex_read_all(back, 2, "12aF"));
    CHECK_EQ(back[1], 0xaf);
    CHECK(!hex_read_all(back, 2, "12af0"));
    CHECK(!hex_read_all(back, 2, "12a"));
    back[1] = 0;
    CHECK(hex_read_small(back, 2, "12af"));
    CHECK_EQ(back[1], 0xaf);
    CHECK(!hex_read_small(back, 2, "12aF"));
    CHECK(!hex_read_small(back, 2, "12af0"));
    CHECK(!hex_read_small(back, 2, "12a"));
}

/* RFC 4648 10. */
TEST(base64_is_written_and_read)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbe", "+/++"},
    };
    char written[BASE64_SIZE(6)];
    u8 back[6];

    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        size_t bytes = strlen(pairs[i][0]);
        const char *at = pairs[i][1];

        base64_write(written, (const u8 *)pairs[i][0], bytes);
        CHECK_STR(written, pairs[i][1]);
        CHECK_EQ(base64_read(back, sizeof back, &at), bytes);
        CHECK(memcmp(back, pairs[i][0], bytes) == 0);
        CHECK_STR(at, pairs[i][1] + (bytes * 8 + 5) / 6); /* the padding */
    }
}

TEST(base64_ends_at_what_is_no_digit_or_does_not_fit)
{
    const char *at = "Zm9v:YmFy";
    u8 back[4] = {0, 0, 0, 0x55};

    CHECK_EQ(base64_read(back, 3, &at), 3);
    CHECK_STR(at, ":YmFy");
    at = "Zm9vYmFy";
    CHECK_EQ(base64_read(back, 3, &at), 3);
    CHECK_STR(at, "mFy");
    CHECK_EQ(back[3], 0x55);
    CHECK_EQ(base64_digit('-'), -1);
    CHECK_EQ(base64_digit('='), -1);
    CHECK_EQ(base64_digit('\0'), -1);
}

static const char *digest_of(const void *data, size_t bytes, size_t step)
{
    static char hex[65];
    struct sha256 s;
    u8 digest[32];

    sha256_init(&s);
    for (size_t at = 0; at < bytes; at += step)
        sha256_update(&s, (const u8 *)data + at, bytes - at < step ? bytes - at : step);
    sha256_final(&s, digest);
    hex_write(hex, digest, sizeof digest);
    return hex;
}

/* Examples of FIPS 180-4 and its test vectors. */
TEST(sha256_vectors)
{
    static u8 million[1000000];
    u8 abc[32];

    memset(million, 'a', sizeof million);
    CHECK_STR(digest_of("", 0, 1),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_of("abc", 3, abc);
    CHECK_EQ(abc[0] << 8 | abc[31], 0xbaad);
    CHECK_STR(digest_of("abc", 3, 3),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 7),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK_STR(digest_of(million, sizeof million, 63),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(ring_keeps_order_and_refuses_when_full)
{
    void *slots[4];
    struct ring r;

    ring_init(&r, slots, 4);
    CHECK(ring_empty(&r) && ring_pop(&r) == NULL);
    for (uintptr_t turn = 0; turn < 10; turn++) {
        for (uintptr_t i = 1; i <= 4; i++)
            CHECK(ring_push(&r, (void *)(turn * 10 + i)));
        CHECK(!ring_push(&r, (void *)99));
        for (uintptr_t i = 1; i <= 4; i++)
            CHECK(ring_pop(&r) == (void *)(turn * 10 + i));
    }
    r.head = r.tail = 0xfffffffe; /* the counters wrap */
    for (uintptr_t i = 1; i <= 4; i++)
        CHECK(ring_push(&r, (void *)i));
    CHECK(!ring_push(&r, (void *)5));
    CHECK(ring_pop(&r) == (void *)1);
}

TEST(list_removal_twice_is_harmless)
{
    struct list head, a, b;

    list_init(&head);
    list_push_back(&head, &a);
    list_push_front(&head, &b);
    CHECK(head.next == &b && head.prev == &a);
    list_remove(&b);
    list_remove(&b);
    CHECK(head.next == &a && a.next == &head);
    list_remove(&a);
    CHECK(list_empty(&head));
}
