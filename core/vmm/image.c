/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images by name; where their bytes lie in RAM is in image_chunks.c.
 *
 * An image is named in the registry while it is ready and not deleted or replaced; it lives on
 * unnamed as long as somebody holds it. Only the management task comes here, so there are no locks.
 */
#include "core/vmm/image.h"

#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/image_impl.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

static struct list registry = LIST_INIT(registry);
static struct list uploads = LIST_INIT(uploads);

bool image_name_is_valid(const char *name)
{
    size_t length = strnlen(name, IMAGE_NAME_MAX + 1);

    if (length == 0 || length > IMAGE_NAME_MAX || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !strchr("-_.+~", c))
            return false;
    }
    return true;
}

static struct image *find_in(const struct list *head, const char *name)
{
    list_for_each(pos, head)
    {
        struct image *img = list_entry(pos, struct image, link);

        if (strcmp(img->name, name) == 0)
            return img;
    }
    return NULL;
}

static u32 count_images(void)
{
    u32 count = 0;

    list_for_each(pos, &registry) count++;
    list_for_each(pos, &uploads) count++;
    return count;
}

static void destroy(struct image *img)
{
    list_remove(&img->link);
    image_convert_end(img->convert);
    image_chunks_free(img);
    if (img->rest)
        img->rest->ops->end(img->rest, false);
    kfree(img);
}

int image_begin(const char *name, enum image_kind kind, u64 size_hint, struct image_rest *rest,
                struct image **out)
{
    struct pmm_stats stats;
    struct image *img;

    if (!image_name_is_valid(name))
        return -EINVAL;
    if (find_in(&uploads, name))
        return -EBUSY;
    if (count_images() >= IMAGES_MAX)
        return -ENOSPC;
    pmm_get_stats(&stats);
    if (!rest && (pmm_available(&stats) < VMM_RESERVE_BYTES ||
                  size_hint > pmm_available(&stats) - VMM_RESERVE_BYTES))
        return -ENOMEM;
    img = kzalloc(sizeof(*img));
    if (!img)
        return -ENOMEM;
    list_init(&img->link);
    (void)str_copy(img->name, sizeof(img->name), name);
    img->kind = kind;
    img->rest = rest;
    sha256_init(&img->hash);
    list_push_back(&uploads, &img->link);
    *out = img;
    return 0;
}

/* Bytes that are kept as they are. */
static int store(struct image *img, const void *data, size_t bytes)
{
    const u8 *from = data;

    if (img->rest) {
        img->bytes += bytes;
        return img->rest->ops->append(img->rest, data, bytes);
    }
    while (bytes > 0) {
        const struct chunk *last;
        size_t piece;

        if (img->bytes == img->capacity && image_chunk_add(img))
            return -ENOMEM;
        last = &img->chunks[img->chunk_count - 1];
        piece = MIN(bytes, img->capacity - img->bytes);
        memcpy(last->bytes + (img->bytes - last->offset), from, piece);
        img->bytes += piece;
        from += piece;
        bytes -= piece;
    }
    return 0;
}

static int take_in(struct image *img, const void *data, size_t bytes)
{
    int rc = 0;

    if (img->kind == IMAGE_QCOW2 && !img->convert)
        rc = image_convert_begin(img, &img->convert);
    if (rc)
        return rc;
    return img->convert ? image_convert_append(img->convert, data, bytes) : store(img, data, bytes);
}

/* What the first bytes say, or that there are no more, decides. */
static int decide(struct image *img)
{
    bool is_qcow2 = img->head_bytes == sizeof(img->head) && qcow2_has_magic(img->head);

    img->kind = is_qcow2 ? IMAGE_QCOW2 : IMAGE_RAW;
    return take_in(img, img->head, img->head_bytes);
}

int image_append(struct image *img, const void *data, size_t bytes)
{
    const u8 *from = data;
    int rc = 0;

    sha256_update(&img->hash, from, bytes);
    img->file_bytes += bytes;
    img->hashed += bytes;
    while (img->kind == IMAGE_GUESSED && bytes > 0 && rc == 0) {
        img->head[img->head_bytes++] = *from++;
        bytes--;
        if (img->head_bytes == sizeof(img->head))
            rc = decide(img);
    }
    return rc || bytes == 0 ? rc : take_in(img, from, bytes);
}

int image_settle(struct image *img)
{
    int rc = 0;

    if (img->kind == IMAGE_GUESSED)
        rc = decide(img);
    if (rc == 0 && img->kind == IMAGE_QCOW2 && !img->convert)
        rc = image_convert_begin(img, &img->convert); /* there was not a byte */
    return rc || !img->convert ? rc : image_convert_finish(img->convert);
}

const char *image_refusal(const struct image *img)
{
    return img->convert ? image_convert_error(img->convert) : NULL;
}

/* Gives the blocks back that hold these bytes. */
static void free_blocks(u64 block, u64 end)
{
    while (block < end) {
        unsigned order = pmm_order_of(hpa(block));

        pmm_free_dirty(hpa(block), order, PMM_IMAGE);
        block += PAGE_SIZE << order;
    }
}

int image_consume(const char *name, enum image_kind kind, hpa_t pages, u64 bytes,
                  struct image **out)
{
    struct image *img;
    int rc = image_begin(name, kind, 0, NULL, &img);

