/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes made in pools. Each is there wholly, and durable, or not at all. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/image_pool.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes_impl.h"
#include "drivers/block/volume_pool.h"

static u64 now_s(void)
{
    return clock_is_known() ? clock_unix_ns() / 1000000000u : 0;
}

static int no_source(const char *pointer, const char *what, const char *name,
                     const struct vmm_pool *pool, struct vmm_error *err)
{
    vmm_error_set(err, "semantic", pointer,
                  "What a volume is made of must be in the same pool: look where it is.",
                  "There is no %s \"%s\" in pool \"%s\".", what, name, pools_name(pool));
    return -EINVAL;
}

/* The volume of the store that it is made of. Return: NULL, with *err filled, if there is none. */
static const struct volume *find_source(const struct volume_spec *spec, struct vmm_pool *pool,
                                        struct vmm_error *err)
{
    bool is_snapshot = spec->snapshot[0] != '\0', is_image = spec->image[0] != '\0';
    const char *name = is_snapshot ? spec->snapshot : is_image ? spec->image : spec->volume;
    const struct image *img = is_image ? image_find(name) : NULL;
    const struct volume *source = img        ? image_pool_volume(img)
                                  : is_image ? NULL
                                             : volumes_find(name);

    if (source && volume_pool_of(source) == pools_engine(pool) &&
        (!is_snapshot || source->is_read_only))
        return source;
    (void)no_source(is_snapshot ? "/from/snapshot"
                    : is_image  ? "/from/image"
                                : "/from/volume",
                    is_snapshot ? "snapshot"
                    : is_image  ? "image"
                                : "volume",
                    name, pool, err);
    return NULL;
}

static int bad_size(const struct volume_spec *spec, u64 least, struct vmm_error *err)
{
    vmm_error_set(
        err, "bad_value", "/size_bytes",
        "Use a multiple of 512 (of 4096 on disks with such blocks), not less than what it "
        "is made of has.",
        "A volume in a pool cannot have %llu bytes here; %llu at least.",
        (unsigned long long)spec->size_bytes, (unsigned long long)least);
    return -EINVAL;
}

static int check_empty(const struct volume_spec *spec, const struct vmm_pool *pool,
                       struct vmm_error *err)
{
    struct pool *engine = pools_engine(pool);

    if (spec->is_read_only) {
        vmm_error_set(err, "semantic", "/read_only", "Add \"from\": {\"volume\": …} to make one.",
                      "A snapshot has to be one of a volume.");
        return -EINVAL;
    }
    if (!engine)
        return pools_explain(-EBUSY, pool, err);
    if (spec->size_bytes == 0 || !IS_ALIGNED(spec->size_bytes, pool_block_bytes(engine)))
        return bad_size(spec, pool_block_bytes(engine), err);
    return 0;
}

static int make_empty(const struct volume_spec *spec, struct vmm_pool *pool, struct vmm_error *err)
{
    struct store_op op = {
        .kind = STORE_CREATE, .name = spec->name, .bytes = spec->size_bytes, .created_s = now_s()};
    struct pool *engine = pools_engine(pool);
    int rc = check_empty(spec, pool, err);

    if (rc)
        return rc;
    rc = pool_run(engine, &op, NULL);
    if (rc == -EINVAL)
        return bad_size(spec, pool_block_bytes(engine), err);
    return rc ? pools_explain(rc, pool, err) : 0;
}

static void undo(const struct volume_spec *spec, struct vmm_pool *pool)
{
    struct store_op op = {.kind = STORE_DELETE, .name = spec->name};
    int rc = pool_run(pools_engine(pool), &op, NULL);

    (void)rc; /* what is left is found at the next boot */
}

static int check_copy(const struct volume_spec *spec, const struct volume *source,
                      struct vmm_error *err)
{
    if (spec->size_bytes != 0 && (spec->size_bytes < volume_bytes(source) ||
                                  !IS_ALIGNED(spec->size_bytes, source->block_bytes) ||
                                  (spec->is_read_only && spec->size_bytes != volume_bytes(source))))
        return bad_size(spec, volume_bytes(source), err);
    return 0;
}

/* A copy in constant time; then it may be made larger. */
static int copy(const struct volume_spec *spec, struct vmm_pool *pool, const struct volume *source,
                struct vmm_error *err)
{
    struct store_op op = {.kind = spec->is_read_only ? STORE_SNAPSHOT : STORE_CLONE,
                          .name = spec->name,
                          .from = source->name,
                          .created_s = now_s()};
    struct store_op grow = {.kind = STORE_GROW, .name = spec->name, .bytes = spec->size_bytes};
    int rc = check_copy(spec, source, err);

    if (rc)
        return rc;
    rc = pool_run(pools_engine(pool), &op, NULL);
    if (rc)
        return pools_explain(rc, pool, err);
    if (spec->size_bytes <= volume_bytes(source))
        return 0;
    rc = pool_run(pools_engine(pool), &grow, NULL);
    if (rc)
        undo(spec, pool);
    return rc == -EINVAL ? bad_size(spec, volume_bytes(source), err)
           : rc          ? pools_explain(rc, pool, err)
                         : 0;
}

static bool has_source(const struct volume_spec *spec)
{
    return spec->volume[0] || spec->snapshot[0] || spec->image[0];
}

int volumes_check_in_pool(struct volume_spec *spec, struct vmm_pool *pool, struct vmm_error *err)
{
    const struct volume *source;

    (void)str_copy(spec->pool, sizeof(spec->pool), pools_name(pool));
    if (!has_source(spec))
        return check_empty(spec, pool, err);
    source = find_source(spec, pool, err);
    if (!source || check_copy(spec, source, err))
        return -EINVAL;
    spec->size_bytes = MAX(spec->size_bytes, volume_bytes(source));
    return 0;
}

int volumes_make_in_pool(const struct volume_spec *spec, struct vmm_pool *pool, struct volume **out,
                         struct vmm_error *err)
{
    const struct volume *source = NULL;
    int rc;

    if (has_source(spec)) {
        source = find_source(spec, pool, err);
        if (!source)
            return -EINVAL;
    }
    rc = source ? copy(spec, pool, source, err) : make_empty(spec, pool, err);
    if (rc)
        return rc;
    rc = volume_pool_open(pools_engine(pool), spec->name, out);
    if (rc) {
        undo(spec, pool);
        return pools_explain(rc, pool, err);
    }
    return 0;
}
