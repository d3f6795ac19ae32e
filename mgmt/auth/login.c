/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords that were right, and who is known where. */
#include "mgmt/auth/login.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

int login_init(struct login_table *table, int (*random)(void *dst, size_t bytes))
{
    if (table->is_ready)
        return 0;
    if (random(table->secret, sizeof(table->secret)) != 0 ||
        random(&table->key, sizeof(table->key)) != 0)
        return -EIO;
    table->is_ready = true;
    return 0;
}

/* The name's end keeps "ab" "c" apart from "a" "bc". */
static void digest_of(const struct login_table *table, const struct user *user,
                      const char *password, u8 digest[SHA256_BYTES])
{
    struct sha256 hash;

    sha256_init(&hash);
    sha256_update(&hash, table->secret, sizeof(table->secret));
    sha256_update(&hash, user->name, strlen(user->name) + 1);
    sha256_update(&hash, password, strlen(password));
    sha256_final(&hash, digest);
    mem_wipe(&hash, sizeof(hash));
}

bool login_is_fresh(const struct login_table *table, const struct user *user, const char *password,
                    u64 now_ns)
{
    u8 digest[SHA256_BYTES];
    bool is_found = false;

    digest_of(table, user, password, digest);
    for (u32 i = 0; i < LOGIN_CACHE_MAX; i++) {
        const struct login_right *right = &table->right[i];

        if (now_ns < right->until_ns && right->version == user->version &&
            mem_same_secret(right->digest, digest, sizeof(digest)))
            is_found = true;
    }
    return is_found;
}

static bool is_known(const struct login_table *table, u64 pair)
{
    for (u32 i = 0; i < LOGIN_KNOWN_MAX; i++) {
        if (table->known[i] == pair)
            return true;
    }
    return false;
}

void login_begin(const struct login_table *table, u64 source, const char *name,
                 struct login_attempt *attempt)
{
    attempt->source = source;
    attempt->user = siphash(&table->key, name, strlen(name)) | 1;
    attempt->pair = siphash_words(&table->key, source, attempt->user) | 1; /* 0 is none */
    attempt->is_known = is_known(table, attempt->pair);
}

u32 login_charge(struct limiter *limiter, const struct login_attempt *attempt, u64 now_ns)
{
    u32 wait_s;

    if (attempt->is_known)
        return limiter_fail(limiter, attempt->pair, now_ns);
    wait_s = limiter_fail(limiter, attempt->source, now_ns);
    if (wait_s)
        return wait_s;
    wait_s = limiter_fail(limiter, attempt->user, now_ns);
    if (wait_s)
        limiter_forgive(limiter, attempt->source);
    return wait_s;
}

/* The place of the one that ends first. */
static void remember_right(struct login_table *table, const struct user *user, const char *password,
                           u64 now_ns)
{
    struct login_right *place = &table->right[0];

    for (u32 i = 1; i < LOGIN_CACHE_MAX; i++) {
        if (table->right[i].until_ns < place->until_ns)
            place = &table->right[i];
    }
    digest_of(table, user, password, place->digest);
    place->version = user->version;
    place->until_ns = now_ns + LOGIN_CACHE_S * NS_PER_S;
}

static void remember_pair(struct login_table *table, u64 pair)
{
    u32 at = 0;

    while (at < LOGIN_KNOWN_MAX - 1 && table->known[at] != pair)
        at++;
    memmove(&table->known[1], &table->known[0], at * sizeof(table->known[0]));
    table->known[0] = pair;
}

void login_succeed(struct login_table *table, struct limiter *limiter,
                   const struct login_attempt *attempt, const struct user *user,
                   const char *password, u64 now_ns)
{
    if (attempt->is_known) {
        limiter_forgive(limiter, attempt->pair);
    } else {
        limiter_forgive(limiter, attempt->source);
        limiter_forgive(limiter, attempt->user);
    }
    remember_right(table, user, password, now_ns);
    remember_pair(table, attempt->pair);
}
