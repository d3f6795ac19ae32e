/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions written to pools and read from there. */
#include "core/vmm/vm_store.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/boot_vms.h"
#include "core/vmm/clock.h"
#include "core/vmm/large_blob.h"
#include "core/vmm/vm_fdt.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

#define BLOB_NAME_MAX (sizeof(VM_STORE_PREFIX) + 36u)

_Static_assert(BLOB_NAME_MAX <= LARGE_BLOB_NAME_MAX, "large_blob takes it");

static void blob_name(const struct vmm_entry *entry, char *name)
{
    char uuid[37];

    vmm_uuid_format(entry->cfg.uuid, uuid);
    ksnprintf(name, BLOB_NAME_MAX, VM_STORE_PREFIX "%s", uuid);
}

static int save_in(struct vmm_entry *entry, struct vmm_pool *pool)
{
    char name[BLOB_NAME_MAX];
    size_t room = vm_fdt_bytes_max(&entry->cfg);
    void *tree = kmalloc(room);
    size_t bytes;
    int rc = -EBUSY;

    if (!tree)
        return -ENOMEM;
    blob_name(entry, name);
    bytes = vm_fdt_write(&entry->cfg, tree, room);
    if (bytes == 0)
        rc = -E2BIG;
    else if (pools_engine(pool))
        rc = large_blob_put(pools_engine(pool), name, entry->created_unix_ns / 1000000000u, tree,
                            bytes);
    kfree(tree);
    if (rc == 0)
        entry->pool = pool;
    return rc;
}

int vm_store_save(struct vmm_entry *entry, struct vmm_error *err)
{
    struct vmm_pool *pool = entry->pool ? entry->pool : pools_default();
    int rc = entry->is_from_dtb || !pool ? 0 : save_in(entry, pool);

    return rc ? pools_explain(rc, pool, err) : 0;
}

int vm_store_forget(struct vmm_entry *entry, struct vmm_error *err)
{
    char name[BLOB_NAME_MAX];
    int rc;

    if (!entry->pool)
        return 0;
    blob_name(entry, name);
    rc = large_blob_delete(pools_engine(entry->pool), name);
    return rc == 0 || rc == -ENOENT ? 0 : pools_explain(rc, entry->pool, err);
}

/* The only VM of the tree. */
static int read_tree(const void *tree, size_t bytes, struct vm_config *cfg)
{
    static const struct dtb_report silent = {NULL, NULL};
    int node = dtb_is_socle(tree, bytes) ? dtb_find(tree, "/vms") : -1;

    node = node < 0 ? node : fdt_first_subnode(tree, node);
    return node < 0 ? -EINVAL : vm_fdt_read(tree, node, "vms", cfg, &silent);
}

void vm_store_load(struct vmm_pool *pool, const char *blob)
{
    static struct vm_config cfg; /* large; one task */
    struct vmm_error err = {.text = "The host is out of memory."};
    void *tree = NULL;
    size_t bytes;
    u32 id;
    int rc = large_blob_get(pools_engine(pool), blob, &tree, &bytes);

    if (rc == 0) {
        rc = read_tree(tree, bytes, &cfg);
        kfree(tree);
    }
    if (rc == -EINVAL)
        (void)str_copy(err.text, sizeof(err.text), "What is kept of it makes no sense.");
    else if (rc && rc != -ENOMEM)
        (void)pools_explain(rc, pool, &err);
    if (rc == 0) {
        rc = vmm_add(&cfg, &id, &err);
        vm_config_fini(&cfg);
    }
    if (rc) {
        log_warn("pool", "%s: a VM (%s) is left out: %s", pools_name(pool), blob, err.text);
        return;
    }
    registry_find_id(id)->pool = pool;
    if (cfg.autostart)
        boot_vms_start_later(id);
}

void vm_store_save_others(struct vmm_pool *pool)
{
    for (u32 i = 0; i < registry_count(); i++) {
        struct vmm_entry *entry = registry_at(i);

        if (!entry->pool && !entry->is_from_dtb && save_in(entry, pool))
            log_warn("pool", "%s: the definition of VM %s could not be kept", pools_name(pool),
                     entry->cfg.name);
    }
}

void vm_store_let_go(const struct vmm_pool *pool)
{
    for (u32 i = 0; i < registry_count(); i++) {
        if (registry_at(i)->pool == pool)
            registry_at(i)->pool = NULL;
    }
}
