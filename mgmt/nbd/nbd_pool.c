/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools on NBD servers. All of them are one blob, read from a datastore that is there at boot,
 * once; what changes later is written to the default one.
 */
#include "mgmt/nbd/nbd_pool.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

#define NBD_BLOB       "nbd"
#define RECORD_VERSION 1u

struct nbd_pool {
    struct pool_remote remote; /* first */
    char name[POOL_NAME_MAX + 1];
    struct nbd_server server;
};

/* The blob: a head, pools, volumes. */
struct record_head {
    u32 version;
    u32 pools;
    u32 volumes;
    u32 reserved;
};

struct pool_record {
    char name[POOL_NAME_MAX + 1];
    struct nbd_server server;
};

struct volume_record {
    char name[VM_VOLUME_NAME_MAX + 1];
    char pool[POOL_NAME_MAX + 1];
    char export[VOLUME_EXPORT_MAX + 1];
    u8 is_read_only;
};

_Static_assert(sizeof(struct pool_record) == 4450 && sizeof(struct volume_record) == 385,
               "on the disk");

#define BLOB_BYTES_MAX                                                     \
    (sizeof(struct record_head) + POOLS_MAX * sizeof(struct pool_record) + \
     NBD_REMOTES_MAX * sizeof(struct volume_record))
_Static_assert(BLOB_BYTES_MAX <= 56u * 1024u, "what a blob has room for");

static bool is_stale; /* something has changed that no datastore has */
static bool is_taken; /* what was kept has been read */

static void on_change(void)
{
    is_stale = true;
}

/* -- as pools
 * ----------------------------------------------------------------------------------------------------
 */

static int attach(struct pool_remote *remote, const struct volume_spec *spec, struct volume **out,
                  struct vmm_error *err)
{
    struct nbd_pool *pool = (struct nbd_pool *)(void *)remote;
    int rc = nbd_remote_open(&pool->server, spec->name, spec->export, spec->is_read_only, on_change,
                             out);

    if (rc == -ENOSPC)
        vmm_error_set(err, "no_space", NULL, "Delete a volume of a server.",
                      "There are %u volumes of servers, the most possible.", NBD_REMOTES_MAX);
    else if (rc)
        vmm_error_no_memory(err);
    is_stale |= rc == 0;
    return rc;
}

static bool is_online(const struct pool_remote *remote, const char **reason)
{
    const struct nbd_pool *pool = (const struct nbd_pool *)(const void *)remote;
    struct volume *volume = NULL;

    *reason = NULL;
    while (!*reason && (volume = nbd_remote_next(&pool->server, volume)) != NULL)
        *reason = nbd_remote_reason(volume);
    return *reason == NULL;
}

static void forget(struct pool_remote *remote)
{
    kfree(remote);
    on_change();
}

static const struct pool_remote_ops ops = {
    .attach = attach, .is_online = is_online, .forget = forget};

const struct nbd_server *nbd_pool_server(const struct vmm_pool *pool)
{
    const struct pool_remote *remote = pools_remote(pool);

    return remote ? &((const struct nbd_pool *)(const void *)remote)->server : NULL;
}

/* -- made
 * --------------------------------------------------------------------------------------------------------
 */

static int check(const struct nbd_server *server, struct vmm_error *err)
{
    struct outgoing_trust trust = {.ca = server->has_pin ? NULL : server->ca};
    const char *why;

    if (!outgoing_host_is_valid(server->host) || server->port == 0) {
        vmm_error_set(err, "bad_value", "/nbd/host",
                      "Use a name or an address, and a port from 1 to 65535.",
                      "This cannot be where a server is.");
        return -EINVAL;
    }
    if (!server->has_tls || outgoing_check_trust(&trust, &why) == 0)
        return 0;
    vmm_error_set(err, "bad_value", "/nbd/tls",
                  "Give \"ca\" a CA's certificate in PEM, or \"certificate_sha256\" the digest of "
                  "the server's own.",
                  "%s", why);
    return -EINVAL;
}

static bool is_same(const struct vmm_pool *pool, const struct nbd_server *server)
{
    const struct nbd_server *is = nbd_pool_server(pool);

    return is && memcmp(is, server, sizeof(*is)) == 0;
}

int nbd_pool_check(const char *name, const struct nbd_server *server, struct vmm_error *err)
{
    const struct vmm_pool *pool = pools_find(name);
    int rc = check(server, err);

    return rc || (pool && is_same(pool, server)) ? rc : pools_check_remote(name, err);
}

int nbd_pool_put(const char *name, const struct nbd_server *server, struct vmm_pool **out,
                 struct vmm_error *err)
{
    struct nbd_pool *pool;
    int rc = check(server, err);

    *out = pools_find(name);
    if (rc || (*out && is_same(*out, server)))
        return rc;
    pool = kzalloc(sizeof(*pool));
    if (!pool)
        return vmm_error_no_memory(err);
    pool->remote.ops = &ops;
    pool->server = *server;
    (void)str_copy(pool->name, sizeof(pool->name), name);
    rc = pools_put_remote(name, &pool->remote, out, err);
    if (rc)
        kfree(pool);
    is_stale |= rc == 0;
    return rc;
}

