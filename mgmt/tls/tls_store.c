/* SPDX-License-Identifier: BSD-2-Clause */
/* The TLS key as a blob: the private number, 32 bytes. */
#include "mgmt/tls/tls_store.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/tls/tls_identity.h"
#include "mm/kheap.h"

#define KEY_BLOB "tls-key"

static bool is_kept;
static const struct vmm_pool *tried; /* a pool that could not take it is not asked again */

static bool take_from(struct vmm_pool *pool, u8 *secret)
{
    struct store_op op = {.kind = STORE_BLOB_GET, .name = KEY_BLOB, .bytes = TLS_KEY_BYTES};
    struct pool *engine = pools_engine(pool);

    return engine && pool_run(engine, &op, secret) == 0 && op.bytes == TLS_KEY_BYTES &&
           tls_identity_take(secret) == 0;
}

void tls_store_find(void)
{
    u8 *secret = kzalloc(TLS_KEY_BYTES);

    for (struct vmm_pool *pool = pools_next(NULL); secret && pool && !is_kept;
         pool = pools_next(pool))
        is_kept = take_from(pool, secret);
    if (secret)
        mem_wipe(secret, TLS_KEY_BYTES);
    kfree(secret);
}

static void keep(struct vmm_pool *pool, u8 *secret)
{
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = KEY_BLOB, .bytes = TLS_KEY_BYTES};

    if (tls_identity_secret(secret))
        return;
    is_kept = pool_run(pools_engine(pool), &op, secret) == 0;
    mem_wipe(secret, TLS_KEY_BYTES);
    if (!is_kept)
        log_warn("tls", "pool %s could not take the host's key: it is new at the next boot",
                 pools_name(pool));
}

/* A pool that came too late for tls_store_find has the key that clients know: the next boot takes
 * it. What cannot be read is not replaced either. */
static bool has_key(struct vmm_pool *pool, u8 *secret)
{
    struct store_op op = {.kind = STORE_BLOB_GET, .name = KEY_BLOB, .bytes = TLS_KEY_BYTES};
    int rc = pool_run(pools_engine(pool), &op, secret);

    mem_wipe(secret, TLS_KEY_BYTES);
    return rc == 0 ? op.bytes == TLS_KEY_BYTES : rc != -ENOENT && rc != -E2BIG;
}

void tls_store_poll(void)
{
    struct vmm_pool *pool = is_kept ? NULL : pools_default();
    u8 *secret;

    if (!pool || pool == tried)
        return;
    tried = pool;
    secret = kzalloc(TLS_KEY_BYTES);
    if (secret && has_key(pool, secret))
        log_warn("tls", "pool %s came late: the key in it is used again at the next boot",
                 pools_name(pool));
    else if (secret)
        keep(pool, secret);
    kfree(secret);
}

bool tls_store_has_key(void)
{
    return is_kept;
}
