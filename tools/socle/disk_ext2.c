/* SPDX-License-Identifier: BSD-2-Clause */
/* The library's "I/O manager", which can only read. */
#include "tools/socle/disk_ext2.h"

#include <string.h>

struct source {
    struct volume_reader *disk;
    struct disk_part part;
};

/* The library passes open() nothing but a name. */
static struct source opening;

static errcode_t source_open(const char *name, int flags, io_channel *channel);

static errcode_t source_close(io_channel channel)
{
    if (--channel->refcount > 0)
        return 0;
    free(channel->private_data);
    free(channel->name);
    free(channel);
    return 0;
}

static errcode_t source_set_blksize(io_channel channel, int size)
{
    channel->block_size = size;
    return 0;
}

/* count: blocks, or bytes if it is negative. */
static errcode_t source_read64(io_channel channel, unsigned long long block, int count, void *data)
{
    struct source *source = channel->private_data;
    u64 unit = (u64)channel->block_size, bytes = count < 0 ? (u64) - (s64)count : (u64)count * unit;

    if (block > source->part.bytes / unit || bytes > source->part.bytes - block * unit)
        return EXT2_ET_SHORT_READ;
    return volume_read(source->disk, source->part.offset + block * unit, data, (size_t)bytes)
               ? 0
               : EXT2_ET_SHORT_READ;
}

static errcode_t source_read(io_channel channel, unsigned long block, int count, void *data)
{
    return source_read64(channel, block, count, data);
}

static errcode_t source_write64(io_channel channel, unsigned long long block, int count,
                                const void *data)
{
    (void)channel, (void)block, (void)count, (void)data;
    return EXT2_ET_RO_FILSYS;
}

static errcode_t source_write(io_channel channel, unsigned long block, int count, const void *data)
{
    return source_write64(channel, block, count, data);
}

static errcode_t source_flush(io_channel channel)
{
    (void)channel;
    return 0;
}

static struct struct_io_manager manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "volume of the host",
    .open = source_open,
    .close = source_close,
    .set_blksize = source_set_blksize,
    .read_blk = source_read,
    .write_blk = source_write,
    .flush = source_flush,
    .read_blk64 = source_read64,
    .write_blk64 = source_write64,
};

static errcode_t source_open(const char *name, int flags, io_channel *channel)
{
    struct source *source = mem_resize(NULL, sizeof(*source));
    io_channel made = mem_resize(NULL, sizeof(*made));

    (void)flags;
    *source = opening;
    memset(made, 0, sizeof(*made));
    made->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    made->manager = &manager;
    made->name = mem_text("%s", name);
    made->block_size = 1024;
    made->refcount = 1;
    made->private_data = source;
    *channel = made;
    return 0;
}

ext2_filsys disk_ext2_open(struct volume_reader *disk, const struct disk_part *part)
{
    ext2_filsys fs = NULL;

    opening = (struct source){disk, *part};
    return ext2fs_open("volume", EXT2_FLAG_64BITS, 0, 0, &manager, &fs) == 0 ? fs : NULL;
}
