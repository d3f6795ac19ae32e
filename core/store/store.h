/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A datastore: thin volumes, their snapshots and clones, and small named objects, kept crash-safe
 * on a disk or a part of one. README.md tells how.
 *
 * Pure and asynchronous: requests come in as operations, disk requests go out by struct store_disk,
 * and their ends carry the operations on. Context of every function and callback: one task, or a
 * lock of the owner's; nothing here waits, allocates or knows the time.
 */
#ifndef SOCLE_STORE_STORE_H
#define SOCLE_STORE_STORE_H

#include "core/lib/compiler.h"
#include "core/lib/list.h"
#include "core/lib/types.h"
#include "core/store/store_format.h"

/* Requests to the disk at a time, besides one of each operation in progress. */
#define STORE_IOS_MAX 98u

enum store_io_kind { STORE_IO_READ, STORE_IO_WRITE, STORE_IO_FLUSH };

/* A request to the disk. */
struct store_io {
    enum store_io_kind kind;
    u64 offset; /* of the disk; a multiple of 512, as is the length */
    u32 bytes;
    void *buf; /* the store's memory; or, where it is NULL: */
    void *mem; /* the submitter's, from byte `skip` on */
    u64 skip;
    void (*done)(struct store_io *io); /* once; may be called from within submit() */
    int status;                        /* 0, -EIO or another error */
    void *owner;                       /* the store's */
    u32 epoch;
};

/* What the store lies on. A flush makes durable what was done before it was submitted. */
struct store_disk {
    u64 bytes;
    void (*submit)(struct store_disk *disk, struct store_io *io);
    /* The memory of operations is known to their submitter only. */
    void (*copy_from)(void *dst, void *mem, u64 skip, u32 bytes);
    void (*copy_to)(void *mem, u64 skip, const void *src, u32 bytes);
};

struct store;

/* A volume or snapshot in use. The caller's memory, from STORE_OPEN to store_close(). */
struct store_volume {
    u32 number;        /* of the object */
    bool is_read_only; /* snapshots */
    u64 bytes;         /* grows by STORE_GROW */
    u32 ops;           /* in progress */
    u32 writes;        /* of data in place, with the disk */
    bool is_held;      /* writes wait: a snapshot is being made */
    struct list link;
};

struct store_info {
    char name[STORE_NAME_MAX + 1];
    enum store_object_kind kind;
    u64 id;
    u64 origin; /* 0: none */
    u64 created_s;
    u64 bytes;
    u64 mapped_bytes; /* some may be shared with other volumes */
};

enum store_op_kind {
    STORE_FORMAT,
    STORE_MOUNT,
    STORE_READ,
    STORE_WRITE,
    STORE_ZERO,
    STORE_DISCARD,
    STORE_FLUSH,
    STORE_OPEN,
    STORE_STAT,
    STORE_COMPARE,
    STORE_CREATE,
    STORE_SNAPSHOT,
    STORE_CLONE,
    STORE_GROW,
    STORE_DELETE,
    STORE_BLOB_PUT,
    STORE_BLOB_GET,
    STORE_BLOB_DELETE,
    STORE_REAP, /* the store's own: gives back what deleted objects had */
    STORE_OP_KINDS,
};

/*
 * One operation; the submitter's memory until done(). What each takes and gives:
 *
 * FORMAT     uuid. Whatever the disk held is gone. Mounts nothing.
 * MOUNT      Recovers what a crash left. -ENOENT: no datastore; -EINVAL: damaged.
 * READ, WRITE  volume, offset, bytes (multiples of 512), mem.
 * ZERO       the same without mem; gives extents back where it covers them whole.
 * DISCARD    gives back the extents it covers whole, which read as zeroes; leaves the rest alone.
 * FLUSH      what was done before it was submitted is durable.
 * OPEN       name, volume. -EBUSY: open already.
 * STAT       number, info. -ENOENT: no such object, or it is being deleted.
 * CREATE     name, bytes (a multiple of 512), created_s.
 * SNAPSHOT, CLONE  name of the new one, from, created_s: what `from` holds now, to read or to
 * write. GROW       name, bytes: never fewer (-EINVAL). DELETE     name of a volume or snapshot.
 * -EBUSY: it is open. BLOB_PUT   name, mem (STORE_BLOB_MAX bytes at most), bytes, created_s: makes
 * or replaces it. BLOB_GET   name, mem with room for `bytes`; sets bytes. -E2BIG: no room.
 * BLOB_DELETE  name.
 *
 * COMPARE    number, other (a second object, or STORE_OBJECTS_MAX: zeroes), offset, bytes: sets
 * is_different, and bytes to how many from there on are all different or all the same; that may go
 * on behind them. -ENOENT as STAT.
 *
 * Those from CREATE on that change something are durable when done, and happen wholly or not at
 * all. Names: 1 to 63 bytes, none of them a control character; volumes and snapshots share them,
 * blobs have their own. -ENOENT: no such name; -EEXIST: it is taken; -EPERM: a snapshot is not to
 * be written; -ENOSPC: the pool is full, -E2BIG: too many objects; -EIO: the disk failed, or
 * metadata is damaged; after a failed write of metadata every change fails so until the store is
 * mounted again.
 */
struct store_op {
    enum store_op_kind kind;
    struct store_volume *volume;
    const char *name;
    const char *from;
    const u8 *uuid;
    u64 offset;
    u64 bytes;
    void *mem;
    u64 created_s;
    u32 number;
    u32 other;
    bool is_different;
    struct store_info *info;
    void (*done)(struct store_op *op); /* may submit others; without it only status is set */
    void *arg;
    int status; /* -EAGAIN until it is done */

    /* The store's. */
    struct list link;
    u32 step;
    bool is_waiting; /* for its disk request */
    bool has_io;     /* which has ended, with io.status */
    u64 at;          /* bytes done */
    u32 run;         /* bytes of the request in progress */
    u64 cycle;       /* the commit that it waits for */
    struct store_fill *fill;
    struct store_volume *held;
    bool is_in_place;
    struct store_io io;
};

/* Bytes that store_init() needs for a disk of that size; 0: it is too small or too large. */
u64 store_memory_bytes(u64 disk_bytes);

/* Makes a store, with nothing mounted, in memory of the caller's, aligned to 4096. */
struct store *store_init(void *memory, struct store_disk *disk);

/* Begins an operation, and carries all on as far as they go. Before MOUNT is done only it and
 * FORMAT are allowed (-EBUSY). */
void store_submit(struct store *s, struct store_op *op);

/* Ends the use of a volume. Return: 0; -EBUSY (operations are in progress). */
int store_close(struct store *s, struct store_volume *volume) must_check;

/* True if nothing is in progress: its memory may be freed then. What is not flushed is lost. */
bool store_is_idle(const struct store *s);

/* True if a crash now would lose changes that a flush would keep. */
bool store_has_changes(const struct store *s);

/* Walks the objects: the next number from `number` on, or STORE_OBJECTS_MAX. */
u32 store_next(const struct store *s, u32 number, enum store_object_kind *kind);

struct store_usage {
    u64 total_bytes;
    u64 free_bytes;
    u64 reserved_bytes; /* of the free: kept for metadata, so that a full pool can be emptied */
    u64 data_bytes;
    u64 node_bytes;  /* metadata that grows: extents of nodes */
    u64 fixed_bytes; /* metadata that does not */
    u64 objects;
    u64 commits;
    u64 commit_blocks; /* of metadata, since it was mounted */
    bool is_failed;
};

void store_usage(const struct store *s, struct store_usage *out);

#endif
