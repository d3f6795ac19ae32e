/* SPDX-License-Identifier: BSD-2-Clause */
/* A window on a disk: requests are moved by its first block. */
#include "drivers/block/volume_disk.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/gpt.h"
#include "mm/kheap.h"

struct disk_volume {
    struct volume volume;
    struct volume_disk_source source;
    u64 first_lba;
    struct list link;
};

static struct list all = LIST_INIT(all); /* management task */

static const struct volume_ops disk_ops;

static void on_done(struct blk_req *blk)
{
    struct volume_req *req = blk->arg;

    req->status = blk->status;
    req->done(req);
}

static bool disk_submit(struct volume *volume, struct volume_req *req)
{
    const struct disk_volume *dv = container_of(volume, struct disk_volume, volume);

    req->blk = (struct blk_req){
        .op = req->op,
        .lba = req->op == BLK_FLUSH ? 0 : dv->first_lba + req->lba,
        .blocks = req->blocks,
        .segs = req->segs,
        .seg_count = req->seg_count,
        .done = on_done,
        .arg = req,
    };
    req->status = blk_submit(dv->source.disk, &req->blk);
    return req->status != 0;
}

static u64 disk_used_bytes(struct volume *volume)
{
    return volume_bytes(volume);
}

static int disk_grow(struct volume *volume, u64 block_count)
{
    (void)volume, (void)block_count;
    return -EOPNOTSUPP;
}

static void disk_destroy(struct volume *volume)
{
    struct disk_volume *dv = container_of(volume, struct disk_volume, volume);

    list_remove(&dv->link);
    kfree(dv);
}

static const struct volume_ops disk_ops = {
    .submit = disk_submit,
    .used_bytes = disk_used_bytes,
    .grow = disk_grow,
    .destroy = disk_destroy,
};

bool volume_disk_source(struct volume *volume, struct volume_disk_source *out)
{
    if (volume->ops != &disk_ops)
        return false;
    *out = container_of(volume, struct disk_volume, volume)->source;
    return true;
}

/* Spec: UEFI "GPT Partition Entry", Defined GPT Partition Entry - Partition Type GUIDs. */
static bool is_efi_system(const struct gpt_partition *part)
{
    static const u8 type[16] = {0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2,
                                0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

    return memcmp(part->type, type, sizeof(type)) == 0;
}

static const struct gpt_partition *find_partition(const struct gpt *gpt, u32 number)
{
    for (u32 i = 0; i < gpt->count; i++) {
        if (gpt->parts[i].number == number)
            return &gpt->parts[i];
    }
    return NULL;
}

static bool may_boot(const struct gpt *gpt, const struct gpt_partition *part)
{
    bool has_table = gpt->state == GPT_GOOD || gpt->state == GPT_BACKUP;

    if (part != NULL)
        return is_efi_system(part);
    for (u32 i = 0; i < gpt->count; i++) {
        if (is_efi_system(&gpt->parts[i]))
            return true;
    }
    return !has_table && gpt->has_boot_sector;
}

static bool is_taken(const struct blkdev *disk, u64 first, u64 count)
{
    list_for_each(pos, &all)
    {
        const struct disk_volume *dv = list_entry(pos, struct disk_volume, link);

        if (dv->source.disk == disk && first < dv->first_lba + dv->volume.block_count &&
            dv->first_lba < first + count)
            return true;
    }
    return false;
}

int volume_disk_create(const char *name, const struct volume_disk_source *source,
                       struct volume **out)
{
    struct blkdev *disk = source->disk;
    const struct gpt *gpt = __atomic_load_n(&disk->gpt, __ATOMIC_ACQUIRE);
    const struct gpt_partition *part = NULL;
    u64 first = 0, count = disk->block_count;
    struct disk_volume *dv;

    if (gpt == NULL)
        return -EAGAIN;
    if (source->partition != 0) {
        part = find_partition(gpt, source->partition);
        if (part == NULL)
            return -ENOENT;
        first = part->first_lba;
        count = part->blocks;
    }
    if (!source->allow_boot && may_boot(gpt, part))
        return -EPERM;
    if (is_taken(disk, first, count))
        return -EBUSY;
    dv = kzalloc(sizeof(*dv));
    if (dv == NULL)
        return -ENOMEM;
    dv->source = *source;
    dv->first_lba = first;
    dv->volume = (struct volume){
        .ops = &disk_ops,
        .block_bytes = disk->block_bytes,
        .block_count = count,
        .is_read_only = disk->is_read_only || source->is_read_only,
        .has_write_cache = disk->has_write_cache,
        .can_discard = disk->can_discard,
        .discard_bytes = disk->block_bytes,
        .can_write_zeroes = disk->can_write_zeroes,
    };
    (void)str_copy(dv->volume.name, sizeof(dv->volume.name), name);
    list_push_back(&all, &dv->link);
    *out = &dv->volume;
    return 0;
}
