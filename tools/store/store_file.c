/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of a datastore as reads and writes of a file, each done at once. */
#define _GNU_SOURCE
#include "tools/store/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/block/gpt.h"

#define SECTOR 512u /* of disk images */

static bool read_all(const struct store_file *file, u64 offset, void *out, u64 bytes)
{
    return pread(file->fd, out, bytes, (off_t)(file->begin + offset)) == (ssize_t)bytes;
}

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static bool file_read(struct store_file *file, u64 offset, u8 *out, u64 bytes)
{
    if (!read_all(file, offset, out, bytes))
        return false;
    for (u64 at = 0; at < bytes && file->overlay; at += SECTOR) {
        const u8 *block = file->overlay[(offset + at) / STORE_BLOCK];

        if (block)
            memcpy(out + at, block + (offset + at) % STORE_BLOCK, SECTOR);
    }
    return true;
}

static bool file_write(struct store_file *file, u64 offset, const u8 *from, u64 bytes)
{
    if (!file->overlay)
        return pwrite(file->fd, from, bytes, (off_t)(file->begin + offset)) == (ssize_t)bytes;
    for (u64 at = 0; at < bytes; at += SECTOR) {
        u64 block = (offset + at) / STORE_BLOCK;

        if (!file->overlay[block]) {
            file->overlay[block] = need(malloc(STORE_BLOCK));
            if (!read_all(file, block * STORE_BLOCK, file->overlay[block], STORE_BLOCK))
                return false;
        }
        memcpy(file->overlay[block] + (offset + at) % STORE_BLOCK, from + at, SECTOR);
    }
    return true;
}

static void submit(struct store_disk *disk, struct store_io *io)
{
    struct store_file *file = (struct store_file *)disk;
    u8 *data = io->buf ? io->buf : (u8 *)io->mem + io->skip;
    bool ok = true;

    if (io->kind == STORE_IO_READ)
        ok = file_read(file, io->offset, data, io->bytes);
    else if (io->kind == STORE_IO_WRITE)
        ok = file_write(file, io->offset, data, io->bytes);
    else if (!file->overlay)
        ok = fdatasync(file->fd) == 0;
    io->status = ok ? 0 : -EIO;
    io->done(io);
}

static void copy_from(void *dst, void *mem, u64 skip, u32 bytes)
{
    memcpy(dst, (u8 *)mem + skip, bytes);
}

static void copy_to(void *mem, u64 skip, const void *src, u32 bytes)
{
    memcpy((u8 *)mem + skip, src, bytes);
}

/* Looks for a partition of the datastore's type. Without a table the file is a pool. */
static const char *find_pool(struct store_file *file, u64 bytes)
{
    static const u8 type[16] = STORE_PARTITION_TYPE;
    struct gpt_header header;
    struct gpt *gpt;
    u8 block[SECTOR];
    u8 *entries;
    const char *why = "its partition table has no partition of the datastore's type";

    file->disk.bytes = bytes;
    if (!read_all(file, GPT_HEADER_LBA * SECTOR, block, SECTOR) ||
        gpt_parse_header(&header, block, SECTOR, GPT_HEADER_LBA, bytes / SECTOR))
        return NULL;
    gpt = need(malloc(sizeof *gpt + GPT_ENTRIES_MAX * sizeof gpt->parts[0]));
    entries = need(malloc(GPT_ENTRIES_BYTES_MAX));
    if (!read_all(file, header.entries_lba * SECTOR, entries, gpt_entries_bytes(&header)) ||
        gpt_parse_entries(gpt, &header, entries)) {
        why = "its partition table is damaged";
        gpt->count = 0;
    }
    for (u32 i = 0; i < gpt->count && !file->begin; i++)
        if (!memcmp(gpt->parts[i].type, type, sizeof type)) {
            file->begin = gpt->parts[i].first_lba * SECTOR;
            file->disk.bytes = gpt->parts[i].blocks * SECTOR;
        }
    free(entries);
    free(gpt);
    return file->begin ? NULL : why;
}

const char *store_file_open(struct store_file *file, const char *path, bool is_read_only)
{
    struct stat stat;
    const char *why;

    memset(file, 0, sizeof *file);
    file->disk = (struct store_disk){.submit = submit, .copy_from = copy_from, .copy_to = copy_to};
    file->fd = open(path, (is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &stat))
        return strerror(errno);
    why = find_pool(file, (u64)stat.st_size);
    if (why)
        return why;
    if (!store_memory_bytes(file->disk.bytes))
        return "it is too small for a datastore";
    if (is_read_only)
        file->overlay = need(calloc(file->disk.bytes / STORE_BLOCK, sizeof *file->overlay));
    file->memory = need(aligned_alloc(4096, store_memory_bytes(file->disk.bytes)));
    store_file_restart(file);
    return NULL;
}

void store_file_restart(struct store_file *file)
{
    file->store = store_init(file->memory, &file->disk);
}

void store_file_close(struct store_file *file)
{
    for (u64 i = 0; file->overlay && i < file->disk.bytes / STORE_BLOCK; i++)
        free(file->overlay[i]);
    free(file->overlay);
    free(file->memory);
    close(file->fd);
}

int store_file_run(struct store_file *file, struct store_op *op)
{
    store_submit(file->store, op);
    return op->status;
}

bool store_file_read(void *arg, u64 block, void *out)
{
    struct store_file *file = arg;

    return block < file->disk.bytes / STORE_BLOCK &&
           file_read(file, block * STORE_BLOCK, out, STORE_BLOCK);
}

bool store_file_write(void *arg, u64 block, const void *data)
{
    struct store_file *file = arg;

    return block < file->disk.bytes / STORE_BLOCK &&
           file_write(file, block * STORE_BLOCK, data, STORE_BLOCK);
}
