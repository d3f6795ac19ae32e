/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An upload fills a volume of a new number; the blob of the same number, which is written when all
 * bytes are durable, makes it an image. So a crash leaves the old image, or the new one, or for a
 * moment both: then the higher number counts.
 *
 * A qcow2 file's disk gets a volume, and a number, of its own; the first one is then the spool of
 * what cannot be placed yet. It has no blob, so a crash leaves no more of it than of any upload.
 */
#include "core/vmm/image_pool.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/x86/log.h"
#include "drivers/block/volume_pool.h"
#include "mm/kheap.h"

#define BUFFER_BYTES   (256 * KiB)
#define NUMBER_DIGITS  16u
#define RECORD_VERSION 2u

/* The blob. */
struct record {
    u32 version;
    u32 kind;       /* enum image_kind */
    u64 size_bytes; /* of the file that was uploaded */
    u64 created_unix_ns;
    u8 sha256[32];
    char name[IMAGE_NAME_MAX + 1];
    u64 virtual_size_bytes; /* in the volume */
};
_Static_assert(sizeof(struct record) == 128, "on the disk");

struct pool_image {
    struct image_rest rest;
    struct list link;
    struct vmm_pool *pool;
    struct volume *volume;
    struct volume *spool; /* of an upload that is converted; or NULL */
    struct image *image;  /* of disks */
    u64 number;
    char name[sizeof(IMAGE_POOL_PREFIX) + NUMBER_DIGITS]; /* of volume and blob */
    u8 *buffer;                                           /* of an upload */
    size_t len;
    u64 written;
};

static struct list all = LIST_INIT(all);
static u64 last_number; /* of all pools' */

static struct pool_image *of(struct image_rest *rest)
{
    return container_of(rest, struct pool_image, rest);
}

static int blob_run(const struct pool_image *pi, enum store_op_kind kind, struct record *record)
{
    struct store_op op = {.kind = kind, .name = pi->name, .bytes = sizeof(*record)};
    struct pool *engine = pools_engine(pi->pool);

    if (record)
        op.created_s = record->created_unix_ns / 1000000000u;
    return engine ? pool_run(engine, &op, record) : -EBUSY;
}

static int delete_volume(struct vmm_pool *pool, const char *name)
{
    struct store_op op = {.kind = STORE_DELETE, .name = name};
    struct pool *engine = pools_engine(pool);

    return engine ? pool_run(engine, &op, NULL) : -EBUSY;
}

/* -- an upload
 * ------------------------------------------------------------------------------------------------------
 */

/* Where the size was not known before, the volume grows with it. */
static int write_buffer(struct pool_image *pi)
{
    u64 end = pi->written + pi->len;
    int rc = 0;

    if (end > volume_bytes(pi->volume))
        rc = pi->volume->ops->grow(pi->volume, ALIGN_UP(end, (u64)pi->volume->block_bytes) /
                                                   pi->volume->block_bytes);
    if (rc == 0)
        rc = volume_write(pi->volume, pi->written, pi->buffer, pi->len);
    pi->written = end;
    pi->len = 0;
    return rc;
}

static int append(struct image_rest *rest, const void *data, size_t bytes)
{
    struct pool_image *pi = of(rest);
    const u8 *from = data;
    int rc = 0;

    while (bytes > 0 && rc == 0) {
        size_t piece = MIN(bytes, BUFFER_BYTES - pi->len);

        memcpy(pi->buffer + pi->len, from, piece);
        pi->len += piece;
        from += piece;
        bytes -= piece;
        if (pi->len == BUFFER_BYTES)
            rc = write_buffer(pi);
    }
    return rc;
}

