/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * There are two slots for the pieces of a blob: a new content goes to the one that is free, then
 * the blob is made to name it, then the other is emptied.
 */
#include "core/vmm/large_blob.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mm/kheap.h"

#define INDEX_MAGIC     0x58444e4945435053ull /* no device tree begins so */
#define PIECES_MAX      ((LARGE_BLOB_MAX + STORE_BLOB_MAX - 1) / STORE_BLOB_MAX)
#define PIECE_NAME_MAX  (sizeof(LARGE_BLOB_PREFIX "1:0:") + LARGE_BLOB_NAME_MAX)
#define PIECE_NAME_BASE (sizeof(LARGE_BLOB_PREFIX "1:0:") - 1)

_Static_assert(PIECES_MAX <= 10, "its number is a digit");
_Static_assert(PIECE_NAME_MAX <= STORE_NAME_MAX + 1, "the store takes it");

/* What the blob of the name is if its content is in pieces. */
struct index {
    u64 magic;
    u32 slot; /* 1 or 2 */
    u32 bytes;
};

static bool index_is_good(const struct index *index, size_t bytes)
{
    return bytes == sizeof(*index) && index->magic == INDEX_MAGIC && index->slot >= 1 &&
           index->slot <= 2 && index->bytes > 0 && index->bytes <= LARGE_BLOB_MAX;
}

/* The slot that the blob names; 0: none. Return: 0; -ENOENT: there is no such blob; an error. */
static int slot_of(struct pool *pool, const char *name, u32 *slot)
{
    struct index *index = kmalloc(sizeof(*index));
    struct store_op op = {.kind = STORE_BLOB_GET, .name = name, .bytes = sizeof(*index)};
    int rc = index ? pool_run(pool, &op, index) : -ENOMEM;

    *slot = rc == 0 && index_is_good(index, op.bytes) ? index->slot : 0;
    kfree(index);
    return rc == -E2BIG ? 0 : rc;
}

static void piece_name(char *out, const char *name, u32 slot, u32 piece)
{
    ksnprintf(out, PIECE_NAME_MAX, LARGE_BLOB_PREFIX "%u:%u:%s", slot, piece, name);
}

/* Whatever stays is swept one day. */
static void delete_pieces(struct pool *pool, const char *name, u32 slot)
{
    char piece[PIECE_NAME_MAX];
    struct store_op op = {.kind = STORE_BLOB_DELETE, .name = piece};
    int rc = slot ? 0 : -ENOENT;

    for (u32 i = 0; rc == 0 && i < PIECES_MAX; i++) {
        piece_name(piece, name, slot, i);
        rc = pool_run(pool, &op, NULL);
    }
}

static int put_one(struct pool *pool, const char *name, u64 created_s, void *mem, size_t bytes)
{
    struct store_op op = {
        .kind = STORE_BLOB_PUT, .name = name, .bytes = bytes, .created_s = created_s};

    return pool_run(pool, &op, mem);
}

static int put_pieces(struct pool *pool, const char *name, u32 slot, u64 created_s, void *mem,
                      size_t bytes)
{
    struct index *index = kmalloc(sizeof(*index));
    char piece[PIECE_NAME_MAX];
    int rc = index ? 0 : -ENOMEM;

    for (u32 i = 0; rc == 0 && (size_t)i * STORE_BLOB_MAX < bytes; i++) {
        size_t at = (size_t)i * STORE_BLOB_MAX;

        piece_name(piece, name, slot, i);
        rc = put_one(pool, piece, created_s, (u8 *)mem + at, MIN(bytes - at, STORE_BLOB_MAX));
    }
    if (rc == 0) {
        *index = (struct index){INDEX_MAGIC, slot, (u32)bytes};
        rc = put_one(pool, name, created_s, index, sizeof(*index));
    }
    kfree(index);
    return rc;
}

int large_blob_put(struct pool *pool, const char *name, u64 created_s, void *mem, size_t bytes)
{
    u32 old, slot;
    int rc = bytes <= LARGE_BLOB_MAX ? slot_of(pool, name, &old) : -E2BIG;

    if (rc && rc != -ENOENT)
        return rc;
    slot = bytes <= STORE_BLOB_MAX ? 0 : old == 1 ? 2 : 1;
    if (slot == 0)
        rc = put_one(pool, name, created_s, mem, bytes);
    else
        rc = put_pieces(pool, name, slot, created_s, mem, bytes);
    delete_pieces(pool, name, rc ? slot : old);
    return rc;
}

static int get_pieces(struct pool *pool, const char *name, const struct index *index, void **mem)
{
    u8 *all = kmalloc(index->bytes);
    char piece[PIECE_NAME_MAX];
    int rc = all ? 0 : -ENOMEM;

    for (u32 at = 0; rc == 0 && at < index->bytes; at += STORE_BLOB_MAX) {
        u32 bytes = MIN(index->bytes - at, (u32)STORE_BLOB_MAX);
        struct store_op op = {.kind = STORE_BLOB_GET, .name = piece, .bytes = bytes};

        piece_name(piece, name, index->slot, at / STORE_BLOB_MAX);
        rc = pool_run(pool, &op, all + at);
        if (rc == -ENOENT || rc == -E2BIG || (rc == 0 && op.bytes != bytes))
            rc = -EINVAL;
    }
    if (rc)
        kfree(all);
    else
        *mem = all;
    return rc;
}

int large_blob_get(struct pool *pool, const char *name, void **mem, size_t *bytes)
{
    void *one = kmalloc(STORE_BLOB_MAX);
    struct store_op op = {.kind = STORE_BLOB_GET, .name = name, .bytes = STORE_BLOB_MAX};
    struct index index;
    int rc = one ? pool_run(pool, &op, one) : -ENOMEM;

    *mem = one;
    *bytes = op.bytes;
    if (rc == 0 && op.bytes == sizeof(index)) {
        memcpy(&index, one, sizeof(index));
        *bytes = index.bytes;
        rc = index_is_good(&index, op.bytes) ? get_pieces(pool, name, &index, mem) : -EINVAL;
        if (rc == 0)
            kfree(one);
    }
    if (rc)
        kfree(one);
    return rc;
}

int large_blob_delete(struct pool *pool, const char *name)
{
    struct store_op op = {.kind = STORE_BLOB_DELETE, .name = name};
    u32 slot;
    int rc = slot_of(pool, name, &slot);

    if (rc == 0)
        rc = pool_run(pool, &op, NULL);
    if (rc == 0)
        delete_pieces(pool, name, slot);
    return rc;
}

void large_blob_sweep(struct pool *pool, const char *piece)
{
    struct store_op op = {.kind = STORE_BLOB_DELETE, .name = piece};
    size_t prefix = sizeof(LARGE_BLOB_PREFIX) - 1;
    u32 slot;
    int rc;

    if (strncmp(piece, LARGE_BLOB_PREFIX, prefix) != 0 || strlen(piece) < PIECE_NAME_BASE)
        return;
    rc = slot_of(pool, piece + PIECE_NAME_BASE, &slot);
    if (rc == -ENOENT || (rc == 0 && slot != (u32)(piece[prefix] - '0')))
        (void)!pool_run(pool, &op, NULL);
}
