/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of metadata in memory: loaded when wanted, checked once, dropped by a clock. */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

static u32 block_crc(const struct store *s, const void *block)
{
    const struct store_head *head = block;
    u32 seed = head->kind == STORE_KIND_SUPER ? 0 : s->seed;

    return crc32c(&s->crc, seed, (const u8 *)block + 4, STORE_BLOCK - 4);
}

void block_seal(const struct store *s, void *block)
{
    ((struct store_head *)block)->crc = block_crc(s, block);
}

bool block_is_good(const struct store *s, const void *block, u64 number)
{
    const struct store_head *head = block;

    return head->block == number && head->crc == block_crc(s, block);
}

static struct store_buf **hash_slot(struct store *s, u64 block)
{
    return &s->hash[block % STORE_HASH];
}

static struct store_buf *find(struct store *s, u64 block)
{
    struct store_buf *buf = *hash_slot(s, block);

    while (buf && buf->block != block)
        buf = buf->next;
    return buf;
}

static void unlink(struct store *s, struct store_buf *buf)
{
    struct store_buf **at = hash_slot(s, buf->block);

    while (*at != buf)
        at = &(*at)->next;
    *at = buf->next;
}

/* The disk may still be writing to its memory. */
static void drop(struct store *s, struct store_buf *buf)
{
    unlink(s, buf);
    buf->is_orphan = buf->is_loading;
    buf->is_used = buf->is_loading;
}

/* The operation whose turn it is keeps what it gets until its next step. */
static void touch(struct store *s, struct store_buf *buf)
{
    buf->is_referenced = true;
    if (s->turn && s->turn == s->stepping)
        buf->pin = s->turn_serial;
}

static bool is_needed(const struct store *s, const struct store_buf *buf)
{
    return buf->is_loading || buf->is_dirty || buf->is_committing || buf == s->root_buf ||
           (s->turn && buf->pin == s->turn_serial);
}

/* There always is one: STORE_BUFS is more than can be needed. */
static struct store_buf *take_buf(struct store *s, u64 block)
{
    for (u32 i = 0; i < 2 * STORE_BUFS + 1; i++) {
        struct store_buf *buf = &s->bufs[s->clock];

        s->clock = (s->clock + 1) % STORE_BUFS;
        if (buf->is_used && (is_needed(s, buf) || buf->is_referenced)) {
            buf->is_referenced = false;
            continue;
        }
        if (buf->is_used)
            unlink(s, buf);
        buf->block = block;
        buf->is_used = true;
        buf->status = 0;
        buf->next = *hash_slot(s, block);
        *hash_slot(s, block) = buf;
        memset(buf->lost, 0, sizeof buf->lost);
        return buf;
    }
    assert_failed("a block that nobody needs", __FILE__, __LINE__);
}

static void loaded(struct store_io *io)
{
    struct store_buf *buf = io->owner;
    struct store *s = buf->s;

    buf->status = io->status;
    if (!buf->status && !block_is_good(s, buf->data, buf->block))
        buf->status = -EIO;
    buf->is_loading = false;
    buf->is_used = !buf->is_orphan;
    buf->is_orphan = false;
    s->loads--;
    store_run(s);
}

static void load(struct store *s, u64 block)
{
    struct store_buf *buf = take_buf(s, block);

    buf->is_loading = true;
    touch(s, buf);
    s->loads++;
    buf->io = (struct store_io){.kind = STORE_IO_READ,
                                .offset = block * STORE_BLOCK,
                                .bytes = STORE_BLOCK,
                                .buf = buf->data,
                                .done = loaded,
                                .owner = buf};
    s->disk->submit(s->disk, &buf->io);
}

int cache_get(struct store *s, u64 block, u32 kind, struct store_buf **out)
{
    struct store_buf *buf = find(s, block);
    const struct store_head *head;
    int status;

    if (!buf) {
        if (s->loads < STORE_LOADS)
            load(s, block);
        return -EAGAIN;
    }
    touch(s, buf);
    if (buf->is_loading)
        return -EAGAIN;
    head = (const void *)buf->data;
    status = buf->status ? buf->status : head->kind == kind ? 0 : -EIO;
    if (buf->status)
        drop(s, buf);
    *out = buf;
    return status;
}

struct store_buf *cache_new(struct store *s, u64 block, u32 kind)
{
    struct store_buf *buf = find(s, block);
    struct store_head *head;

    if (buf && buf->is_loading) {
        drop(s, buf);
        buf = NULL;
    }
    if (!buf)
        buf = take_buf(s, block);
    touch(s, buf);
    memset(buf->data, 0, STORE_BLOCK);
    buf->status = 0;
    head = (void *)buf->data;
    head->kind = kind;
    head->block = block;
    cache_dirty(s, buf);
    return buf;
}

void cache_forget(struct store *s, u64 block)
{
    struct store_buf *buf = find(s, block);

    if (!buf)
        return;
    if (buf->is_dirty)
        s->dirty--;
    buf->is_dirty = false;
    buf->is_committing = false;
    drop(s, buf);
}

void cache_dirty(struct store *s, struct store_buf *buf)
{
    if (!buf->is_dirty)
        s->dirty++;
    buf->is_dirty = true;
}

void cache_count(struct store *s, struct store_buf *buf, u32 *count)
{
    if (!buf->is_dirty && buf->counted != s->count_serial)
        (*count)++;
    buf->counted = s->count_serial;
}

bool cache_has_room(struct store *s, u32 count)
{
    if (s->dirty + count < STORE_TXN_MAX)
        return true;
    s->wants_commit = true;
    return false;
}
