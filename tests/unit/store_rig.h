/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk in memory for tests of the datastore: it holds requests until it is told to go on, ends
 * them in any order, fails one of them if asked, and notes all that happens to it.
 */
#ifndef SOCLE_TESTS_STORE_RIG_H
#define SOCLE_TESTS_STORE_RIG_H

#include "core/lib/errno.h"
#include "core/store/store.h"
#include "tests/unit/harness.h"
#include "tools/store/store_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIG_QUEUE 512

/* What rig_make_pool puts into a datastore: a volume's data at PLACE, and a blob. */
#define RIG_PLACE (33 * MiB)
#define RIG_DATA  MiB
#define RIG_BLOB  9000u

enum rig_event_type { RIG_SUBMITTED, RIG_DONE };

struct rig_event {
    enum rig_event_type type;
    enum store_io_kind kind;
    u32 request; /* both events of a request have the same */
    u64 offset;
    u32 bytes;
    u8 *data; /* of a write, when submitted */
};

struct rig {
    struct store_disk disk; /* first */
    u8 **block;             /* NULL: never written, garbage */
    u8 **good;              /* NULL, or what rig_keep has kept */
    u64 blocks;
    struct store_io *queue[RIG_QUEUE];
    u32 request[RIG_QUEUE];
    u32 queued;
    u32 requests;
    u64 blocks_written;
    u32 fail_at; /* the request that fails, counted from 1; 0: none */
    u64 seed;    /* of the order in which requests end; 0: as they came */
    bool is_recording;
    struct rig_event *events;
    u32 event_count, event_room;
    void *memory;
    struct store *s;
};

