/* SPDX-License-Identifier: BSD-2-Clause */
/* Users as blobs. */
#include "mgmt/auth/user_store.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/auth/auth_store.h"
#include "mm/kheap.h"

#define RECORD_VERSION 1u

/* The blob. */
struct record {
    u32 version;
    u32 role; /* enum role */
    u32 cert_count;
    struct password_hash password;
    char name[TOKEN_NAME_MAX + 1];
    char certs[USER_CERTS_MAX][USER_CERT_MAX + 1];
};
_Static_assert(sizeof(struct record) == 608, "on the disk");

#define BLOB_NAME_MAX (sizeof(USER_STORE_PREFIX) + TOKEN_NAME_MAX)

static int put(struct pool *engine, const struct user *user)
{
    char name[BLOB_NAME_MAX];
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = name, .bytes = sizeof(struct record)};
    struct record *record = kzalloc(sizeof(*record));
    int rc;

    if (!record)
        return -ENOMEM;
    *record = (struct record){.version = RECORD_VERSION,
                              .role = user->role,
                              .cert_count = user->cert_count,
                              .password = user->password};
    memcpy(record->name, user->name, sizeof(record->name));
    memcpy(record->certs, user->certs, sizeof(record->certs));
    ksnprintf(name, sizeof(name), USER_STORE_PREFIX "%s", user->name);
    rc = pool_run(engine, &op, record);
    mem_wipe(record, sizeof(*record));
    kfree(record);
    return rc;
}

bool user_store_keep(const struct user *user)
{
    struct vmm_pool *pool = pools_default();
    int rc = pool ? put(pools_engine(pool), user) : -ENOENT;

    if (pool && rc)
        log_warn("auth", "user %s is not kept over a reboot: pool %s could not take him",
                 user->name, pools_name(pool));
    return rc == 0;
}

int user_store_drop(const char *name)
{
    char blob[BLOB_NAME_MAX];

    ksnprintf(blob, sizeof(blob), USER_STORE_PREFIX "%s", name);
    return auth_store_drop_blob(blob);
}

static bool is_sound(const struct record *record)
{
    if (record->version != RECORD_VERSION || record->role > ROLE_ADMIN ||
        record->cert_count > USER_CERTS_MAX || record->password.iterations > PASSWORD_MOST ||
        strnlen(record->name, sizeof(record->name)) == sizeof(record->name))
        return false;
    for (u32 i = 0; i < record->cert_count; i++) {
        if (strnlen(record->certs[i], sizeof(record->certs[i])) == sizeof(record->certs[i]))
            return false;
    }
    return true;
}

int user_store_read(struct pool *engine, const char *blob, struct user *out)
{
    struct record *record = kzalloc(sizeof(*record));
    struct store_op op = {.kind = STORE_BLOB_GET, .name = blob, .bytes = sizeof(*record)};
    int rc = record ? pool_run(engine, &op, record) : -EIO;

    if (rc || !is_sound(record)) {
        kfree(record);
        return rc ? -EIO : -EINVAL;
    }
    *out = (struct user){.role = (enum role)record->role,
                         .is_kept = true,
                         .password = record->password,
                         .cert_count = record->cert_count};
    memcpy(out->name, record->name, sizeof(out->name));
    memcpy(out->certs, record->certs, sizeof(out->certs));
    mem_wipe(record, sizeof(*record));
    kfree(record);
    return 0;
}
