/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens: who may come in, and as what.
 *
 * A token is the text "socle1.<id>.<secret>". Only the SHA-256 of the whole text is kept, so what
 * is in memory, in a list or in socle.dtb lets nobody in. The secret has 128 random bits: a plain
 * hash suffices, and guessing is hopeless at any speed. A check hashes what was given and compares
 * it with every token there is, in a time that depends on their number only; the text is never
 * taken apart.
 *
 * Plain data without a lock; time and random numbers come from the caller.
 */
#ifndef SOCLE_MGMT_TOKEN_H
#define SOCLE_MGMT_TOKEN_H

#include "core/lib/compiler.h"
#include "core/lib/sha256.h"
#include "core/lib/types.h"
#include "mgmt/auth/role.h"
#include "mgmt/auth/scope.h"

#define TOKENS_MAX       64u /* the last one is kept free for a claim */
#define TOKEN_NAME_MAX   31u /* ids and users */
#define TOKEN_SECRET_LEN 32u /* hexadecimal digits */
#define TOKEN_PREFIX     "socle1."
#define TOKEN_TEXT_MAX   (sizeof(TOKEN_PREFIX) - 1 + TOKEN_NAME_MAX + 1 + TOKEN_SECRET_LEN)

struct token {
    char id[TOKEN_NAME_MAX + 1]; /* "": the slot is free */
    char user[TOKEN_NAME_MAX + 1];
    enum role role;
    struct scope scope; /* the VMs it is for */
    bool is_configured; /* from socle.dtb: there again after a reboot */
    bool is_kept;       /* in a pool: there again, too */
    u8 digest[SHA256_BYTES];
    u64 created_unix_ns; /* 0: the clock was unknown */
    u64 expires_unix_ns; /* 0: never */
};

struct token_store {
    struct token tokens[TOKENS_MAX];
};

/* 1 to TOKEN_NAME_MAX of a-z, 0-9 and '-', not '-' first. */
bool token_name_is_valid(const char *name);

/* What is kept of a token's text. */
void token_digest(const char *text, u8 digest[SHA256_BYTES]);

/* Return: the token whose text this is, valid until the store changes; NULL if there is none. It
 * may have expired: token_is_valid. */
const struct token *token_check(const struct token_store *store, const char *text);

bool token_is_valid(const struct token *token, u64 unix_ns);

/* How many valid tokens the user has. */
u32 token_count_of(const struct token_store *store, const char *user, u64 unix_ns);

/* Adds one whose digest is known. Return: 0; -EINVAL (id or user is no name, or no role); -EEXIST;
 * -ENOSPC (full). */
int token_add(struct token_store *store, const struct token *token, u64 unix_ns) must_check;

/*
 * Makes a token: user, role, scope and expiry are taken from `wanted`, id, secret and digest are
 * made. random fills with random bytes or fails. is_claim: it may take the last slot. text: to be
 * shown once, then wiped. Return: 0 and *made, valid until the store changes; -EINVAL, -ENOSPC as
 * token_add; -EIO (no random numbers).
 */
int token_issue(struct token_store *store, const struct token *wanted, u64 unix_ns, bool is_claim,
                int (*random)(void *dst, size_t bytes), char text[TOKEN_TEXT_MAX + 1],
                const struct token **made) must_check;

const struct token *token_find(const struct token_store *store, const char *id);

/* Return: 0, -ENOENT. */
int token_remove(struct token_store *store, const char *id) must_check;

#endif