/* -- at rest
 * -----------------------------------------------------------------------------------------------------
 */

/* Return: bytes. */
static size_t write_all(u8 *blob)
{
    struct record_head head = {.version = RECORD_VERSION};
    u8 *to = blob + sizeof(head);
    struct volume_spec spec;

    for (struct vmm_pool *pool = pools_next(NULL); pool; pool = pools_next(pool)) {
        struct pool_record record = {0};

        if (!nbd_pool_server(pool))
            continue;
        (void)str_copy(record.name, sizeof(record.name), pools_name(pool));
        record.server = *nbd_pool_server(pool);
        memcpy(to, &record, sizeof(record));
        to += sizeof(record);
        head.pools++;
    }
    for (struct volume *volume = volumes_next(NULL); volume; volume = volumes_next(volume)) {
        struct volume_record record = {0};

        volumes_get_spec(volume, &spec);
        if (!volume_is_remote(volume))
            continue;
        (void)str_copy(record.name, sizeof(record.name), spec.name);
        (void)str_copy(record.pool, sizeof(record.pool), spec.pool);
        (void)str_copy(record.export, sizeof(record.export), spec.export);
        record.is_read_only = spec.is_read_only;
        memcpy(to, &record, sizeof(record));
        to += sizeof(record);
        head.volumes++;
    }
    memcpy(blob, &head, sizeof(head));
    return (size_t)(to - blob);
}

void nbd_pools_keep(void)
{
    struct vmm_pool *pool = is_stale ? pools_default() : NULL;
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = NBD_BLOB};
    u8 *blob;
    int rc = -ENOMEM;

    if (!pool)
        return;
    blob = kzalloc(BLOB_BYTES_MAX);
    if (blob) {
        op.bytes = write_all(blob);
        rc = pool_run(pools_engine(pool), &op, blob);
    }
    kfree(blob);
    is_stale = rc != 0;
    if (rc)
        log_warn("nbd", "pool %s could not take what is on servers (%d): it is gone after a reboot",
                 pools_name(pool), rc);
}

static bool has_end(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void take_pool(const u8 *from)
{
    struct pool_record record;
    struct vmm_pool *pool;
    struct vmm_error err;

    memcpy(&record, from, sizeof(record));
    if (!has_end(record.name, sizeof(record.name)) ||
        !has_end(record.server.host, sizeof(record.server.host)) ||
        !has_end(record.server.ca, sizeof(record.server.ca)))
        return;
    if (nbd_pool_put(record.name, &record.server, &pool, &err))
        log_warn("nbd", "pool %s is left out: %s", record.name, err.text);
}

static void take_volume(const u8 *from)
{
    struct volume_record record;
    struct volume_spec spec = {0};
    struct volume *volume;
    struct vmm_error err;

    memcpy(&record, from, sizeof(record));
    if (!has_end(record.name, sizeof(record.name)) || !has_end(record.pool, sizeof(record.pool)) ||
        !has_end(record.export, sizeof(record.export)))
        return;
    (void)str_copy(spec.name, sizeof(spec.name), record.name);
    (void)str_copy(spec.pool, sizeof(spec.pool), record.pool);
    (void)str_copy(spec.export, sizeof(spec.export), record.export);
    spec.is_read_only = record.is_read_only != 0;
    if (volumes_create(&spec, &volume, &err))
        log_warn("nbd", "volume %s is left out: %s", record.name, err.text);
}

/* Counts are those of the blob only if they fit its length. */
static void take_all(const u8 *blob, size_t bytes)
{
    const u8 *from = blob + sizeof(struct record_head);
    struct record_head head;

    memcpy(&head, blob, sizeof(head));
    if (head.version != RECORD_VERSION || head.pools > POOLS_MAX ||
        head.volumes > NBD_REMOTES_MAX ||
        bytes != sizeof(head) + head.pools * sizeof(struct pool_record) +
                     head.volumes * sizeof(struct volume_record))
        return;
    for (u32 i = 0; i < head.pools; i++, from += sizeof(struct pool_record))
        take_pool(from);
    for (u32 i = 0; i < head.volumes; i++, from += sizeof(struct volume_record))
        take_volume(from);
}

static void on_blob(struct vmm_pool *pool, const char *blob)
{
    struct store_op op = {.kind = STORE_BLOB_GET, .name = NBD_BLOB, .bytes = BLOB_BYTES_MAX};
    u8 *bytes;

    if (strcmp(blob, NBD_BLOB) != 0 || is_taken || is_stale)
        return;
    bytes = kzalloc(BLOB_BYTES_MAX);
    if (bytes && pool_run(pools_engine(pool), &op, bytes) == 0) {
        is_taken = true;
        take_all(bytes, op.bytes);
        is_stale = false;
    }
    kfree(bytes);
}

static void on_online(struct vmm_pool *pool unused)
{
    nbd_pools_keep();
}

void nbd_pools_init(void)
{
    static struct pool_listener listener = {
        .prefix = NBD_BLOB, .on_blob = on_blob, .on_online = on_online};

    pools_listen(&listener);
}
