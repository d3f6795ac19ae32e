/* SPDX-License-Identifier: BSD-2-Clause */
/* Users in force, and what changing one brings with it. */
#include "mgmt/auth/auth_users.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_fdt.h"
#include "mgmt/auth/user_store.h"

static struct user_store users;

const struct user_store *auth_users(void)
{
    return &users;
}

static void on_blob(struct vmm_pool *pool, const char *blob)
{
    struct user user;
    int rc;

    if (!pools_was_found(pool))
        return;
    rc = user_store_read(pools_engine(pool), blob, &user);
    if (rc == 0 && user_find(&users, user.name))
        rc = -EEXIST; /* of socle.dtb, or of the first pool */
    if (rc == 0)
        rc = user_put(&users, &user);
    if (rc)
        log_warn("auth", "%s: %s is left out (error %d)", pools_name(pool), blob, rc);
}

/* Those that were made just now, or before there was a pool. */
static void keep_users(void)
{
    for (u32 i = 0; i < USERS_MAX; i++) {
        struct user *user = &users.users[i];

        if (user->name[0] && !user->is_configured && !user->is_kept)
            user->is_kept = user_store_keep(user);
    }
}

static void on_online(struct vmm_pool *pool unused)
{
    keep_users();
}

void auth_users_init(const void *dtb, size_t bytes, const struct dtb_report *report)
{
    static struct pool_listener listener = {
        .prefix = USER_STORE_PREFIX, .on_blob = on_blob, .on_online = on_online};

    if (dtb)
        auth_fdt_users(dtb, bytes, &users, report);
    pools_listen(&listener);
}

bool auth_has_admin(const char *except_token, const char *except_user)
{
    return user_has_admin(&users, auth_tokens(), clock_unix_ns(), except_token, except_user);
}

/* Return: why. */
static int put_back(const struct user *before, const char *name, int why)
{
    int rc = before->name[0] ? user_put(&users, before) : user_remove(&users, name);

    return rc ? rc : why;
}

int auth_user_set(const struct user *user)
{
    const struct user *found = user_find(&users, user->name);
    struct user before = found ? *found : (struct user){0};
    struct user wanted = *user;
    int rc;

    wanted.is_kept = false;
    rc = user_put(&users, &wanted);
    if (rc == 0 && !auth_has_admin(NULL, NULL))
        rc = put_back(&before, user->name, -EPERM);
    if (rc == 0)
        keep_users();
    if (rc == 0 && before.is_kept && !user_find(&users, user->name)->is_kept)
        rc = put_back(&before, user->name, -EBUSY);
    mem_wipe(&before, sizeof(before));
    mem_wipe(&wanted, sizeof(wanted));
    return rc;
}

int auth_user_delete(const char *name)
{
    char copy[TOKEN_NAME_MAX + 1];
    const struct user *user = user_find(&users, name);

    if (!user || !str_copy(copy, sizeof(copy), name))
        return -ENOENT;
    if (!auth_has_admin(NULL, copy))
        return -EPERM;
    if (auth_revoke_all(copy) || (user->is_kept && user_store_drop(copy)))
        return -EBUSY;
    return user_remove(&users, copy);
}

bool auth_users_have_certs(void)
{
    for (u32 i = 0; i < USERS_MAX; i++) {
        if (users.users[i].cert_count)
            return true;
    }
    return false;
}
