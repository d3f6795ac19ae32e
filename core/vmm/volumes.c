/* SPDX-License-Identifier: BSD-2-Clause */
/* The registry of volumes, and how each kind is made. */
#include "core/vmm/volumes.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_blk.h"
#include "core/vmm/image.h"
#include "core/vmm/image_pool.h"
#include "core/vmm/pools.h"
#include "core/vmm/registry.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes_impl.h"
#include "core/x86/log.h"
#include "drivers/block/volume_pool.h"
#include "drivers/block/volume_ram.h"
#include "mm/kheap.h"

struct entry {
    struct list link; /* in name order */
    struct volume *volume;
    struct volume_spec spec;
};

static struct list registry = LIST_INIT(registry);
static u32 count;

static struct entry *entry_of(const struct volume *volume)
{
    list_for_each(pos, &registry)
    {
        struct entry *entry = list_entry(pos, struct entry, link);

        if (entry->volume == volume)
            return entry;
    }
    return NULL;
}

struct volume *volumes_find(const char *name)
{
    list_for_each(pos, &registry)
    {
        struct entry *entry = list_entry(pos, struct entry, link);

        if (strcmp(entry->spec.name, name) == 0)
            return entry->volume;
    }
    return NULL;
}

struct volume *volumes_next(const struct volume *after)
{
    const struct list *at = after ? &entry_of(after)->link : &registry;

    return at->next == &registry ? NULL : list_entry(at->next, struct entry, link)->volume;
}

void volumes_get_spec(const struct volume *volume, struct volume_spec *out)
{
    *out = entry_of(volume)->spec;
    out->size_bytes = volume_bytes(volume);
}

/* Whether it is made of what is asked for; nothing asked for fits whatever a pool's is made of. */
static bool has_source(const struct volume *volume, const struct volume_spec *spec)
{
    const char *from = spec->volume[0]     ? spec->volume
                       : spec->snapshot[0] ? spec->snapshot
                                           : spec->image;
    const char *parent = volumes_parent(volume);

    if (!from[0])
        return !parent || volume_pool_of(volume);
    return parent && strcmp(parent, from) == 0;
}

bool volumes_is_same(struct volume *volume, const struct volume_spec *spec)
{
    struct volume_spec is;

    volumes_get_spec(volume, &is);
    return (spec->size_bytes == 0 || spec->size_bytes == is.size_bytes) &&
           (!spec->pool[0] || strcmp(spec->pool, is.pool) == 0) && has_source(volume, spec) &&
           strcmp(spec->disk, is.disk) == 0 && strcmp(spec->export, is.export) == 0 &&
           spec->partition == is.partition && spec->is_read_only == is.is_read_only;
}

/* -- making
 * -------------------------------------------------------------------------------------------------------
 */

static void insert(struct entry *entry)
{
    struct list *after = &registry;

    while (after->next != &registry &&
           strcmp(list_entry(after->next, struct entry, link)->spec.name, entry->spec.name) < 0)
        after = after->next;
    list_push_front(after, &entry->link);
    count++;
}

static const char *pool_of_image(const char *name)
{
    const struct image *img = image_find(name);

    return img && image_rest_of(img) ? image_rest_of(img)->pool : POOL_RAM;
}

/* Where it is to be. Return: 0 and *out (NULL: in RAM), -EINVAL, -EBUSY. */
static int choose_pool(const struct volume_spec *spec, struct vmm_pool **out, struct vmm_error *err)
{
    const char *from = spec->volume[0] ? spec->volume : spec->snapshot;
    const struct volume *source = from[0] ? volumes_find(from) : NULL;
    char pool[VOLUME_POOL_NAME_MAX + 1];

    (void)str_copy(pool, sizeof(pool), spec->pool);
    if (!pool[0] && source)
        (void)str_copy(pool, sizeof(pool), entry_of(source)->spec.pool);
    if (!pool[0] && spec->image[0])
        (void)str_copy(pool, sizeof(pool), pool_of_image(spec->image));
    *out = pool[0] ? pools_find(pool) : pools_default();
    if (!pool[0] || strcmp(pool, POOL_RAM) == 0)
        return 0;
    if (!*out) {
        vmm_error_set(err, "semantic", "/pool",
                      "GET /api/v1/pools lists them; \"ram\" is there always.",
                      "There is no pool \"%s\".", pool);
        return -EINVAL;
    }
    return pools_engine(*out) || pools_remote(*out) ? 0 : pools_explain(-EBUSY, *out, err);
}

/* What a server has is as large as it is, and holds what it does. */
static int check_remote(const struct volume_spec *spec, const struct vmm_pool *pool,
                        struct vmm_error *err)
{
    if (!pool || !pools_remote(pool)) {
        vmm_error_set(err, "semantic", "/export", "PUT /api/v1/pools/{p} with \"nbd\" makes one.",
                      "Only a pool on a server has exports.");
        return -EINVAL;
    }
    if (!spec->export[0] || spec->image[0] || spec->volume[0] || spec->snapshot[0] ||
        spec->size_bytes != 0) {
        vmm_error_set(
            err, "semantic", "/export",
            "Give the name of an export that is there, and leave size_bytes and from out.",
            "Pool \"%s\" has what its server has: nothing can be made in it.", pools_name(pool));
        return -EINVAL;
    }
    return 0;
}