/* A volume of the number the image has now. Return: 0, or an error: it has none then. */
static int make_volume(struct pool_image *pi, u64 bytes)
{
    struct pool *engine = pools_engine(pi->pool);
    struct store_op create = {.kind = STORE_CREATE, .name = pi->name};
    int rc;

    if (!engine)
        return -EBUSY;
    create.bytes = MAX(ALIGN_UP(bytes, (u64)pool_block_bytes(engine)), pool_block_bytes(engine));
    create.created_s = clock_is_known() ? clock_unix_ns() / 1000000000u : 0;
    rc = pool_run(engine, &create, NULL);
    return rc ? rc : volume_pool_open(engine, pi->name, &pi->volume);
}

static void set_number(struct pool_image *pi, u64 number)
{
    pi->number = number;
    ksnprintf(pi->name, sizeof(pi->name), IMAGE_POOL_PREFIX "%016llx", (unsigned long long)number);
}

static int begin_disk(struct image_rest *rest, u64 bytes, struct volume **spool)
{
    struct pool_image *pi = of(rest);

    pi->spool = *spool = pi->volume;
    pi->volume = NULL;
    set_number(pi, ++last_number);
    return make_volume(pi, bytes);
}

/* What follows the last bytes goes with them. */
static int write_disk(struct image_rest *rest, u64 offset, const void *data, size_t bytes)
{
    struct pool_image *pi = of(rest);
    int rc = 0;

    if (offset != pi->written + pi->len) {
        rc = write_buffer(pi);
        pi->written = offset;
    }
    return rc ? rc : append(rest, data, bytes);
}

static void end_spool(struct pool_image *pi)
{
    char name[sizeof(pi->name)];

    if (!pi->spool)
        return;
    (void)str_copy(name, sizeof(name), pi->spool->name);
    pi->spool->ops->destroy(pi->spool);
    pi->spool = NULL;
    if (delete_volume(pi->pool, name))
        log_warn("pool",
                 "%s: what an upload needed could not be deleted, and takes room until a "
                 "reboot",
                 pools_name(pi->pool));
}

static int finish(struct image_rest *rest, const struct image_info *info)
{
    struct pool_image *pi = of(rest);
    struct record *record = kzalloc(sizeof(*record));
    int rc = record ? write_buffer(pi) : -ENOMEM;

    if (rc == 0)
        rc = volume_flush(pi->volume);
    if (rc == 0) {
        *record = (struct record){.version = RECORD_VERSION,
                                  .kind = info->kind,
                                  .size_bytes = info->size_bytes,
                                  .virtual_size_bytes = info->virtual_size_bytes,
                                  .created_unix_ns = clock_is_known() ? clock_unix_ns() : 0};
        memcpy(record->sha256, info->sha256, sizeof(record->sha256));
        (void)str_copy(record->name, sizeof(record->name), info->name);
        rc = blob_run(pi, STORE_BLOB_PUT, record);
    }
    kfree(record);
    kfree(pi->buffer);
    pi->buffer = NULL;
    end_spool(pi);
    return rc;
}

static int read(struct image_rest *rest, u64 offset, void *dst, size_t bytes)
{
    struct pool_image *pi = of(rest);
    u8 *to = dst;
    int rc = 0;

    while (bytes > 0 && rc == 0) {
        size_t piece = MIN(bytes, BUFFER_BYTES);

        rc = volume_read(pi->volume, offset, to, piece);
        offset += piece;
        to += piece;
        bytes -= piece;
    }
    return rc;
}

static void end(struct image_rest *rest, bool is_kept)
{
    struct pool_image *pi = of(rest);
    int rc;

    end_spool(pi);
    if (pi->volume)
        pi->volume->ops->destroy(pi->volume);
    rc = is_kept ? 0 : blob_run(pi, STORE_BLOB_DELETE, NULL);
    if (!is_kept && (rc == 0 || rc == -ENOENT))
        rc = delete_volume(pi->pool, pi->name);
    if (rc && rc != -ENOENT)
        log_warn("pool", "%s: an image could not be deleted, and may be there again after a reboot",
                 pools_name(pi->pool));
    list_remove(&pi->link);
    kfree(pi->buffer);
    kfree(pi);
}

