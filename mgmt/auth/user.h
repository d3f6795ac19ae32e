/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users: people with a role, who come in by a password or by a client's certificate, and to whom
 * tokens belong by name.
 *
 * Of a password only a salted, slow hash is kept; of a certificate its SHA-256, or a name that one
 * signed by the client CA must bear. A token has no more rights than its user, if there is one of
 * that name: taking rights from a user takes them from what he has made.
 *
 * Plain data without a lock.
 */
#ifndef SOCLE_MGMT_USER_H
#define SOCLE_MGMT_USER_H

#include "core/lib/compiler.h"
#include "core/lib/sha256.h"
#include "core/lib/types.h"
#include "mgmt/auth/role.h"
#include "mgmt/auth/token.h"

#define USERS_MAX      32u
#define USER_CERTS_MAX 4u
#define USER_CERT_MAX  127u

#define PASSWORD_MIN        8u /* bytes of UTF-8 */
#define PASSWORD_MAX        128u
#define PASSWORD_SALT_BYTES 16u
#define PASSWORD_ITERATIONS 100000u  /* of those made here */
#define PASSWORD_LEAST      10000u   /* of those of socle.dtb */
#define PASSWORD_MOST       1000000u /* a check must end */
#define PASSWORD_SCHEME     "pbkdf2-sha256"

struct password_hash {
    u32 iterations; /* 0: there is no password */
    u8 salt[PASSWORD_SALT_BYTES];
    u8 key[SHA256_BYTES];
};

struct user {
    char name[TOKEN_NAME_MAX + 1]; /* "": the slot is free */
    enum role role;
    bool is_configured; /* in socle.dtb, which alone can change it */
    bool is_kept;       /* in a pool */
    u32 version;        /* another after each change; set by user_put */
    struct password_hash password;
    u32 cert_count;
    char certs[USER_CERTS_MAX][USER_CERT_MAX + 1];
};

struct user_store {
    u32 last_version;
    struct user users[USERS_MAX];
};

/* PASSWORD_MIN to PASSWORD_MAX bytes without control characters. */
bool password_is_allowed(const char *password);

/* Reads "pbkdf2-sha256$iterations$salt$key", salt and key in hex. Return: false if it is none. */
bool password_parse(const char *text, struct password_hash *hash) must_check;

/*
 * What may be in certs: 64 hex digits, with or without colons, of which a copy in small letters
 * without colons goes to dst; or a name of visible ASCII. Return: false if it is neither.
 */
bool user_cert_parse(const char *text, char dst[USER_CERT_MAX + 1]) must_check;

/* True if the text would be taken for a SHA-256, so that it must be no name. */
bool user_cert_is_fingerprint(const char *text);

/* Puts him in the place of the one of the same name, or into a free one. Return: 0; -EINVAL (no
 * name or no role); -ENOSPC. */
int user_put(struct user_store *store, const struct user *user) must_check;

/* NULL: there is none. Valid until the store changes. */
const struct user *user_find(const struct user_store *store, const char *name);

/* Return: 0, -ENOENT. */
int user_remove(struct user_store *store, const char *name) must_check;

/* Whose certs have this text; NULL: nobody's. */
const struct user *user_of_cert(const struct user_store *store, const char *cert);

/* The rights of something that belongs to `name` and says `role`: no more than the user's own. */
enum role user_limit(const struct user_store *store, const char *name, enum role role);

/* True if an administrator can come in: by a valid token for all VMs, a password or a certificate.
 * That token and that user, with his tokens, do not count; NULL: all count. */
bool user_has_admin(const struct user_store *store, const struct token_store *tokens, u64 unix_ns,
                    const char *except_token, const char *except_user);

#endif