static bool is_remote(const struct volume_spec *spec, const struct vmm_pool *pool)
{
    return spec->export[0] || (pool && pools_remote(pool));
}

static int make_remote(const struct volume_spec *spec, const struct vmm_pool *pool,
                       struct volume **out, struct vmm_error *err)
{
    int rc = check_remote(spec, pool, err);

    return rc ? rc : pools_remote(pool)->ops->attach(pools_remote(pool), spec, out, err);
}

/* *spec tells then where it is. */
static int make(struct volume_spec *spec, struct volume **out, struct vmm_error *err)
{
    struct vmm_pool *pool = NULL;
    int rc;

    if (spec->disk[0])
        return volumes_make_on_disk(spec, out, err);
    rc = choose_pool(spec, &pool, err);
    if (rc)
        return rc;
    (void)str_copy(spec->pool, sizeof(spec->pool), pool ? pools_name(pool) : POOL_RAM);
    if (is_remote(spec, pool))
        return make_remote(spec, pool, out, err);
    return pool ? volumes_make_in_pool(spec, pool, out, err) : volumes_make_in_ram(spec, out, err);
}

static int check_spec(const struct volume_spec *spec, struct vmm_error *err)
{
    if (!vm_name_is_valid(spec->name)) {
        vmm_error_set(err, "bad_value", "/name", "Use 1 to 63 of a-z, 0-9 and '-', not '-' first.",
                      "This cannot be the name of a volume.");
        return -EINVAL;
    }
    if (spec->disk[0] && (spec->image[0] || spec->volume[0] || spec->snapshot[0] || spec->pool[0] ||
                          spec->export[0] || spec->size_bytes != 0)) {
        vmm_error_set(err, "semantic", "/disk", "Leave pool, size_bytes and from out.",
                      "A volume on a disk is as large as its partition, and holds what is there.");
        return -EINVAL;
    }
    if (count == VOLUMES_MAX) {
        vmm_error_set(err, "no_space", NULL, "Delete a volume.",
                      "There are %u volumes, the most possible.", VOLUMES_MAX);
        return -ENOSPC;
    }
    return 0;
}

static int there_is_another(const struct volume_spec *spec, struct vmm_error *err)
{
    vmm_error_set(err, "exists", NULL, "It can be made larger; delete it first to change more.",
                  "There is another volume \"%s\".", spec->name);
    return -EEXIST;
}

int volumes_create(const struct volume_spec *spec, struct volume **out, struct vmm_error *err)
{
    struct entry *entry;
    int rc;

    *out = volumes_find(spec->name);
    if (*out)
        return there_is_another(spec, err);
    rc = check_spec(spec, err);
    if (rc)
        return rc;
    entry = kzalloc(sizeof(*entry));
    if (!entry)
        return vmm_error_no_memory(err);
    entry->spec = *spec;
    rc = make(&entry->spec, out, err);
    if (rc) {
        kfree(entry);
        return rc;
    }
    entry->volume = *out;
    insert(entry);
    return 0;
}

int volumes_check(struct volume_spec *spec, struct vmm_error *err)
{
    struct volume *made = volumes_find(spec->name);
    struct vmm_pool *pool = NULL;
    int rc;

    if (made && !volumes_is_same(made, spec))
        return there_is_another(spec, err);
    if (made) {
        volumes_get_spec(made, spec);
        return 0;
    }
    rc = check_spec(spec, err);
    if (rc == 0 && !spec->disk[0])
        rc = choose_pool(spec, &pool, err);
    if (rc)
        return rc;
    if (!spec->disk[0] && is_remote(spec, pool)) {
        (void)str_copy(spec->pool, sizeof(spec->pool), pool ? pools_name(pool) : POOL_RAM);
        return check_remote(spec, pool, err);
    }
    if (pool)
        return volumes_check_in_pool(spec, pool, err);
    rc = make(spec, &made, err); /* in RAM or of a disk: that writes nothing */
    if (rc)
        return rc;
    spec->size_bytes = volume_bytes(made);
    made->ops->destroy(made);
    return 0;
}

/* -- pools
 * --------------------------------------------------------------------------------------------------------
 */

void volumes_adopt(struct vmm_pool *pool, const char *name)
{
    struct entry *entry = NULL;
    int rc = vm_name_is_valid(name) ? 0 : -EINVAL;

    if (rc == 0 && volumes_find(name))
        rc = -EEXIST;
    if (rc == 0 && count == VOLUMES_MAX)
        rc = -ENOSPC;
    if (rc == 0)
        entry = kzalloc(sizeof(*entry));
    if (rc == 0)
        rc = entry ? volume_pool_open(pools_engine(pool), name, &entry->volume) : -ENOMEM;
    if (rc) {
        kfree(entry);
        log_warn("pool", "%s: volume \"%s\" is left out: %s", pools_name(pool), name,
                 rc == -EINVAL   ? "that is no name for one"
                 : rc == -EEXIST ? "there is another one of that name"
                 : rc == -ENOSPC ? "there are too many"
                 : rc == -ENOMEM ? "the host is out of memory"
                                 : "it cannot be read");
        return;
    }
    (void)str_copy(entry->spec.name, sizeof(entry->spec.name), name);
    (void)str_copy(entry->spec.pool, sizeof(entry->spec.pool), pools_name(pool));
    entry->spec.is_read_only = entry->volume->is_read_only;
    insert(entry);
}

