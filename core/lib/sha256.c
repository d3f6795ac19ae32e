/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256; the constants are the fractional parts of roots of the first primes, as FIPS 180-4 lists
 * them. */
#include "core/lib/sha256.h"

#include "core/lib/string.h"

static const u32 round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static u32 rotate_right(u32 v, unsigned n)
{
    return (v >> n) | (v << (32 - n));
}

static u32 load_be32(const u8 *p)
{
    return ((u32)p[0] << 24) | ((u32)p[1] << 16) | ((u32)p[2] << 8) | p[3];
}

static void compress(u32 state[8], const u8 *block)
{
    u32 a = state[0], b = state[1], c = state[2], d = state[3];
    u32 e = state[4], f = state[5], g = state[6], h = state[7];
    u32 w[64];

    for (unsigned i = 0; i < 16; i++)
        w[i] = load_be32(block + 4 * i);
    for (unsigned i = 16; i < 64; i++) {
        u32 s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ (w[i - 15] >> 3);
        u32 s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ (w[i - 2] >> 10);

        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (unsigned i = 0; i < 64; i++) {
        u32 s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        u32 t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        u32 s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        u32 t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void sha256_init(struct sha256 *s)
{
    static const u32 initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(s->state, initial, sizeof s->state);
    s->total_bytes = 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t bytes)
{
    const u8 *p = data;
    size_t used = (size_t)(s->total_bytes % 64);

    s->total_bytes += bytes;
    if (used != 0) {
        size_t take = bytes < 64 - used ? bytes : 64 - used;

        memcpy(s->block + used, p, take);
        p += take;
        bytes -= take;
        if (used + take < 64)
            return;
        compress(s->state, s->block);
    }
    for (; bytes >= 64; p += 64, bytes -= 64)
        compress(s->state, p);
    memcpy(s->block, p, bytes);
}

void sha256_final(struct sha256 *s, u8 digest[SHA256_BYTES])
{
    u64 bits = s->total_bytes * 8;
    u8 padding[72] = {0x80};
    size_t used = (size_t)(s->total_bytes % 64);
    size_t n = (used < 56 ? 56 : 120) - used;

    for (unsigned i = 0; i < 8; i++)
        padding[n + i] = (u8)(bits >> (56 - 8 * i));
    sha256_update(s, padding, n + 8);
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        digest[i] = (u8)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_of(const void *data, size_t bytes, u8 digest[SHA256_BYTES])
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, data, bytes);
    sha256_final(&s, digest);
}
