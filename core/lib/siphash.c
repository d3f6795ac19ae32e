/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4. Spec: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2. */
#include "core/lib/siphash.h"

#include "core/lib/string.h"

#define COMPRESSION_ROUNDS  2
#define FINALIZATION_ROUNDS 4

struct state {
    u64 v[4];
};

static u64 rotate(u64 value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void rounds(struct state *s, unsigned count)
{
    u64 *v = s->v;

    while (count-- > 0) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static void compress(struct state *s, u64 word)
{
    s->v[3] ^= word;
    rounds(s, COMPRESSION_ROUNDS);
    s->v[0] ^= word;
}

u64 siphash(const struct siphash_key *key, const void *data, size_t bytes)
{
    struct state s = {{key->word[0] ^ 0x736f6d6570736575ull, key->word[1] ^ 0x646f72616e646f6dull,
                       key->word[0] ^ 0x6c7967656e657261ull, key->word[1] ^ 0x7465646279746573ull}};
    const u8 *at = data;
    u64 word, length = (u64)bytes << 56;

    for (; bytes >= sizeof(word); bytes -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        compress(&s, word);
    }
    word = 0;
    memcpy(&word, at, bytes);
    compress(&s, word | length);
    s.v[2] ^= 0xff;
    rounds(&s, FINALIZATION_ROUNDS);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

u64 siphash_words(const struct siphash_key *key, u64 first, u64 second)
{
    u64 words[2] = {first, second};

    return siphash(key, words, sizeof(words));
}
