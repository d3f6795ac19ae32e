/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of tokens. */
#include "mgmt/auth/token.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"

#define ID_BYTES     4u
#define SECRET_BYTES (TOKEN_SECRET_LEN / 2)
#define ID_TRIES     8u /* until a random id is not taken */

bool token_name_is_valid(const char *name)
{
    size_t len = strnlen(name, TOKEN_NAME_MAX + 1);

    if (len == 0 || len > TOKEN_NAME_MAX || name[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

void token_digest(const char *text, u8 digest[SHA256_BYTES])
{
    struct sha256 hash;

    sha256_init(&hash);
    sha256_update(&hash, text, strlen(text));
    sha256_final(&hash, digest);
    mem_wipe(&hash, sizeof(hash));
}

const struct token *token_check(const struct token_store *store, const char *text)
{
    const struct token *found = NULL;
    u8 digest[SHA256_BYTES];

    token_digest(text, digest);
    for (u32 i = 0; i < TOKENS_MAX; i++) {
        const struct token *token = &store->tokens[i];

        if (token->id[0] != '\0' && mem_same_secret(token->digest, digest, sizeof(digest)))
            found = token;
    }
    return found;
}

bool token_is_valid(const struct token *token, u64 unix_ns)
{
    return token->id[0] != '\0' &&
           (token->expires_unix_ns == 0 || unix_ns < token->expires_unix_ns);
}

u32 token_count_of(const struct token_store *store, const char *user, u64 unix_ns)
{
    u32 count = 0;

    for (u32 i = 0; i < TOKENS_MAX; i++) {
        count +=
            token_is_valid(&store->tokens[i], unix_ns) && strcmp(store->tokens[i].user, user) == 0;
    }
    return count;
}

const struct token *token_find(const struct token_store *store, const char *id)
{
    for (u32 i = 0; i < TOKENS_MAX && id[0] != '\0'; i++) {
        if (strcmp(store->tokens[i].id, id) == 0)
            return &store->tokens[i];
    }
    return NULL;
}

/* Puts it into the first of `slots` that is free or whose token has expired. */
static const struct token *token_put(struct token_store *store, const struct token *token,
                                     u64 unix_ns, u32 slots)
{
    for (u32 i = 0; i < slots; i++) {
        if (token_is_valid(&store->tokens[i], unix_ns))
            continue;
        store->tokens[i] = *token;
        return &store->tokens[i];
    }
    return NULL;
}

int token_add(struct token_store *store, const struct token *token, u64 unix_ns)
{
    if (!token_name_is_valid(token->id) || !token_name_is_valid(token->user) ||
        token->role == ROLE_NONE)
        return -EINVAL;
    if (token_find(store, token->id))
        return -EEXIST;
    return token_put(store, token, unix_ns, TOKENS_MAX - 1) ? 0 : -ENOSPC;
}

/* A new id, and the text that is shown once. */
static int name_and_secret(const struct token_store *store, struct token *token,
                           int (*random)(void *dst, size_t bytes), char text[TOKEN_TEXT_MAX + 1])
{
    u8 bytes[ID_BYTES + SECRET_BYTES];
    char *to;

    for (u32 tries = 0; tries < ID_TRIES; tries++) {
        if (random(bytes, sizeof(bytes)) != 0)
            return -EIO;
        hex_write(token->id, bytes, ID_BYTES);
        if (token_find(store, token->id))
            continue;
        to = text + ksnprintf(text, TOKEN_TEXT_MAX + 1, TOKEN_PREFIX "%s.", token->id);
        hex_write(to, bytes + ID_BYTES, SECRET_BYTES);
        mem_wipe(bytes, sizeof(bytes));
        return 0;
    }
    return -EIO;
}

int token_issue(struct token_store *store, const struct token *wanted, u64 unix_ns, bool is_claim,
                int (*random)(void *dst, size_t bytes), char text[TOKEN_TEXT_MAX + 1],
                const struct token **made)
{
    struct token token = *wanted;
    int rc;

    if (!token_name_is_valid(wanted->user) || wanted->role == ROLE_NONE)
        return -EINVAL;
    rc = name_and_secret(store, &token, random, text);
    if (rc)
        return rc;
    token_digest(text, token.digest);
    *made = token_put(store, &token, unix_ns, is_claim ? TOKENS_MAX : TOKENS_MAX - 1);
    if (*made)
        return 0;
    mem_wipe(text, TOKEN_TEXT_MAX + 1);
    return -ENOSPC;
}

int token_remove(struct token_store *store, const char *id)
{
    for (u32 i = 0; i < TOKENS_MAX && id[0] != '\0'; i++) {
        if (strcmp(store->tokens[i].id, id) == 0) {
            mem_wipe(&store->tokens[i], sizeof(store->tokens[i]));
            return 0;
        }
    }
    return -ENOENT;
}
