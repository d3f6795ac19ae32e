/* SPDX-License-Identifier: BSD-2-Clause */
/* NBD's commands: what is allowed, and the heads of their answers. */
#include "mgmt/nbd/nbd.h"
#include "mgmt/nbd/nbd_wire.h"

/* The flags that a command may have. */
static u16 flags_allowed(u16 type)
{
    switch (type) {
    case NBD_CMD_READ:
        return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_DF;
    case NBD_CMD_WRITE_ZEROES:
        return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE;
    default:
        return NBD_CMD_FLAG_FUA;
    }
}

/* Whether the disk takes commands of that type. */
static enum nbd_error check_type(const struct nbd_command *command, const struct nbd_disk *disk)
{
    switch (command->type) {
    case NBD_CMD_READ:
    case NBD_CMD_FLUSH:
        return NBD_OK;
    case NBD_CMD_WRITE:
        return disk->is_read_only ? NBD_EPERM : NBD_OK;
    case NBD_CMD_TRIM:
        return disk->is_read_only ? NBD_EPERM : disk->can_trim ? NBD_OK : NBD_ENOTSUP;
    case NBD_CMD_WRITE_ZEROES:
        return disk->is_read_only ? NBD_EPERM : disk->can_write_zeroes ? NBD_OK : NBD_ENOTSUP;
    default:
        return NBD_EINVAL;
    }
}

enum nbd_error nbd_check(const struct nbd_command *command, const struct nbd_disk *disk)
{
    enum nbd_error error = check_type(command, disk);
    bool is_read = command->type == NBD_CMD_READ, is_write = command->type == NBD_CMD_WRITE;

    if (error != NBD_OK)
        return error;
    if (command->flags & ~flags_allowed(command->type))
        return NBD_EINVAL;
    if (command->type == NBD_CMD_FLUSH)
        return command->offset == 0 && command->length == 0 ? NBD_OK : NBD_EINVAL;
    if (command->offset > disk->bytes || command->length > disk->bytes - command->offset)
        return is_read ? NBD_EINVAL : NBD_ENOSPC;
    if (command->offset % disk->block_bytes || command->length % disk->block_bytes ||
        ((is_read || is_write) && command->length > NBD_PAYLOAD_MAX))
        return NBD_EINVAL;
    if ((command->flags & NBD_CMD_FLAG_DF) && command->length > NBD_DF_MAX)
        return NBD_EOVERFLOW;
    return NBD_OK;
}

u32 nbd_simple_reply(u8 out[NBD_SIMPLE_HEAD], const struct nbd_command *command,
                     enum nbd_error error)
{
    u8 *to = nbd_put(out, NBD_MAGIC_SIMPLE, 4);

    to = nbd_put(to, (u64)error, 4);
    (void)nbd_put(to, command->cookie, 8);
    return NBD_SIMPLE_HEAD;
}

static u8 *chunk_head(u8 *to, const struct nbd_command *command, u16 type, u32 bytes, bool is_last)
{
    to = nbd_put(to, NBD_MAGIC_CHUNK, 4);
    to = nbd_put(to, is_last ? NBD_CHUNK_DONE : 0, 2);
    to = nbd_put(to, type, 2);
    to = nbd_put(to, command->cookie, 8);
    return nbd_put(to, bytes, 4);
}

u32 nbd_data_chunk(u8 out[NBD_DATA_HEAD], const struct nbd_command *command, u64 offset, u32 bytes,
                   bool is_last)
{
    u8 *to = chunk_head(out, command, NBD_CHUNK_OFFSET_DATA, 8 + bytes, is_last);

    (void)nbd_put(to, offset, 8);
    return NBD_DATA_HEAD;
}

u32 nbd_error_chunk(u8 out[NBD_ERROR_REPLY], const struct nbd_command *command,
                    enum nbd_error error)
{
    u8 *to = chunk_head(out, command, NBD_CHUNK_ERROR, 6, true);

    to = nbd_put(to, (u64)error, 4);
    (void)nbd_put(to, 0, 2); /* no text */
    return NBD_ERROR_REPLY;
}
