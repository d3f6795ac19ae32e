/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/lib/siphash.c */
/* SipHash-2-4 against the vectors of its authors: the key and the messages 00 01 02 … */
#include "tests/unit/harness.h"

#include "core/lib/siphash.h"

TEST(the_published_vectors)
{
    static const struct siphash_key key = {{0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull}};
    u8 message[15];

    for (u8 i = 0; i < 15; i++)
        message[i] = i;
    CHECK_EQ(siphash(&key, message, 0), 0x726fdb47dd0e0e31ull);
    CHECK_EQ(siphash(&key, message, 8), 0x93f5f5799a932462ull);
    CHECK_EQ(siphash(&key, message, 15), 0xa129ca6149be45e5ull);
}

TEST(words_are_hashed_as_their_bytes)
{
    static const struct siphash_key key = {{1, 2}};
    u64 words[2] = {3, 4};

    CHECK_EQ(siphash_words(&key, 3, 4), siphash(&key, words, sizeof(words)));
    CHECK(siphash_words(&key, 3, 4) != siphash_words(&key, 4, 3));
}
