/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens as blobs. */
#include "mgmt/auth/auth_store.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

#define RECORD_VERSION 1u
#define RECORD_SCOPED  2u /* a scope follows; who does not know that leaves the token out */

/* The blob; of version 1 it ends before the scope. */
struct record {
    u32 version;
    u32 role; /* enum role */
    u64 created_unix_ns;
    u64 expires_unix_ns;
    u8 digest[SHA256_BYTES];
    char id[TOKEN_NAME_MAX + 1];
    char user[TOKEN_NAME_MAX + 1];
    struct scope scope;
    u32 reserved;
};
#define RECORD_PLAIN_BYTES offsetof(struct record, scope)
_Static_assert(RECORD_PLAIN_BYTES == 120 && sizeof(struct record) == 256, "on the disk");

#define BLOB_NAME_MAX (sizeof(AUTH_STORE_PREFIX) + TOKEN_NAME_MAX)

static int put(struct pool *engine, const struct token *token)
{
    char name[BLOB_NAME_MAX];
    bool is_plain = token->scope.count == 0;
    struct store_op op = {.kind = STORE_BLOB_PUT,
                          .name = name,
                          .bytes = is_plain ? RECORD_PLAIN_BYTES : sizeof(struct record)};
    struct record *record = kzalloc(sizeof(*record));
    int rc;

    if (!record)
        return -ENOMEM;
    *record = (struct record){.version = is_plain ? RECORD_VERSION : RECORD_SCOPED,
                              .scope = token->scope,
                              .role = token->role,
                              .created_unix_ns = token->created_unix_ns,
                              .expires_unix_ns = token->expires_unix_ns};
    memcpy(record->digest, token->digest, sizeof(record->digest));
    (void)str_copy(record->id, sizeof(record->id), token->id);
    (void)str_copy(record->user, sizeof(record->user), token->user);
    ksnprintf(name, sizeof(name), AUTH_STORE_PREFIX "%s", token->id);
    rc = pool_run(engine, &op, record);
    kfree(record);
    return rc;
}

bool auth_store_keep(const struct token *token)
{
    struct vmm_pool *pool = pools_default();
    int rc = pool ? put(pools_engine(pool), token) : -ENOENT;

    if (pool && rc)
        log_warn("auth", "token %s is not kept over a reboot: pool %s could not take it", token->id,
                 pools_name(pool));
    return rc == 0;
}

int auth_store_drop(const char *id)
{
    char name[BLOB_NAME_MAX];

    ksnprintf(name, sizeof(name), AUTH_STORE_PREFIX "%s", id);
    return auth_store_drop_blob(name);
}

int auth_store_drop_blob(const char *name)
{
    bool is_found = false;

    for (struct vmm_pool *pool = pools_next(NULL); pool; pool = pools_next(pool)) {
        struct store_op op = {.kind = STORE_BLOB_DELETE, .name = name};
        struct pool *engine = pools_engine(pool);
        int rc = engine ? pool_run(engine, &op, NULL) : -ENOENT;

        if (rc && rc != -ENOENT)
            return -EBUSY;
        is_found |= rc == 0;
    }
    return is_found ? 0 : -EBUSY;
}

/* All texts of a scope must end. */
static bool is_sound(const struct record *record, size_t bytes)
{
    bool is_plain = record->version == RECORD_VERSION && bytes == RECORD_PLAIN_BYTES;
    bool is_scoped = record->version == RECORD_SCOPED && bytes == sizeof(*record) &&
                     record->scope.count > 0 && record->scope.count <= SCOPE_TAGS_MAX;

    for (u32 i = 0; is_scoped && i < SCOPE_TAGS_MAX; i++)
        is_scoped = strnlen(record->scope.tags[i], VM_TAG_MAX + 1) <= VM_TAG_MAX;
    return record->role <= ROLE_ADMIN && (is_plain || is_scoped);
}

int auth_store_read(struct pool *engine, const char *blob, struct token *out)
{
    struct record *record = kzalloc(sizeof(*record));
    struct store_op op = {.kind = STORE_BLOB_GET, .name = blob, .bytes = sizeof(*record)};
    int rc = record ? pool_run(engine, &op, record) : -EIO;

    if (rc || !is_sound(record, op.bytes)) {
        kfree(record);
        return rc ? -EIO : -EINVAL;
    }
    *out = (struct token){.role = (enum role)record->role,
                          .scope = record->scope,
                          .is_kept = true,
                          .created_unix_ns = record->created_unix_ns,
                          .expires_unix_ns = record->expires_unix_ns};
    memcpy(out->digest, record->digest, sizeof(out->digest));
    memcpy(out->id, record->id, sizeof(out->id) - 1);
    memcpy(out->user, record->user, sizeof(out->user) - 1);
    kfree(record);
    return 0;
}
