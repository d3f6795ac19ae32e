/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens as blobs. */
#include "mgmt/auth_store.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

#define RECORD_VERSION 1u

/* The blob. */
struct record {
    u32 version;
    u32 role; /* enum role */
    u64 created_unix_ns;
    u64 expires_unix_ns;
    u8 digest[SHA256_BYTES];
    char id[TOKEN_NAME_MAX + 1];
    char user[TOKEN_NAME_MAX + 1];
};
_Static_assert(sizeof(struct record) == 120, "on the disk");

#define BLOB_NAME_MAX (sizeof(AUTH_STORE_PREFIX) + TOKEN_NAME_MAX)

static int put(struct pool *engine, const struct token *token)
{
    char name[BLOB_NAME_MAX];
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = name, .bytes = sizeof(struct record)};
    struct record *record = kzalloc(sizeof(*record));
    int rc;

    if (!record)
        return -ENOMEM;
    *record = (struct record){.version = RECORD_VERSION,
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

int auth_store_read(struct pool *engine, const char *blob, struct token *out)
{
    struct record *record = kzalloc(sizeof(*record));
    struct store_op op = {.kind = STORE_BLOB_GET, .name = blob, .bytes = sizeof(*record)};
    int rc = record ? pool_run(engine, &op, record) : -EIO;

    if (rc || record->version != RECORD_VERSION || record->role > ROLE_ADMIN) {
        kfree(record);
        return rc ? -EIO : -EINVAL;
    }
    *out = (struct token){.role = (enum role)record->role,
                          .is_kept = true,
                          .created_unix_ns = record->created_unix_ns,
                          .expires_unix_ns = record->expires_unix_ns};
    memcpy(out->digest, record->digest, sizeof(out->digest));
    memcpy(out->id, record->id, sizeof(out->id) - 1);
    memcpy(out->user, record->user, sizeof(out->user) - 1);
    kfree(record);
    return 0;
}
