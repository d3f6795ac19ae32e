/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's disks: what they are, how they are, which partitions they have. */
#include "core/lib/string.h"
#include "core/vmm/vmm.h"
#include "drivers/block/blk.h"
#include "drivers/block/gpt.h"
#include "mgmt/api/api.h"
#include "mgmt/api/api_list.h"

/* Names have no control characters (drivers/block/gpt.c), so escaping makes none of them longer
 * than the bytes they may have. */
#define PARTITION_TEXT_MAX (190u + GPT_NAME_MAX)
#define DISK_TEXT_MAX      (1024u + GPT_ENTRIES_MAX * PARTITION_TEXT_MAX)

_Static_assert(DISK_TEXT_MAX + 128 < REPLY_BODY_MAX, "it is chosen as a whole");

static void put_uuid(struct json_writer *w, const char *key, const u8 *uuid)
{
    char text[37];

    vmm_uuid_format(uuid, text);
    json_put_string(w, key, text);
}

static void put_partition(struct json_writer *w, const struct blkdev *dev,
                          const struct gpt_partition *p)
{
    json_object_begin(w);
    json_put_u64(w, "number", p->number);
    json_put_string(w, "name", p->name);
    put_uuid(w, "type", p->type);
    put_uuid(w, "uuid", p->uuid);
    json_put_u64(w, "offset_bytes", p->first_lba * dev->block_bytes);
    json_put_u64(w, "size_bytes", p->blocks * dev->block_bytes);
    json_object_end(w);
}

/* SMART of disks that told it. Wear: 1 when the life its maker planned is over. */
static void put_smart(struct json_writer *w, const struct blkdev *dev)
{
    if (dev->temp_k == 0)
        return;
    json_key(w, "smart");
    json_object_begin(w);
    json_put_u64(w, "temp_k", dev->temp_k);
    json_put_ratio(w, "wear_ratio", dev->wear_percent * 10u);
    json_object_end(w);
}

static void put_facts(struct json_writer *w, const struct blkdev *dev)
{
    json_put_string(w, "name", dev->name);
    json_put_string(w, "driver", dev->driver);
    json_put_string(w, "pci", dev->bdf);
    json_put_string(w, "model", dev->model);
    json_put_string(w, "serial", dev->serial);
    json_put_u64(w, "size_bytes", dev->block_count * dev->block_bytes);
    json_put_u64(w, "block_bytes", dev->block_bytes);
    json_put_bool(w, "read_only", dev->is_read_only);
    json_put_bool(w, "write_cache", dev->has_write_cache);
    json_put_bool(w, "discard", dev->can_discard);
    json_put_bool(w, "write_zeroes", dev->can_write_zeroes);
    json_put_string(w, "state", blk_state_name(dev->state));
    json_put_u64(w, "errors", dev->stats.errors);
    put_smart(w, dev);
}

static const struct gpt *table_of(const struct blkdev *dev)
{
    return __atomic_load_n(&dev->gpt, __ATOMIC_ACQUIRE);
}

static void put_disk(struct json_writer *w, const struct blkdev *dev)
{
    const struct gpt *gpt = table_of(dev);

    json_object_begin(w);
    put_facts(w, dev);
    json_put_string(w, "partition_table", gpt != NULL ? gpt_state_name(gpt->state) : "reading");
    json_key(w, "partitions");
    json_array_begin(w);
    for (u32 i = 0; gpt != NULL && i < gpt->count; i++)
        put_partition(w, dev, &gpt->parts[i]);
    json_array_end(w);
    json_object_end(w);
}

static bool next_disk(struct req *req, struct json_writer *w)
{
    char *name = req->state.name;
    struct blkdev *dev = blk_next(NULL);

    while (name[0] && dev && strcmp(dev->name, name) != 0)
        dev = blk_next(dev);
    if (name[0] && dev)
        dev = blk_next(dev);
    if (!dev)
        return false;
    (void)str_copy(name, sizeof(req->state.name), dev->name);
    put_disk(w, dev);
    return true;
}

void api_disks_get(struct req *req)
{
    static const struct api_list disks = {next_disk, DISK_TEXT_MAX, LIST_ALL, false};

    reply_list(req, &disks);
}
