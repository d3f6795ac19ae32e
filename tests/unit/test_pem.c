/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/tls/pem.c core/lib/base64.c core/lib/str.c */
/* PEM: blocks among other text, several of them, and all that is damaged. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/tls/pem.h"

static u8 data[64];
static struct pem_block block;

/* The buffer is as large as it must be, so that the sanitizer sees each byte too many. */
static int first(const char *text)
{
    return pem_next(&text, &block, data, sizeof(data));
}

TEST(blocks_come_one_after_the_other)
{
    const char *text = "subject=CN = a\n"
                       "-----BEGIN CERTIFICATE-----\nAAEC\nAwQ=\n-----END CERTIFICATE-----\n"
                       "issuer=CN = b\r\n"
                       "-----BEGIN EC PRIVATE KEY-----\r\n/+8=\r\n-----END EC PRIVATE KEY-----";

    CHECK_EQ(pem_next(&text, &block, data, sizeof(data)), 0);
    CHECK_STR(block.label, "CERTIFICATE");
    CHECK_EQ(block.bytes, 5);
    CHECK(memcmp(data, "\0\1\2\3\4", 5) == 0);
    CHECK_EQ(pem_next(&text, &block, data, sizeof(data)), 0);
    CHECK_STR(block.label, "EC PRIVATE KEY");
    CHECK_EQ(block.bytes, 2);
    CHECK(memcmp(data, "\xff\xef", 2) == 0);
    CHECK_EQ(pem_next(&text, &block, data, sizeof(data)), -ENOENT);
}

TEST(a_block_begins_a_line)
{
    CHECK_EQ(first(""), -ENOENT);
    CHECK_EQ(first("no PEM\n"), -ENOENT);
    CHECK_EQ(first("x -----BEGIN A-----\nAAEC\n-----END A-----\n"), -ENOENT);
    CHECK_EQ(first("-----BEGIN"), -ENOENT);
}

TEST(ends_of_base64)
{
    CHECK_EQ(first("-----BEGIN A-----\nAAEC\n-----END A-----\n"), 0);
    CHECK_EQ(block.bytes, 3);
    CHECK_EQ(first("-----BEGIN A-----\nAA==\n-----END A-----\n"), 0);
    CHECK_EQ(block.bytes, 1);
    CHECK_EQ(first("-----BEGIN A-----\nA A E C-----END A-----\n"), 0);
    CHECK_EQ(block.bytes, 3);
}

TEST(damaged_blocks)
{
    static const char *const texts[] = {
        "-----BEGIN A-----\nAAEC\n",                                   /* no end */
        "-----BEGIN A-----\nAAEC\n-----END B-----\n",                  /* another's end */
        "-----BEGIN A-----\n-----END A-----\n",                        /* nothing in it */
        "-----BEGIN A-----\nAAE\n-----END A-----\n",                   /* a group of three */
        "-----BEGIN A-----\nA===\n-----END A-----\n",                  /* too much padding */
        "-----BEGIN A-----\nAA=A\n-----END A-----\n",                  /* padding inside */
        "-----BEGIN A-----\nAA==AAEC\n-----END A-----\n",              /* goes on behind it */
        "-----BEGIN A-----\nAA!C\n-----END A-----\n",                  /* no digit */
        "-----BEGIN A-----\nAAEC\n----END A-----\n",                   /* four dashes */
        "-----BEGIN A-----\nAAEC\n-----END A",                         /* cut */
        "-----BEGIN A\nAAEC\n-----END A-----\n",                       /* label without end */
        "-----BEGIN -----\nAAEC\n-----END -----\n",                    /* no label */
        "-----BEGIN 01234567890123456789012345678901-----\nAAEC\n",    /* too long */
        "-----BEGIN A-----\nAAEC-----BEGIN A-----\n-----END A-----\n", /* one in the other */
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK_EQ(first(texts[i]), -EINVAL);
}

TEST(old_encryption_is_told_apart)
{
    CHECK_EQ(first("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                   "DEK-Info: AES-128-CBC,00\n\nAAEC\n-----END RSA PRIVATE KEY-----\n"),
             -EPERM);
}

TEST(room_is_kept)
{
    const char *text = "-----BEGIN A-----\nAAECAwQF\n-----END A-----\n";
    const char *again = text;

    CHECK_EQ(pem_next(&text, &block, data, 5), -ENOSPC);
    CHECK_EQ(pem_next(&again, &block, data, 6), 0);
    CHECK_EQ(block.bytes, 6);
}
