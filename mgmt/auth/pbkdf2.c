/* SPDX-License-Identifier: BSD-2-Clause */
/* HMAC with its padded key hashed once (RFC 2104), iterated. */
#include "mgmt/auth/pbkdf2.h"

#include "core/lib/string.h"

#define BLOCK_BYTES 64u
#define INNER_PAD   0x36u
#define OUTER_PAD   0x5cu

static void pad_key(struct sha256 *hash, const u8 key[BLOCK_BYTES], u8 pad)
{
    u8 block[BLOCK_BYTES];

    for (u32 i = 0; i < BLOCK_BYTES; i++)
        block[i] = key[i] ^ pad;
    sha256_init(hash);
    sha256_update(hash, block, sizeof(block));
    mem_wipe(block, sizeof(block));
}

/* `inner` has taken the text: the outer hash of what it gives. */
static void hmac_end(const struct pbkdf2 *work, struct sha256 *inner, u8 mac[SHA256_BYTES])
{
    struct sha256 outer = work->outer;

    sha256_final(inner, mac);
    sha256_update(&outer, mac, SHA256_BYTES);
    sha256_final(&outer, mac);
}

void pbkdf2_begin(struct pbkdf2 *work, const void *password, size_t password_bytes,
                  const void *salt, size_t salt_bytes, u32 iterations)
{
    static const u8 first_block[4] = {0, 0, 0, 1};
    u8 key[BLOCK_BYTES] = {0};
    struct sha256 hash;

    if (password_bytes > sizeof(key)) {
        sha256_init(&hash);
        sha256_update(&hash, password, password_bytes);
        sha256_final(&hash, key);
    } else {
        memcpy(key, password, password_bytes);
    }
    pad_key(&work->inner, key, INNER_PAD);
    pad_key(&work->outer, key, OUTER_PAD);
    mem_wipe(key, sizeof(key));
    hash = work->inner;
    sha256_update(&hash, salt, salt_bytes);
    sha256_update(&hash, first_block, sizeof(first_block));
    hmac_end(work, &hash, work->last);
    mem_wipe(&hash, sizeof(hash));
    memcpy(work->sum, work->last, sizeof(work->sum));
    work->left = iterations - 1;
}

bool pbkdf2_step(struct pbkdf2 *work, u32 rounds)
{
    struct sha256 hash;

    for (; rounds && work->left; rounds--, work->left--) {
        hash = work->inner;
        sha256_update(&hash, work->last, sizeof(work->last));
        hmac_end(work, &hash, work->last);
        for (u32 i = 0; i < SHA256_BYTES; i++)
            work->sum[i] ^= work->last[i];
    }
    return work->left == 0;
}

void pbkdf2_end(struct pbkdf2 *work, u8 key[SHA256_BYTES])
{
    memcpy(key, work->sum, SHA256_BYTES);
    mem_wipe(work, sizeof(*work));
}