static const struct image_rest_ops ops = {
    .append = append,
    .begin_disk = begin_disk,
    .write_disk = write_disk,
    .finish = finish,
    .read = read,
    .end = end,
};

static struct pool_image *make(struct vmm_pool *pool, u64 number)
{
    struct pool_image *pi = kzalloc(sizeof(*pi));

    if (!pi)
        return NULL;
    pi->rest = (struct image_rest){&ops, pools_name(pool)};
    pi->pool = pool;
    set_number(pi, number);
    list_push_back(&all, &pi->link);
    return pi;
}

static void forget(struct pool_image *pi)
{
    list_remove(&pi->link);
    kfree(pi->buffer);
    kfree(pi);
}

int image_pool_begin(struct vmm_pool *pool, u64 size_hint, struct image_rest **out)
{
    struct pool_image *pi = pools_engine(pool) ? make(pool, ++last_number) : NULL;
    int rc;

    if (!pi)
        return pools_engine(pool) ? -ENOMEM : -EBUSY;
    pi->buffer = kmalloc(BUFFER_BYTES);
    rc = pi->buffer ? make_volume(pi, size_hint) : -ENOMEM;
    if (rc)
        end(&pi->rest, false);
    else
        *out = &pi->rest;
    return rc;
}

/* -- after a reboot
 * ------------------------------------------------------------------------------------------------------
 */

/* Return: false if the text is no number of ours. */
static bool parse_number(const char *name, u64 *number)
{
    u8 bytes[NUMBER_DIGITS / 2];

    *number = 0;
    if (!hex_read_small(bytes, sizeof(bytes), name + strlen(IMAGE_POOL_PREFIX)))
        return false;
    for (u32 i = 0; i < sizeof(bytes); i++)
        *number = *number << 8 | bytes[i];
    return true;
}

/* The other image of that name in the same pool, which a crash left beside this one, or NULL. */
static struct pool_image *find_twin(const struct pool_image *pi, const char *name)
{
    struct image *other = image_find(name);
    struct image_rest *rest = other ? image_rest_of(other) : NULL;

    return rest && of(rest)->pool == pi->pool ? of(rest) : NULL;
}

/* Of two the older one goes. Return: 0; *is_old: it is this one. */
static int take_in(struct pool_image *pi, const struct image_info *info, bool *is_old)
{
    struct pool_image *twin = find_twin(pi, info->name);

    *is_old = twin && twin->number > pi->number;
    if (*is_old)
        return 0;
    if (twin && image_delete(info->name))
        return -EEXIST;
    return image_adopt(info, &pi->rest);
}

static int adopt(struct pool_image *pi, struct record *record)
{
    struct image_info info;
    bool is_old = false;
    int rc = blob_run(pi, STORE_BLOB_GET, record);

    if (rc)
        return rc;
    if (record->version != RECORD_VERSION || record->kind > IMAGE_INITRD ||
        record->name[IMAGE_NAME_MAX])
        return -EINVAL;
    rc = volume_pool_open(pools_engine(pi->pool), pi->name, &pi->volume);
    if (rc)
        return rc;
    if (record->virtual_size_bytes > volume_bytes(pi->volume))
        return -EINVAL;
    info = (struct image_info){.kind = (enum image_kind)record->kind,
                               .size_bytes = record->size_bytes,
                               .virtual_size_bytes = record->virtual_size_bytes};
    memcpy(info.sha256, record->sha256, sizeof(info.sha256));
    (void)str_copy(info.name, sizeof(info.name), record->name);
    rc = take_in(pi, &info, &is_old);
    if (is_old)
        end(&pi->rest, false);
    return rc;
}