static inline u64 rig_random(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static inline void rig_record(struct rig *r, enum rig_event_type type, const struct store_io *io,
                              u32 request)
{
    struct rig_event *event;

    if (!r->is_recording)
        return;
    if (r->event_count == r->event_room) {
        r->event_room = r->event_room * 2 + 64;
        r->events = realloc(r->events, r->event_room * sizeof *r->events);
    }
    event = &r->events[r->event_count++];
    *event = (struct rig_event){type, io->kind, request, io->offset, io->bytes, NULL};
    if (type == RIG_SUBMITTED && io->kind == STORE_IO_WRITE) {
        event->data = malloc(io->bytes);
        memcpy(event->data, io->buf ? io->buf : (u8 *)io->mem + io->skip, io->bytes);
    }
}

static inline void rig_submit(struct store_disk *disk, struct store_io *io)
{
    struct rig *r = (struct rig *)disk;

    if (r->queued == RIG_QUEUE || io->offset + io->bytes > r->blocks * STORE_BLOCK ||
        io->offset % 512 || io->bytes % 512)
        abort();
    r->requests++;
    rig_record(r, RIG_SUBMITTED, io, r->requests);
    r->request[r->queued] = r->requests;
    r->queue[r->queued++] = io;
}

static inline void rig_copy_from(void *dst, void *mem, u64 skip, u32 bytes)
{
    memcpy(dst, (u8 *)mem + skip, bytes);
}

static inline void rig_copy_to(void *mem, u64 skip, const void *src, u32 bytes)
{
    memcpy((u8 *)mem + skip, src, bytes);
}

static inline void rig_read(struct rig *r, u64 offset, u8 *out, u32 bytes)
{
    for (; bytes; bytes -= 512, offset += 512, out += 512) {
        const u8 *from = r->block[offset / STORE_BLOCK];

        if (from)
            memcpy(out, from + offset % STORE_BLOCK, 512);
        else
            memset(out, 0xee, 512);
    }
}

static inline void rig_write(struct rig *r, u64 offset, const u8 *from, u32 bytes)
{
    r->blocks_written += (bytes + STORE_BLOCK - 1) / STORE_BLOCK;
    for (; bytes; bytes -= 512, offset += 512, from += 512) {
        u8 **to = &r->block[offset / STORE_BLOCK];

        if (!*to) {
            *to = malloc(STORE_BLOCK);
            memset(*to, 0xee, STORE_BLOCK);
        }
        memcpy(*to + offset % STORE_BLOCK, from, 512);
    }
}

/* Lets one request end. Return: false if there is none. */
static inline bool rig_step(struct rig *r)
{
    u32 n = r->seed && r->queued ? (u32)(rig_random(&r->seed) % r->queued) : 0;
    struct store_io *io = r->queue[n];
    u32 request = r->request[n];
    u8 *data;

    if (!r->queued)
        return false;
    r->queued--;
    memmove(&r->queue[n], &r->queue[n + 1], (r->queued - n) * sizeof *r->queue);
    memmove(&r->request[n], &r->request[n + 1], (r->queued - n) * sizeof *r->request);
    data = io->buf ? io->buf : io->mem ? (u8 *)io->mem + io->skip : NULL;
    io->status = request == r->fail_at ? -EIO : 0;
    if (!io->status && io->kind == STORE_IO_READ)
        rig_read(r, io->offset, data, io->bytes);
    if (!io->status && io->kind == STORE_IO_WRITE)
        rig_write(r, io->offset, data, io->bytes);
    rig_record(r, RIG_DONE, io, request);
    io->done(io);
    return true;
}

/* Until nothing happens any more. */
static inline void rig_settle(struct rig *r)
{
    while (rig_step(r))
        ;
}

/* Return: the operation's status; its place in the trace is passed when this returns. */
static inline int rig_wait(struct rig *r, struct store_op *op)
{
    while (op->status == -EAGAIN && rig_step(r))
        ;
    return op->status;
}

static inline int rig_run(struct rig *r, struct store_op op)
{
    store_submit(r->s, &op);
    return rig_wait(r, &op);
}

static const u8 rig_uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static inline void rig_attach(struct rig *r)
{
    r->s = store_init(r->memory, &r->disk);
}

static inline void rig_init(struct rig *r, u64 bytes)
{
    memset(r, 0, sizeof *r);
    r->disk = (struct store_disk){
        .bytes = bytes, .submit = rig_submit, .copy_from = rig_copy_from, .copy_to = rig_copy_to};
    r->blocks = bytes / STORE_BLOCK;
    r->block = calloc(r->blocks, sizeof *r->block);
    r->memory = aligned_alloc(4096, store_memory_bytes(bytes));
    rig_attach(r);
}

static inline void rig_drop_blocks(struct rig *r)
{
    for (u64 i = 0; i < r->blocks; i++)
        free(r->block[i]);
    memset(r->block, 0, r->blocks * sizeof *r->block);
}

static inline void rig_fini(struct rig *r)
{
    rig_drop_blocks(r);
    for (u64 i = 0; r->good && i < r->blocks; i++)
        free(r->good[i]);
    free(r->good);
    free(r->block);
    free(r->memory);
    for (u32 i = 0; i < r->event_count; i++)
        free(r->events[i].data);
    free(r->events);
}

/* The power goes, and comes back: what was on its way is not seen again. */
static inline int rig_mount(struct rig *r)
{
    r->queued = 0;
    rig_attach(r);
    return rig_run(r, (struct store_op){.kind = STORE_MOUNT});
}

static inline int rig_format(struct rig *r)
{
    int status = rig_run(r, (struct store_op){.kind = STORE_FORMAT, .uuid = rig_uuid});

    return status ? status : rig_mount(r);
}

static inline int rig_create(struct rig *r, const char *name, u64 bytes)
{
    return rig_run(r, (struct store_op){.kind = STORE_CREATE, .name = name, .bytes = bytes});
}

static inline int rig_copy(struct rig *r, enum store_op_kind kind, const char *name,
                           const char *from)
{
    return rig_run(r, (struct store_op){.kind = kind, .name = name, .from = from});
}

static inline int rig_delete(struct rig *r, const char *name)
{
    return rig_run(r, (struct store_op){.kind = STORE_DELETE, .name = name});
}

static inline int rig_open(struct rig *r, const char *name, struct store_volume *volume)
{
    return rig_run(r, (struct store_op){.kind = STORE_OPEN, .name = name, .volume = volume});
}

static inline int rig_io(struct rig *r, enum store_op_kind kind, struct store_volume *volume,
                         u64 offset, void *mem, u64 bytes)
{
    return rig_run(
        r, (struct store_op){
               .kind = kind, .volume = volume, .offset = offset, .mem = mem, .bytes = bytes});
}

static inline int rig_flush(struct rig *r)
{
    return rig_run(r, (struct store_op){.kind = STORE_FLUSH});
}

static inline bool rig_check_read(void *arg, u64 block, void *out)
{
    struct rig *r = arg;

    if (block >= r->blocks)
        return false;
    rig_read(r, block * STORE_BLOCK, out, STORE_BLOCK);
    return true;
}

static inline void rig_check_report(void *arg, const char *line)
{
    (void)arg;
    printf("    %s\n", line);
}

/* What is on the disk, flushed before. Return: faults. */
static inline u64 rig_check_disk(struct rig *r)
{
    struct store_check check = {
        .read = rig_check_read, .report = rig_check_report, .arg = r, .blocks = r->blocks};

    return store_check(&check);
}

/* Everything is flushed, the disk is consistent, and the store agrees with it about space. */
static inline bool rig_is_consistent(struct rig *r)
{
    struct store_usage usage;
    bool ok;

    rig_settle(r);
    ok = CHECK_EQ(rig_flush(r), 0);
    rig_settle(r);
    ok = CHECK(store_is_idle(r->s)) && ok;
    ok = CHECK_EQ(rig_check_disk(r), 0) && ok;
    store_usage(r->s, &usage);
    return CHECK_EQ(usage.free_bytes + usage.data_bytes + usage.node_bytes + usage.fixed_bytes,
                    usage.total_bytes) &&
           ok;
}

/* A volume "a" of random data without zeroes (these stand for loss), a snapshot "s" of it, a blob
 * "b"; then `over` is written over the second block of "a". */
static inline void rig_make_pool(struct rig *r, u8 data[RIG_DATA], u8 *over)
{
    struct store_volume a;
    u64 seed = 1;

    for (u32 i = 0; i < RIG_DATA; i += 8) {
        u64 word = rig_random(&seed) | 0x0101010101010101;

        memcpy(data + i, &word, 8);
    }
    CHECK_EQ(rig_format(r), 0);
    CHECK_EQ(rig_create(r, "a", 64 * MiB), 0);
    CHECK_EQ(rig_open(r, "a", &a), 0);
    CHECK_EQ(rig_io(r, STORE_WRITE, &a, RIG_PLACE, data, RIG_DATA), 0);
    CHECK_EQ(rig_copy(r, STORE_SNAPSHOT, "s", "a"), 0);
    CHECK_EQ(rig_io(r, STORE_WRITE, &a, RIG_PLACE + STORE_BLOCK, over, STORE_BLOCK), 0);
    CHECK_EQ(rig_run(r,
                     (struct store_op){
                         .kind = STORE_BLOB_PUT, .name = "b", .mem = data, .bytes = RIG_BLOB}),
             0);
}

/* Remembers what is on the disk, which must be consistent. Once for a rig. */
static inline void rig_keep(struct rig *r)
{
    CHECK(rig_is_consistent(r));
    r->good = calloc(r->blocks, sizeof *r->good);
    for (u64 i = 0; i < r->blocks; i++) {
        if (!r->block[i])
            continue;
        r->good[i] = malloc(STORE_BLOCK);
        memcpy(r->good[i], r->block[i], STORE_BLOCK);
    }
}

/* Makes the disk what it was then, or all but its journal. */
static inline void rig_restore(struct rig *r, bool with_journal)
{
    struct store_geometry g;

    CHECK(store_geometry(&g, r->blocks));
    rig_drop_blocks(r);
    for (u64 i = 0; i < r->blocks; i++)
        if (r->good[i] && (with_journal || i < g.journal[0] || i >= g.table))
            rig_write(r, i * STORE_BLOCK, r->good[i], STORE_BLOCK);
}

static inline struct store_usage rig_usage(struct rig *r)
{
    struct store_usage usage;

    store_usage(r->s, &usage);
    return usage;
}

#endif