    if (rc) {
        free_blocks(pages.v, pages.v + bytes);
        return rc;
    }
    while (img->capacity < bytes) {
        hpa_t block = hpa(pages.v + img->capacity);

        if (image_table_grow(img)) {
            free_blocks(block.v, pages.v + bytes);
            image_abort(img);
            return -ENOMEM;
        }
        image_chunk_attach(img, block, pmm_order_of(block));
    }
    img->bytes = img->file_bytes = bytes;
    *out = img;
    return 0;
}

bool image_hash(struct image *img, u64 bytes)
{
    while (bytes > 0 && img->hashed < img->bytes) {
        size_t piece;
        const void *from = image_span(img, img->hashed, &piece);

        piece = MIN(piece, bytes);
        sha256_update(&img->hash, from, piece);
        img->hashed += piece;
        bytes -= piece;
    }
    return img->hashed < img->bytes;
}

void image_digest(struct image *img, u8 sha256[32])
{
    assert(img->hashed == img->file_bytes);
    sha256_final(&img->hash, img->sha256);
    memcpy(sha256, img->sha256, sizeof(img->sha256));
}

/* Takes the name away; the bytes go when the last user does. */
static void forget(struct image *img)
{
    img->is_named = false;
    list_remove(&img->link);
    if (img->users == 0)
        destroy(img);
}

/* In its place, and no longer among the uploads. */
static void publish(struct image *img)
{
    struct list *after = &registry;

    list_remove(&img->link);
    while (after->next != &registry &&
           strcmp(list_entry(after->next, struct image, link)->name, img->name) < 0)
        after = after->next;
    list_push_front(after, &img->link);
    img->is_ready = true;
    img->is_named = true;
    img->created_ns = time_ns();
}

int image_commit(struct image *img)
{
    struct image *old = find_in(&registry, img->name);
    struct image_info info;
    int rc;

    do {
        rc = image_settle(img);
    } while (rc == -EAGAIN);
    if (rc)
        return rc;
    image_convert_end(img->convert);
    img->convert = NULL;
    image_get_info(img, &info);
    if (img->rest)
        rc = img->rest->ops->finish(img->rest, &info);
    if (rc)
        return rc;
    if (old)
        forget(old);
    publish(img);
    return 0;
}

int image_adopt(const struct image_info *info, struct image_rest *rest)
{
    struct image *img;
    int rc = image_find(info->name) ? -EEXIST : image_begin(info->name, info->kind, 0, rest, &img);

    if (rc)
        return rc == -EBUSY ? -EEXIST : rc;
    img->bytes = info->virtual_size_bytes;
    img->file_bytes = img->hashed = info->size_bytes;
    memcpy(img->sha256, info->sha256, sizeof(img->sha256));
    publish(img);
    return 0;
}

void image_let_go(struct image *img)
{
    img->rest->ops->end(img->rest, true);
    img->rest = NULL;
    forget(img);
}

struct image_rest *image_rest_of(const struct image *img)
{
    return img->rest;
}

void image_abort(struct image *img)
{
    assert(!img->is_ready);
    destroy(img);
}

struct image *image_find(const char *name)
{
    return find_in(&registry, name);
}

void image_get_info(const struct image *img, struct image_info *out)
{
    *out = (struct image_info){
        .kind = img->kind,
        .size_bytes = img->file_bytes,
        .virtual_size_bytes = img->bytes,
        .is_ready = img->is_ready,
        .users = img->users,
        .created_ns = img->created_ns,
        .pool = img->rest ? img->rest->pool : NULL,
    };
    (void)str_copy(out->name, sizeof(out->name), img->name);
    memcpy(out->sha256, img->sha256, sizeof(out->sha256));
}

static struct image *next_in(struct list *head, const struct image *after)
{
    const struct list *at = after ? &after->link : head;

    return at->next == head ? NULL : list_entry(at->next, struct image, link);
}

struct image *image_next(const struct image *after)
{
    return next_in(&registry, after);
}

struct image *image_next_upload(const struct image *after)
{
    return next_in(&uploads, after);
}

u64 image_bytes(const struct image *img)
{
    return img->bytes;
}

size_t image_read(const struct image *img, u64 offset, void *dst, size_t bytes)
{
    u8 *to = dst;
    size_t done = 0;

    if (img->rest && img->loads == 0) {
        bytes = (size_t)MIN(bytes, img->bytes - MIN(offset, img->bytes));
        return img->rest->ops->read(img->rest, offset, dst, bytes) ? 0 : bytes;
    }
    while (done < bytes && offset + done < img->bytes) {
        size_t piece;
        const void *from = image_span(img, offset + done, &piece);

        piece = MIN(piece, bytes - done);
        memcpy(to + done, from, piece);
        done += piece;
    }
    return done;
}

int image_load(struct image *img)
{
    int rc = 0;

    assert(img->users > 0);
    if (!img->rest)
        return 0;
    if (img->loads == 0)
        rc = image_chunks_fill(img);
    if (rc)
        image_chunks_free(img);
    else
        img->loads++;
    return rc;
}

void image_unload(struct image *img)
{
    if (img->rest && --img->loads == 0)
        image_chunks_free(img);
}

void image_hold(struct image *img)
{
    img->users++;
}

void image_release(struct image *img)
{
    assert(img->users > 0);
    img->users--;
    if (img->users == 0 && !img->is_named)
        destroy(img);
}

int image_delete(const char *name)
{
    struct image *img = image_find(name);

    if (!img)
        return -ENOENT;
    if (img->users > 0)
        return -EBUSY;
    forget(img);
    return 0;
}
