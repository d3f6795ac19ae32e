/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One blob. It is read from a pool that is there at boot, once; what changes later is written to
 * the default pool, and as soon as there is one. Settings on trial are not kept: those before them
 * are.
 */
#include "mgmt/config/config_store.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/net/boot_networks.h"
#include "mgmt/net/host_network.h"
#include "mgmt/config/config_now.h"
#include "mm/kheap.h"

#define CONFIG_BLOB      "config"
#define CONFIG_BYTES_MAX (56u * 1024u) /* a blob has room for a little more */

static struct {
    const void *dtb;    /* or NULL */
    bool is_host_given; /* socle.dtb says how the host is on the network */
    bool is_over;       /* nothing is taken from pools any more */
    bool is_stale;      /* something has changed that no pool has */
} store;

static void tell(void *cookie unused, const char *node, const char *name, const char *what)
{
    log_warn("config", "kept settings: %s%s%s: %s", node, name ? ": " : "", name ? name : "", what);
}

static void take_host(const void *tree, size_t bytes, const struct dtb_report *report)
{
    struct host_config cfg;
    int rc;

    host_config_default(&cfg);
    if (store.is_host_given || host_config_read(&cfg, tree, bytes, report) ||
        host_network_is_same(&cfg.net, host_network_in_force()))
        return;
    rc = host_network_restore(&cfg.net);
    if (rc)
        log_warn("config", "the kept settings of the host's network cannot be applied (%d)", rc);
}

static void take(struct vmm_pool *pool, void *tree)
{
    const struct dtb_report report = {.fn = tell};
    struct store_op op = {.kind = STORE_BLOB_GET, .name = CONFIG_BLOB, .bytes = CONFIG_BYTES_MAX};
    int rc = pool_run(pools_engine(pool), &op, tree);

    if (rc) {
        log_warn("config", "pool %s has settings that cannot be read (%d)", pools_name(pool), rc);
        return;
    }
    store.is_over = true;
    boot_networks(tree, op.bytes, store.dtb, &report);
    take_host(tree, op.bytes, &report);
    log_info("config", "settings kept in pool %s are in force", pools_name(pool));
}

static void on_blob(struct vmm_pool *pool, const char *blob)
{
    void *tree;

    if (strcmp(blob, CONFIG_BLOB) != 0 || store.is_over)
        return;
    tree = kmalloc(CONFIG_BYTES_MAX);
    if (tree)
        take(pool, tree);
    kfree(tree);
}

/* What is to come back after a reboot. */
static const struct host_network *lasting(void)
{
    const struct net_change *change = host_network_change();

    return change->state == NET_CHANGE_ON_TRIAL ? &change->previous : host_network_in_force();
}

static void keep(struct vmm_pool *pool)
{
    void *tree = kmalloc(CONFIG_BYTES_MAX);
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = CONFIG_BLOB};
    int rc = -ENOMEM;

    if (tree) {
        op.bytes = config_now(tree, CONFIG_BYTES_MAX, NULL, lasting());
        rc = op.bytes ? pool_run(pools_engine(pool), &op, tree) : -ENOSPC;
    }
    kfree(tree);
    store.is_stale = rc != 0;
    if (rc)
        log_warn("config",
                 "pool %s could not take the host's settings (%d): they are gone after a "
                 "reboot",
                 pools_name(pool), rc);
}

void config_store_note(void)
{
    struct vmm_pool *pool = pools_default();

    store.is_stale = true;
    if (pool)
        keep(pool);
}

static void on_online(struct vmm_pool *pool)
{
    if (store.is_stale)
        keep(pool);
}

void config_store_poll(void)
{
    store.is_over |= pools_are_settled();
}

void config_store_init(const void *dtb, size_t bytes)
{
    static struct pool_listener listener = {
        .prefix = CONFIG_BLOB, .on_blob = on_blob, .on_online = on_online};
    struct host_config cfg;

    host_config_default(&cfg);
    store.dtb = dtb && dtb_is_socle(dtb, bytes) ? dtb : NULL;
    store.is_host_given = memcmp(&cfg.net, host_network_in_force(), sizeof(cfg.net)) != 0;
    pools_listen(&listener);
}
