/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a qcow2 file's parts go: its disk's bytes become the image's; what cannot be placed yet
 * waits in a spool, a thin volume with the file's own offsets: in RAM for an image in RAM, in the
 * pool for one that will be at rest there.
 */
#include "core/vmm/image_convert.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/image_impl.h"
#include "core/vmm/qcow2.h"
#include "drivers/block/volume_pool.h"
#include "drivers/block/volume_ram.h"
#include "mm/kheap.h"
#include "mm/pmm.h"

#define BUFFERS_BYTES                                                                          \
    (16 * MiB)                /* what a conversion has at most in RAM, besides spool and image \
                               */
#define SPOOL_STEP (64 * MiB) /* a spool grows by */
#define DROP_MIN   (64 * KiB) /* less gives nothing back */

struct image_convert {
    struct qcow2_place place;
    struct image *image;
    struct qcow2 *qcow2;
    struct volume *spool; /* NULL: none yet */
    bool is_own_spool;    /* else it is the pool's to end */
};

static struct image_convert *of(struct qcow2_place *place)
{
    return container_of(place, struct image_convert, place);
}

static int place_begin(struct qcow2_place *place, u64 disk_bytes)
{
    struct image_convert *convert = of(place);
    struct image *img = convert->image;

    img->bytes = disk_bytes;
    if (img->rest)
        return img->rest->ops->begin_disk(img->rest, disk_bytes, &convert->spool);
    return disk_bytes <= VOLUME_RAM_BYTES_MAX ? 0 : -ENOMEM;
}

static int place_write(struct qcow2_place *place, u64 offset, const void *src, size_t bytes)
{
    struct image *img = of(place)->image;

    if (img->rest)
        return img->rest->ops->write_disk(img->rest, offset, src, bytes);
    return image_chunks_write(img, offset, src, bytes);
}

/* Return: 0: the spool is so large now; -ENOMEM, or an error of the pool. */
static int spool_grow(struct image_convert *convert, u64 bytes)
{
    int rc;

    bytes = ALIGN_UP(bytes, SPOOL_STEP);
    if (!convert->spool) {
        rc = volume_ram_create("", bytes, NULL, false, &convert->spool);
        convert->is_own_spool = rc == 0;
        return rc ? -ENOMEM : 0;
    }
    return convert->spool->ops->grow(convert->spool, bytes / convert->spool->block_bytes);
}

static int place_keep(struct qcow2_place *place, u64 offset, const void *src, size_t bytes)
{
    struct image_convert *convert = of(place);
    int rc = 0;

    if (!convert->spool || offset + bytes > volume_bytes(convert->spool))
        rc = spool_grow(convert, offset + bytes);
    if (rc == 0)
        rc = volume_write(convert->spool, offset, src, bytes);
    return rc == -ENOSPC && convert->is_own_spool ? -ENOMEM : rc;
}

/* What was never kept reads as zeroes. */
static int place_fetch(struct qcow2_place *place, u64 offset, void *dst, size_t bytes)
{
    struct volume *spool = of(place)->spool;
    u64 end = spool ? volume_bytes(spool) : 0;
    size_t there = (size_t)MIN((u64)bytes, end - MIN(end, offset));

    memset((u8 *)dst + there, 0, bytes - there);
    return there > 0 ? volume_read(spool, offset, dst, there) : 0;
}

/* If that fails it is given back with all the rest. */
static void place_drop(struct qcow2_place *place, u64 offset, size_t bytes)
{
    struct volume *spool = of(place)->spool;
    u64 end = spool ? MIN(offset + bytes, volume_bytes(spool)) : 0;
    struct volume_req req = {.op = BLK_DISCARD};
    int rc;

    if (end < offset + DROP_MIN)
        return;
    req.lba = offset / spool->block_bytes;
    req.blocks = (u32)((end - offset) / spool->block_bytes);
    rc = volume_wait(spool, &req);
    (void)rc;
}

int image_convert_begin(struct image *img, struct image_convert **out)
{
    struct image_convert *convert;
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    if (pmm_available(&stats) < VMM_RESERVE_BYTES + BUFFERS_BYTES)
        return -ENOMEM;
    convert = kzalloc(sizeof(*convert));
    if (!convert)
        return -ENOMEM;
    convert->place =
        (struct qcow2_place){place_begin, place_write, place_keep, place_fetch, place_drop};
    convert->image = img;
    convert->qcow2 = qcow2_create(&convert->place);
    if (!convert->qcow2) {
        kfree(convert);
        return -ENOMEM;
    }
    *out = convert;
    return 0;
}

int image_convert_append(struct image_convert *convert, const void *data, size_t bytes)
{
    return qcow2_feed(convert->qcow2, data, bytes);
}

int image_convert_finish(struct image_convert *convert)
{
    return qcow2_finish(convert->qcow2);
}

const char *image_convert_error(const struct image_convert *convert)
{
    return qcow2_error(convert->qcow2);
}

void image_convert_end(struct image_convert *convert)
{
    if (!convert)
        return;
    qcow2_destroy(convert->qcow2);
    if (convert->is_own_spool)
        convert->spool->ops->destroy(convert->spool);
    kfree(convert);
}