void image_pool_adopt(struct vmm_pool *pool, const char *blob)
{
    struct record *record = kzalloc(sizeof(*record));
    struct pool_image *pi = NULL;
    u64 number;
    int rc = -ENOMEM;

    if (parse_number(blob, &number))
        pi = make(pool, number);
    last_number = MAX(last_number, pi ? number : 0);
    if (pi && record)
        rc = adopt(pi, record);
    if (record)
        record->name[IMAGE_NAME_MAX] = '\0';
    if (rc)
        log_warn("pool", "%s: image \"%s\" is left out: %s", pools_name(pool),
                 record ? record->name : "",
                 rc == -EEXIST   ? "there is another one of that name"
                 : rc == -ENOSPC ? "there are too many"
                 : rc == -ENOMEM ? "the host is out of memory"
                                 : "what is kept of it is damaged");
    if (rc && pi && pi->volume)
        pi->volume->ops->destroy(pi->volume);
    if (rc && pi)
        forget(pi);
    kfree(record);
}

static bool has_blob(struct vmm_pool *pool, const char *name)
{
    struct record *record = kzalloc(sizeof(*record));
    struct store_op op = {.kind = STORE_BLOB_GET, .name = name, .bytes = sizeof(*record)};
    int rc = record ? pool_run(pools_engine(pool), &op, record) : 0;

    kfree(record);
    return rc != -ENOENT; /* an error is no reason to delete anything */
}

void image_pool_sweep(struct vmm_pool *pool, const char *volume)
{
    u64 number;

    if (!parse_number(volume, &number) || !pools_engine(pool) || has_blob(pool, volume))
        return;
    log_info("pool", "%s: an upload that did not end is deleted", pools_name(pool));
    if (delete_volume(pool, volume))
        log_warn("pool", "%s: it could not be deleted", pools_name(pool));
}

/* -- use
 * -----------------------------------------------------------------------------------------------------------
 */

static bool is_in(const struct pool_image *pi, const struct pool *engine)
{
    return pi->volume && volume_pool_of(pi->volume) == engine;
}

static struct image *image_of(struct pool_image *pi)
{
    struct image *img = NULL;

    while ((img = image_next(img)) != NULL) {
        if (image_rest_of(img) == &pi->rest)
            return img;
    }
    return NULL;
}

bool image_pool_in_use(const struct pool *engine)
{
    list_for_each(pos, &all)
    {
        struct pool_image *pi = list_entry(pos, struct pool_image, link);
        struct image *img = image_of(pi);
        struct image_info info;

        if (!is_in(pi, engine))
            continue;
        if (!img)
            return true; /* being uploaded, or deleted but held */
        image_get_info(img, &info);
        if (info.users > 0)
            return true;
    }
    return false;
}

void image_pool_let_go(const struct pool *engine)
{
    list_for_each_safe(pos, next, &all)
    {
        struct pool_image *pi = list_entry(pos, struct pool_image, link);

        if (is_in(pi, engine))
            image_let_go(image_of(pi));
    }
}

struct volume *image_pool_volume(const struct image *img)
{
    struct image_rest *rest = image_rest_of(img);

    return rest ? of(rest)->volume : NULL;
}

struct volume *image_pool_open_disk(struct image *img)
{
    struct volume *volume = image_pool_volume(img);

    if (!volume || volume_open(volume, false))
        return NULL;
    of(image_rest_of(img))->image = img;
    image_hold(img);
    return volume;
}

bool image_pool_close_disk(struct volume *volume)
{
    list_for_each(pos, &all)
    {
        struct pool_image *pi = list_entry(pos, struct pool_image, link);

        if (pi->volume != volume)
            continue;
        volume_close(volume, false);
        image_release(pi->image);
        return true;
    }
    return false;
}

const char *image_pool_name_of(const struct pool *engine, u64 id)
{
    list_for_each(pos, &all)
    {
        struct pool_image *pi = list_entry(pos, struct pool_image, link);
        struct image *img =
            is_in(pi, engine) && volume_pool_id(pi->volume) == id ? image_of(pi) : NULL;
        static struct image_info info; /* its name is given back */

        if (!img)
            continue;
        image_get_info(img, &info);
        return info.name;
    }
    return NULL;
}
