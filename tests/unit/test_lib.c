/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/lib/printf.c core/lib/str.c core/lib/sha256.c */
/* Formatting, bounded copies, SHA-256, rings and lists. */
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

static const char *digest_of(const void *data, size_t bytes, size_t step)
{
    static char hex[65];
    struct sha256 s;
    u8 digest[32];

    sha256_init(&s);
    for (size_t at = 0; at < bytes; at += step)
        sha256_update(&s, (const u8 *)data + at, bytes - at < step ? bytes - at : step);
    sha256_final(&s, digest);
    for (unsigned i = 0; i < 32; i++)
        ksnprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return hex;
}

/* Examples of FIPS 180-4 and its test vectors. */
TEST(sha256_vectors)
{
    static u8 million[1000000];

    memset(million, 'a', sizeof million);
    CHECK_STR(digest_of("", 0, 1),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
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
