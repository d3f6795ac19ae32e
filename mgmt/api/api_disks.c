/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's disks: what they are, how they are, which partitions they have. */
#include "core/lib/printf.h"
#include "core/vmm/vmm.h"
#include "drivers/block/blk.h"
#include "drivers/block/gpt.h"
#include "mgmt/api/api.h"

#define DISK_TEXT_MAX 2048u /* a disk without its partitions, or one partition, all escaped */

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

/* The disk's object up to its partitions. Return: the first of these to write. */
static u32 begin_disk(struct json_writer *w, const struct blkdev *dev)
{
    const struct gpt *gpt = table_of(dev);

    json_object_begin(w);
    put_facts(w, dev);
    json_put_string(w, "partition_table", gpt != NULL ? gpt_state_name(gpt->state) : "reading");
    json_key(w, "partitions");
    json_array_begin(w);
    return gpt != NULL ? 0 : GPT_ENTRIES_MAX;
}

/* state.object: the disk; .flag: its partitions are being written, .id the next. The pieces are
 * joined here: a writer knows of its own only. */
static enum produce disks_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;

    while (w->size - w->len > DISK_TEXT_MAX) {
        struct blkdev *dev = state->object;
        const struct gpt *gpt = dev != NULL ? table_of(dev) : NULL;

        w->need_comma = false;
        if (state->flag && gpt != NULL && state->id < gpt->count) {
            json_raw(w, state->id > 0 ? "," : "");
            put_partition(w, dev, &gpt->parts[state->id++]);
            continue;
        }
        json_raw(w, state->flag ? "]}" : "{\"items\":[");
        dev = state->flag ? blk_next(dev) : blk_next(NULL);
        if (dev == NULL) {
            json_raw(w, "]}");
            return PRODUCE_DONE;
        }
        json_raw(w, state->flag ? "," : "");
        state->object = dev;
        state->id = begin_disk(w, dev);
        state->flag = true;
    }
    return PRODUCE_MORE;
}

void api_disks_get(struct req *req)
{
    static const struct body_source source = {.produce = disks_produce};

    reply_stream(req, 200, "application/json", HTTP_LENGTH_NONE, &source);
}
