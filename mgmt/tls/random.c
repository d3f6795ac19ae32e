/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator and where its entropy comes from.
 *
 * A pool of 32 bytes is hashed together with words of RDSEED (RDRAND where there is none) and the
 * TSC each time the DRBG asks: what one source lacks another one gives, and none of them sees or
 * decides the result alone. The firmware's seed is the pool's first content.
 * Spec: NIST SP 800-90A "HMAC_DRBG".
 */
#include "mgmt/tls/random.h"

#include "core/lib/errno.h"
#include "core/lib/sha256.h"
#include "core/lib/string.h"
#include "core/x86/cpu_features.h"
#include "core/x86/insn.h"
#include "mgmt/port/mbedtls.h"

#define POOL_WORDS   16u  /* hardware words for each stir: 1024 bits for 256 */
#define WORD_RETRIES 100u /* RDSEED may be dry while others read it, too */

static struct {
    mbedtls_hmac_drbg_context drbg;
    u8 pool[SHA256_BYTES];
    bool has_seed;
    bool is_ready;
} generator;

static bool hardware_word(u64 *word)
{
    for (u32 i = 0; cpu_features.has_rdseed && i < WORD_RETRIES; i++) {
        if (rdseed(word))
            return true;
        cpu_pause();
    }
    for (u32 i = 0; cpu_features.has_rdrand && i < WORD_RETRIES; i++) {
        if (rdrand(word))
            return true;
    }
    return false;
}

/* Return: true if the hardware gave all the words, and not the same one again and again. */
static bool stir(void)
{
    struct sha256 hash;
    bool good = true, varies = false;
    u64 words[POOL_WORDS] = {0};
    u64 now = rdtsc();

    for (u32 i = 0; i < POOL_WORDS && good; i++) {
        good = hardware_word(&words[i]);
        varies |= words[i] != words[0];
    }
    sha256_init(&hash);
    sha256_update(&hash, generator.pool, sizeof(generator.pool));
    sha256_update(&hash, words, sizeof(words));
    sha256_update(&hash, &now, sizeof(now));
    sha256_final(&hash, generator.pool);
    mem_wipe(words, sizeof(words));
    mem_wipe(&hash, sizeof(hash));
    return good && varies;
}

/* The DRBG's source: a digest of the pool, which itself never leaves. */
static int gather(void *arg unused, unsigned char *out, size_t bytes)
{
    static const char label[] = "entropy";
    u8 digest[SHA256_BYTES];
    struct sha256 hash;

    if ((!stir() && !generator.has_seed) || bytes > sizeof(digest))
        return MBEDTLS_ERR_HMAC_DRBG_ENTROPY_SOURCE_FAILED;
    sha256_init(&hash);
    sha256_update(&hash, label, sizeof(label));
    sha256_update(&hash, generator.pool, sizeof(generator.pool));
    sha256_final(&hash, digest);
    memcpy(out, digest, bytes);
    mem_wipe(digest, sizeof(digest));
    mem_wipe(&hash, sizeof(hash));
    return 0;
}

int random_init(const u8 *seed, size_t bytes)
{
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    int rc;

    if (bytes == sizeof(generator.pool)) {
        memcpy(generator.pool, seed, bytes);
        generator.has_seed = true;
    }
    mbedtls_hmac_drbg_init(&generator.drbg);
    rc = mbedtls_hmac_drbg_seed(&generator.drbg, sha256, gather, NULL, NULL, 0);
    if (rc == MBEDTLS_ERR_HMAC_DRBG_ENTROPY_SOURCE_FAILED)
        return -ENODATA;
    if (rc != 0)
        return -EIO;
    generator.is_ready = true;
    return 0;
}

bool random_is_ready(void)
{
    return generator.is_ready;
}

int random_bytes(void *dst, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        size_t piece = MIN(bytes - at, (size_t)MBEDTLS_HMAC_DRBG_MAX_REQUEST);

        if (!generator.is_ready ||
            mbedtls_hmac_drbg_random(&generator.drbg, (u8 *)dst + at, piece) != 0) {
            mem_wipe(dst, bytes);
            return -EIO;
        }
        at += piece;
    }
    return 0;
}

/* What PSA draws from. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context unused,
                                             u8 *output, size_t output_size, size_t *output_length)
{
    if (random_bytes(output, output_size) != 0)
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    *output_length = output_size;
    return PSA_SUCCESS;
}
