/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * At rest it is a blob with the PEM as it came, and read in the same way. Until a pool has taken it
 * there is a copy in memory; then none, but for what Mbed TLS needs.
 */
#include "mgmt/tls/host_tls.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/http/server.h"
#include "mgmt/tls/tls.h"
#include "mgmt/tls/tls_facts.h"
#include "mgmt/tls/tls_store.h"
#include "mm/kheap.h"

#define BLOB           "tls-own"
#define RECORD_VERSION 1u

/* The blob. */
struct record {
    u32 version;
    struct tls_pem pem;
};

static struct {
    struct record *waiting;       /* for a pool; NULL: kept, or there is none */
    const struct vmm_pool *tried; /* it could not take it and is not asked again */
} own;

static void forget(struct record *record)
{
    if (record)
        mem_wipe(record, sizeof(*record));
    kfree(record);
}

static bool is_text(const char *text, size_t size)
{
    return strnlen(text, size) < size;
}

static int install(const struct tls_pem *pem, struct tls_refusal *why)
{
    struct tls_chain *chain;
    int rc = tls_chain_read(pem, &chain, why);

    if (rc)
        return rc;
    server_end_handshakes();
    rc = tls_install(chain);
    if (rc)
        tls_chain_free(chain);
    return rc;
}

static bool take_from(struct vmm_pool *pool, struct record *record)
{
    struct store_op op = {.kind = STORE_BLOB_GET, .name = BLOB, .bytes = sizeof(*record)};
    struct pool *engine = pools_engine(pool);
    struct tls_refusal why = {.detail = "it is damaged"};
    int rc = engine ? pool_run(engine, &op, record) : -ENOENT;

    if (rc == -ENOENT)
        return false;
    if (rc == 0 && (op.bytes != sizeof(*record) || record->version != RECORD_VERSION ||
                    !is_text(record->pem.certificate, sizeof(record->pem.certificate)) ||
                    !is_text(record->pem.key, sizeof(record->pem.key))))
        rc = -EINVAL;
    if (rc == 0)
        rc = install(&record->pem, &why);
    if (rc)
        log_warn("tls", "the certificate kept in pool %s cannot be used (%d): %s", pools_name(pool),
                 rc, why.detail);
    return rc == 0;
}

void host_tls_find(void)
{
    struct record *record = kzalloc(sizeof(*record));

    for (struct vmm_pool *pool = pools_next(NULL); record && pool && !tls_is_own();
         pool = pools_next(pool))
        (void)take_from(pool, record);
    forget(record);
}

/* From all pools but one. Return: 0; -EBUSY: one of them does not work. */
static int delete_but(const struct vmm_pool *except)
{
    for (struct vmm_pool *pool = pools_next(NULL); pool; pool = pools_next(pool)) {
        struct store_op op = {.kind = STORE_BLOB_DELETE, .name = BLOB};
        struct pool *engine = pools_engine(pool);
        int rc = pool == except ? -ENOENT : engine ? pool_run(engine, &op, NULL) : -EBUSY;

        if (rc && rc != -ENOENT)
            return -EBUSY;
    }
    return 0;
}

void host_tls_poll(void)
{
    struct vmm_pool *pool = own.waiting ? pools_default() : NULL;
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = BLOB, .bytes = sizeof(*own.waiting)};
    int rc;

    if (!pool || pool == own.tried)
        return;
    own.tried = pool;
    rc = pool_run(pools_engine(pool), &op, own.waiting);
    if (rc) {
        log_warn("tls", "pool %s could not take the certificate (%d): it is gone after a reboot",
                 pools_name(pool), rc);
        return;
    }
    forget(own.waiting);
    own.waiting = NULL;
    if (delete_but(pool))
        log_warn("tls", "another pool may have an older certificate");
}

int host_tls_put(const struct tls_pem *pem, struct tls_refusal *why)
{
    struct record *record = kzalloc(sizeof(*record));
    int rc;

    if (!record)
        return -ENOMEM;
    rc = install(pem, why);
    if (rc) {
        kfree(record);
        return rc;
    }
    record->version = RECORD_VERSION;
    record->pem = *pem;
    forget(own.waiting);
    own.waiting = record;
    own.tried = NULL;
    host_tls_poll();
    host_tls_tell();
    return 0;
}

int host_tls_drop(void)
{
    int rc;

    if (!tls_is_own())
        return -ENOENT;
    if (delete_but(NULL))
        return -EBUSY;
    server_end_handshakes();
    rc = tls_install(NULL);
    if (rc)
        return -EBUSY;
    forget(own.waiting);
    own.waiting = NULL;
    host_tls_tell();
    return 0;
}

bool host_tls_is_kept(void)
{
    return tls_is_own() ? !own.waiting : tls_store_has_key();
}

void host_tls_tell(void)
{
    const char *warning = tls_facts_warning();

    log_info("tls", "certificate SHA-256 %s", tls_fingerprint());
    if (warning)
        log_warn("tls", "%s", warning);
    log_info("tls", "public key %s, %s", tls_key_pin(),
             host_tls_is_kept() ? "kept in a pool" : "new at each boot");
}
