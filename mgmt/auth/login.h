/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes passwords bearable: right ones are remembered for a minute, and where a user has come
 * in from before he is not slowed down by what others do.
 *
 * Both tables hold keyed hashes only and have a fixed size. Plain data without a lock.
 */
#ifndef SOCLE_MGMT_LOGIN_H
#define SOCLE_MGMT_LOGIN_H

#include "core/lib/compiler.h"
#include "core/lib/siphash.h"
#include "mgmt/auth/limiter.h"
#include "mgmt/auth/user.h"

#define LOGIN_CACHE_MAX 16u
#define LOGIN_CACHE_S   60u /* after the check; use does not prolong it */
#define LOGIN_KNOWN_MAX 64u /* pairs of user and source */

struct login_right {
    u8 digest[SHA256_BYTES]; /* of secret, name and password */
    u32 version;             /* of the user */
    u64 until_ns;            /* uptime; 0: free */
};

struct login_table {
    bool is_ready; /* the secrets are there */
    u8 secret[SHA256_BYTES];
    struct siphash_key key;
    struct login_right right[LOGIN_CACHE_MAX];
    u64 known[LOGIN_KNOWN_MAX]; /* the one used last first; 0: free */
};

/* Which buckets an attempt is counted in. */
struct login_attempt {
    u64 source;
    u64 user; /* all attempts on him from sources he is not known at */
    u64 pair;
    bool is_known; /* then only the pair counts */
};

/* Makes the secrets, once. Return: 0; -EIO. */
int login_init(struct login_table *table, int (*random)(void *dst, size_t bytes)) must_check;

/* True if this was the user's password less than LOGIN_CACHE_S ago, and he has not changed. */
bool login_is_fresh(const struct login_table *table, const struct user *user, const char *password,
                    u64 now_ns);

/* source: of the limiter. name: of a user or not. */
void login_begin(const struct login_table *table, u64 source, const char *name,
                 struct login_attempt *attempt);

/*
 * Counts the attempt as failed before it is looked at, so that many at a time gain nothing. Return:
 * 0, or after how many seconds it may be made; then it is not counted.
 */
u32 login_charge(struct limiter *limiter, const struct login_attempt *attempt, u64 now_ns);

/* It was right: it costs nothing, and user and source know each other from now on. */
void login_succeed(struct login_table *table, struct limiter *limiter,
                   const struct login_attempt *attempt, const struct user *user,
                   const char *password, u64 now_ns);

#endif