bool volumes_in_use(const struct pool *engine)
{
    list_for_each(pos, &registry)
    {
        const struct entry *entry = list_entry(pos, struct entry, link);

        if (volume_pool_of(entry->volume) == engine && volume_is_used(entry->volume))
            return true;
    }
    return false;
}

static void let_go(struct entry *entry)
{
    list_remove(&entry->link);
    count--;
    entry->volume->ops->destroy(entry->volume);
    kfree(entry);
}

void volumes_let_go(const struct pool *engine)
{
    list_for_each_safe(pos, next, &registry)
    {
        struct entry *entry = list_entry(pos, struct entry, link);

        if (volume_pool_of(entry->volume) == engine)
            let_go(entry);
    }
}

const char *volumes_parent(const struct volume *volume)
{
    const struct pool *pool = volume_pool_of(volume);
    u64 origin = pool ? volume_pool_origin(volume) : 0;

    if (!pool)
        return entry_of(volume)->spec.image[0] ? entry_of(volume)->spec.image : NULL;
    if (!origin)
        return NULL;
    list_for_each(pos, &registry)
    {
        const struct entry *entry = list_entry(pos, struct entry, link);

        if (volume_pool_of(entry->volume) == pool && volume_pool_id(entry->volume) == origin)
            return entry->spec.name;
    }
    return image_pool_name_of(pool, origin);
}

/* -- changing
 * -----------------------------------------------------------------------------------------------------
 */

static int bad_growth(const struct volume *volume, u64 size_bytes, struct vmm_error *err)
{
    vmm_error_set(
        err, "semantic", "/size_bytes",
        "In RAM it can have a multiple of 512 up to 1099511627776 bytes, in a pool one of its "
        "block_bytes; on a disk it stays as large as its partition.",
        "Volume \"%s\" cannot have %llu bytes.", volume->name, (unsigned long long)size_bytes);
    return -EINVAL;
}

int volumes_check_growth(const struct volume *volume, u64 size_bytes, struct vmm_error *err)
{
    bool is_too_large = volume_is_ram(volume) && size_bytes > VOLUME_RAM_BYTES_MAX;

    if (size_bytes < volume_bytes(volume)) {
        vmm_error_set(err, "state", "/size_bytes", "Make a smaller one and copy.",
                      "A volume cannot become smaller.");
        return -EBUSY;
    }
    if (size_bytes == volume_bytes(volume))
        return 0;
    if (entry_of(volume)->spec.disk[0] || is_too_large ||
        !IS_ALIGNED(size_bytes, volume->block_bytes))
        return bad_growth(volume, size_bytes, err);
    return 0;
}

int volumes_grow(struct volume *volume, u64 size_bytes, struct vmm_error *err)
{
    int rc = volumes_check_growth(volume, size_bytes, err);

    if (rc || size_bytes == volume_bytes(volume))
        return rc;
    rc = volume->ops->grow(volume, size_bytes / volume->block_bytes);
    if (rc == -ENOMEM)
        return vmm_error_no_memory(err);
    if (rc && rc != -EINVAL && volume_pool_of(volume))
        return pools_explain(rc, pools_find(entry_of(volume)->spec.pool), err);
    if (rc)
        return bad_growth(volume, size_bytes, err);
    for (u32 i = 0; i < registry_count(); i++) {
        struct vmm_entry *vm = registry_at(i);

        if (vm->vm)
            virtio_blk_resize(vm->vm, volume);
    }
    return 0;
}

int volumes_delete(struct volume *volume, struct vmm_error *err)
{
    struct entry *entry = entry_of(volume);
    struct vmm_pool *pool = volume_pool_of(volume) ? pools_find(entry->spec.pool) : NULL;
    char name[VM_VOLUME_NAME_MAX + 1];
    struct store_op op = {.kind = STORE_DELETE, .name = name};
    int rc;

    if (volume_is_used(volume)) {
        vmm_error_set(err, "in_use", NULL,
                      "Power the VM off, or end the export, first; attached_to and nbd of the "
                      "volume name them.",
                      "A running VM, an NBD export or another request uses this volume.");
        return -EBUSY;
    }
    if (pool && !pools_engine(pool))
        return pools_explain(-EBUSY, pool, err);
    (void)str_copy(name, sizeof(name), volume->name);
    let_go(entry);
    rc = pool ? pool_run(pools_engine(pool), &op, NULL) : 0;
    if (rc && pools_engine(pool))
        volumes_adopt(pool, name);
    return rc ? pools_explain(rc, pool, err) : 0;
}
