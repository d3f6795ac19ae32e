/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients are asked for a certificate when one could let somebody in: browsers ask their user which
 * one to show, so nobody is asked in vain.
 */
#include "mgmt/tls/client_ca.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/auth/auth_store.h"
#include "mgmt/auth/auth_users.h"
#include "mgmt/http/server.h"
#include "mgmt/tls/tls.h"
#include "mm/kheap.h"

#define BLOB           "tls-client-ca"
#define RECORD_VERSION 1u

/* The blob. */
struct record {
    u32 version;
    char pem[TLS_PEM_CERTIFICATE_MAX + 1];
};

static struct {
    struct tls_chain *authorities;
    struct record *waiting;       /* for a pool; NULL: kept, or there is none */
    const struct vmm_pool *tried; /* it could not take it and is not asked again */
    bool asks;
    u32 version;
} ca;

u32 client_ca_version(void)
{
    return ca.version;
}

struct tls_chain *client_ca(void)
{
    return ca.authorities;
}

bool client_ca_is_kept(void)
{
    return ca.authorities && !ca.waiting;
}

/* Those before are freed, and whom they have let in goes. */
static void use(struct tls_chain *authorities)
{
    server_end_handshakes();
    server_end_trusted();
    ca.version++;
    ca.asks = authorities || auth_users_have_certs();
    tls_ask_clients(ca.asks, authorities);
    tls_chain_free(ca.authorities);
    ca.authorities = authorities;
}

static void keep(void)
{
    struct vmm_pool *pool = ca.waiting ? pools_default() : NULL;
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = BLOB, .bytes = sizeof(*ca.waiting)};

    if (!pool || pool == ca.tried)
        return;
    ca.tried = pool;
    if (pool_run(pools_engine(pool), &op, ca.waiting) != 0) {
        log_warn("tls", "pool %s could not take the client CA: it is gone after a reboot",
                 pools_name(pool));
        return;
    }
    kfree(ca.waiting);
    ca.waiting = NULL;
}

void client_ca_poll(void)
{
    bool asks = ca.authorities || auth_users_have_certs();

    if (asks != ca.asks) {
        server_end_handshakes();
        ca.asks = asks;
        tls_ask_clients(asks, ca.authorities);
    }
    keep();
}

int client_ca_put(struct tls_chain *authorities, const char *pem)
{
    struct record *record = kzalloc(sizeof(*record));

    if (!record)
        return -ENOMEM;
    record->version = RECORD_VERSION;
    (void)str_copy(record->pem, sizeof(record->pem), pem);
    kfree(ca.waiting);
    ca.waiting = record;
    ca.tried = NULL;
    use(authorities);
    keep();
    return 0;
}

int client_ca_drop(void)
{
    if (client_ca_is_kept() && auth_store_drop_blob(BLOB))
        return -EBUSY;
    kfree(ca.waiting);
    ca.waiting = NULL;
    use(NULL);
    return 0;
}

static void take_from(struct vmm_pool *pool, struct record *record)
{
    struct store_op op = {.kind = STORE_BLOB_GET, .name = BLOB, .bytes = sizeof(*record)};
    struct pool *engine = pools_engine(pool);
    struct tls_refusal why = {.detail = "it is damaged"};
    struct tls_chain *authorities = NULL;
    int rc = engine ? pool_run(engine, &op, record) : -ENOENT;

    if (rc == -ENOENT)
        return;
    if (rc == 0 && (op.bytes != sizeof(*record) || record->version != RECORD_VERSION ||
                    strnlen(record->pem, sizeof(record->pem)) == sizeof(record->pem)))
        rc = -EINVAL;
    if (rc == 0)
        rc = tls_chain_read_authorities(record->pem, &authorities, &why);
    if (rc)
        log_warn("tls", "the client CA kept in pool %s cannot be used (%d): %s", pools_name(pool),
                 rc, why.detail);
    else
        use(authorities);
}

void client_ca_find(void)
{
    struct record *record = kzalloc(sizeof(*record));

    for (struct vmm_pool *pool = pools_next(NULL); record && pool && !ca.authorities;
         pool = pools_next(pool))
        take_from(pool, record);
    kfree(record);
}
