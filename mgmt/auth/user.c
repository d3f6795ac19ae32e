/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of users. */
#include "mgmt/auth/user.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"

bool password_is_allowed(const char *password)
{
    size_t len = strnlen(password, PASSWORD_MAX + 1);

    for (size_t i = 0; i < len; i++) {
        if ((u8)password[i] < ' ' || password[i] == 0x7f)
            return false;
    }
    return len >= PASSWORD_MIN && len <= PASSWORD_MAX;
}

/* Return: what follows the number and its '$'; NULL. */
static const char *read_iterations(const char *text, u32 *out)
{
    u32 value = 0;

    for (; *text >= '0' && *text <= '9' && value <= PASSWORD_MOST; text++)
        value = value * 10 + (u32)(*text - '0');
    *out = value;
    return *text == '$' && value >= PASSWORD_LEAST && value <= PASSWORD_MOST ? text + 1 : NULL;
}

bool password_parse(const char *text, struct password_hash *hash)
{
    static const char scheme[] = PASSWORD_SCHEME "$";

    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0)
        return false;
    text = read_iterations(text + sizeof(scheme) - 1, &hash->iterations);
    if (text)
        text = hex_read(hash->salt, sizeof(hash->salt), text);
    if (!text || *text != '$')
        return false;
    text = hex_read(hash->key, sizeof(hash->key), text + 1);
    return text && *text == '\0';
}

/* A SHA-256 as openssl or a browser shows it. */
static bool fingerprint_parse(const char *text, char dst[USER_CERT_MAX + 1])
{
    u32 count = 0;

    for (; *text; text++) {
        int digit = hex_digit(*text);

        if (digit < 0 && *text == ':' && count % 2 == 0 && count > 0)
            continue;
        if (digit < 0 || count == 2 * SHA256_BYTES)
            return false;
        dst[count++] = "0123456789abcdef"[digit];
    }
    dst[count] = '\0';
    return count == 2 * SHA256_BYTES;
}

bool user_cert_is_fingerprint(const char *text)
{
    char copy[USER_CERT_MAX + 1];

    return fingerprint_parse(text, copy);
}

bool user_cert_parse(const char *text, char dst[USER_CERT_MAX + 1])
{
    if (fingerprint_parse(text, dst))
        return true;
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return text[0] != '\0' && str_copy(dst, USER_CERT_MAX + 1, text);
}

static struct user *slot_of(struct user_store *store, const char *name)
{
    for (u32 i = 0; i < USERS_MAX; i++) {
        if (strcmp(store->users[i].name, name) == 0)
            return &store->users[i];
    }
    return NULL;
}

int user_put(struct user_store *store, const struct user *user)
{
    struct user *slot;

    if (!token_name_is_valid(user->name) || user->role == ROLE_NONE)
        return -EINVAL;
    slot = slot_of(store, user->name);
    if (!slot)
        slot = slot_of(store, "");
    if (!slot)
        return -ENOSPC;
    if (slot != user)
        *slot = *user;
    slot->version = ++store->last_version;
    return 0;
}

const struct user *user_find(const struct user_store *store, const char *name)
{
    for (u32 i = 0; i < USERS_MAX && name[0] != '\0'; i++) {
        if (strcmp(store->users[i].name, name) == 0)
            return &store->users[i];
    }
    return NULL;
}

int user_remove(struct user_store *store, const char *name)
{
    struct user *slot = name[0] ? slot_of(store, name) : NULL;

    if (!slot)
        return -ENOENT;
    mem_wipe(slot, sizeof(*slot));
    return 0;
}

const struct user *user_of_cert(const struct user_store *store, const char *cert)
{
    for (u32 i = 0; i < USERS_MAX; i++) {
        const struct user *user = &store->users[i];

        for (u32 n = 0; user->name[0] && n < user->cert_count; n++) {
            if (strcmp(user->certs[n], cert) == 0)
                return user;
        }
    }
    return NULL;
}

enum role user_limit(const struct user_store *store, const char *name, enum role role)
{
    const struct user *user = user_find(store, name);

    return user && user->role < role ? user->role : role;
}

static bool is_name(const char *name, const char *or_null)
{
    return or_null && strcmp(name, or_null) == 0;
}

bool user_has_admin(const struct user_store *store, const struct token_store *tokens, u64 unix_ns,
                    const char *except_token, const char *except_user)
{
    for (u32 i = 0; i < TOKENS_MAX; i++) {
        const struct token *token = &tokens->tokens[i];

        if (token_is_valid(token, unix_ns) && token->scope.count == 0 &&
            !is_name(token->id, except_token) && !is_name(token->user, except_user) &&
            user_limit(store, token->user, token->role) == ROLE_ADMIN)
            return true;
    }
    for (u32 i = 0; i < USERS_MAX; i++) {
        const struct user *user = &store->users[i];

        if (user->name[0] && user->role == ROLE_ADMIN && !is_name(user->name, except_user) &&
            (user->password.iterations || user->cert_count))
            return true;
    }
    return false;
}
