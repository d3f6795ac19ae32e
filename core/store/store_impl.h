/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's insides. Functions that return int give 0, an error, or -EAGAIN: something must end
 * first (a load, a commit, another operation); the operation is tried again from its beginning when
 * anything has ended. So each first gets all blocks it needs, which may fail, and then changes
 * them, which may not.
 */
#ifndef SOCLE_STORE_IMPL_H
#define SOCLE_STORE_IMPL_H

#include "core/lib/crc32c.h"
#include "core/store/store.h"

#define STORE_LOADS      64u   /* blocks that are being read at a time */
#define STORE_BUFS       1920u /* blocks in memory: two commits, the largest step, loads, and some */
#define STORE_HASH       2048u
#define STORE_FILLS      16u /* extents that are being filled at a time */
#define STORE_HOMES      32u /* writes of blocks to their places at a time */
#define STORE_STEP_EXTRA 16u /* blocks a step changes beside the counts of a node's entries */

_Static_assert(STORE_BUFS >= 2 * STORE_TXN_MAX + STORE_FANOUT + STORE_LOADS + STORE_STEP_EXTRA * 2,
               "the largest step finds room whatever else goes on");
_Static_assert(STORE_IOS_MAX >= STORE_LOADS + STORE_HOMES + 2,
               "and the commit's, and one to spare");
_Static_assert(STORE_TXN_MAX > STORE_FANOUT + 2 * STORE_STEP_EXTRA, "a step fits into a commit");

struct store_buf {
    u64 block;
    u8 *data;               /* (c) */
    struct store *s;        /* (c) */
    struct store_buf *next; /* same hash */
    bool is_used;
    bool is_loading;
    bool is_orphan;     /* wanted no more, but still loading */
    bool is_dirty;      /* changed since the last commit began */
    bool is_committing; /* its place on the disk holds what is older */
    bool is_referenced; /* lately */
    int status;         /* of the load */
    u64 pin;            /* the turn that holds it */
    u64 counted;        /* the last count that it was in */
    struct store_io io;
    /* Of a table, or a block of counts: which have lost pointers by the changes that are gathered,
     * and by the commit in progress. Until that is durable the disk knows more pointers: a free
     * extent is not free, and one that is a volume's alone is shared. */
    u8 lost[2][(STORE_TABLE_REFS + 7) / 8];
};

enum store_fill_state { FILL_FREE, FILL_READ, FILL_WRITE, FILL_MAP };

/* An extent that is being written before it is mapped. */
struct store_fill {
    enum store_fill_state state;
    u32 number;
    u64 index;  /* in the volume */
    u64 source; /* extent to copy, or 0 */
    u64 target;
    u8 *buf; /* (c) STORE_EXTENT */
};

enum store_commit_state {
    COMMIT_IDLE,
    COMMIT_FLUSH_DATA,
    COMMIT_JOURNAL,
    COMMIT_FLUSH_JOURNAL,
    COMMIT_HOME,
};

struct store_commit {
    enum store_commit_state state;
    bool is_waiting;
    u32 count; /* blocks */
    u32 next;  /* of them to be written to its place */
    u32 homes; /* in progress */
    u32 epoch;
    struct store_io io;
    struct store_io home[STORE_HOMES];
};

/* What is remembered of each object. */
struct store_index {
    u32 hash; /* of its name */
    u8 kind;
    bool is_deleting;
};

enum store_state { STORE_UNMOUNTED, STORE_MOUNTED };

#define TABLE_MAY_HAVE_EXTENTS 1u
#define TABLE_MAY_HAVE_NODES   2u

struct store {
    struct store_disk *disk; /* (c) */
    struct store_geometry g; /* (c) */
    struct crc32c_tables crc;
    u32 seed; /* of all checksums: of the pool's UUID */
    enum store_state state;
    bool is_failed;

    struct list ops;
    bool is_running;
    bool again;
    struct list volumes; /* open */
    struct store_op reap;
    bool is_reaping;

    struct store_buf *bufs;
    struct store_buf *hash[STORE_HASH];
    u32 clock;
    u32 loads;
    struct store_op *stepping;
    struct store_op *turn; /* who may change metadata */
    u64 turn_serial;
    u64 count_serial;

    u32 dirty;             /* blocks */
    bool needs_data_flush; /* the next commit points to data that it must not come before */
    bool wants_commit;     /* there is no room for more changes, or extents are needed */
    u64 cycles_begun;      /* commits */
    u64 cycles_durable;    /* of them */
    u64 cycle_wanted;      /* by who waits */
    u32 data_ios[2];       /* data requests with the disk, by epoch */
    u32 epoch;             /* changes when a commit begins */
    u64 freed[2];          /* extents: by the changes gathered, by the commit in progress */
    struct store_commit commit;
    struct store_journal *journal; /* and its blocks behind it */
    u64 commits, commit_blocks;

    struct store_buf *root_buf;
    struct store_root *root;
    u8 *table_hints; /* TABLE_MAY_HAVE_… of each block of the table */
    u64 next_extent; /* where to look next */
    u64 node_extent; /* where nodes are allocated, or 0 */
    u64 reserve;     /* (c) extents kept for metadata */
    struct store_index *index;
    u32 index_hint;
    struct store_fill fills[STORE_FILLS];
    u8 *zeroes; /* STORE_EXTENT */
    u64 mount_generation[2];
    bool mount_is_valid[2];
};

/* store.c */
void store_run(struct store *s);
/* Sends the operation's disk request; the operation goes on when it has ended. */
void op_submit_io(struct store *s, struct store_op *op);
/* The turn to change metadata: one operation at a time, until it ends or gives it back. */
bool turn_take(struct store *s, struct store_op *op);
void turn_give(struct store *s, struct store_op *op);
/* A step is done: the blocks it got may be dropped. */
void turn_next(struct store *s);
/* Waits until what is changed now is durable. */
int op_commit(struct store *s, struct store_op *op);
/* A change of metadata in the operation's turn, and its commit. */
int op_change(struct store *s, struct store_op *op,
              int (*change)(struct store *s, struct store_op *op));

/* cache.c */
void block_seal(const struct store *s, void *block);
bool block_is_good(const struct store *s, const void *block, u64 number);
/* The block, whole and of that kind. It stays as long as the step, or the turn. */
int cache_get(struct store *s, u64 block, u32 kind, struct store_buf **out) must_check;
/* A block of zeroes, whatever the disk has there, to be changed. Never fails. */
struct store_buf *cache_new(struct store *s, u64 block, u32 kind);
/* The block is free: its content does not matter any more. */
void cache_forget(struct store *s, u64 block);
void cache_dirty(struct store *s, struct store_buf *buf);
/* Adds a block to the count of those that a step will change. */
void cache_count(struct store *s, struct store_buf *buf, u32 *count);
/* True if the step may change that many more blocks; else a commit will begin. */
bool cache_has_room(struct store *s, u32 count) must_check;

/* commit.c */
void commit_run(struct store *s);

/* alloc.c */
/* The entry of an extent, in its block of the table. */
int table_get(struct store *s, u64 extent, struct store_buf **buf, u32 **ref) must_check;
/* The count of a node, in the block of counts. */
int node_ref_get(struct store *s, u64 block, struct store_buf **buf, u32 **ref) must_check;
bool has_lost_pointer(const struct store_buf *buf, u64 at) must_check;
/* A free extent for data. It is not taken before extent_set_used(). -ENOSPC. */
int extent_find(struct store *s, u64 *extent) must_check;
/* Where `count` nodes can be taken, at most 15. */
struct store_nodes {
    u64 extent;
    bool is_fresh;
    struct store_buf *table;
    struct store_buf *refs;
};
int nodes_find(struct store *s, u32 count, struct store_nodes *out) must_check;
/* Changes, for which the blocks have been got: they do not fail. */
struct store_buf *node_take(struct store *s, struct store_nodes *from, u32 kind);
void extent_ref(struct store *s, u64 extent);
/* Return: true if the extent is free now. */
bool extent_unref(struct store *s, u64 extent);
void node_ref(struct store *s, u64 block);
bool node_unref(struct store *s, u64 block);

/* tree.c */
struct store_path {
    u64 extent;                               /* what the entry holds; 0: nothing */
    u32 hole_level;                           /* without an extent: how far up there is nothing */
    bool is_shared;                           /* the way there, or the extent */
    bool was_shared;                          /* on the disk, until the next commit is durable */
    struct store_buf *node[STORE_LEVELS_MAX]; /* by level */
    u32 at[STORE_LEVELS_MAX];
};
u64 tree_span(u32 level);
u32 tree_levels(u64 bytes);
int tree_walk(struct store *s, const struct store_record *record, u64 index, bool with_counts,
              struct store_path *out) must_check;
/* Sets an entry; 0 clears it. Takes what else it needs; what was there is given back. */
int tree_set(struct store *s, u32 number, u64 index, u64 extent) must_check;
/* Gives back a part of an object's map. -ENODATA: it is empty. */
int tree_prune(struct store *s, u32 number) must_check;
/* Puts a level on top of a map. */
int tree_raise(struct store *s, u32 number, u32 levels) must_check;

/* objects.c */
bool name_is_good(const char *name);
u32 name_hash(const struct store *s, const char *name);
int record_get(struct store *s, u32 number, struct store_buf **buf,
               struct store_record **record) must_check;
/* Looks for a name among the blobs, or among the volumes and snapshots. -ENOENT. */
int record_find(struct store *s, const char *name, bool is_blob, u32 *number,
                struct store_buf **buf, struct store_record **record) must_check;
/* A free record, whose block exists. -E2BIG. */
int record_new(struct store *s, u32 *number, struct store_buf **buf,
               struct store_record **record) must_check;
void record_fill(struct store *s, u32 number, struct store_record *record, const char *name,
                 enum store_object_kind kind, u64 created_s);
/* Takes the name away, and leaves the rest to STORE_REAP. */
void record_kill(struct store *s, u32 number, struct store_buf *buf, struct store_record *record);
void record_clear(struct store *s, u32 number, struct store_buf *buf, struct store_record *record);
int index_load(struct store *s, struct store_op *op) must_check;
void reap_start(struct store *s);

/* Steps of the operations. */
int format_step(struct store *s, struct store_op *op);
int mount_step(struct store *s, struct store_op *op);
int read_step(struct store *s, struct store_op *op);
int write_step(struct store *s, struct store_op *op);
int flush_step(struct store *s, struct store_op *op);
int open_step(struct store *s, struct store_op *op);
int stat_step(struct store *s, struct store_op *op);
int compare_step(struct store *s, struct store_op *op);
int create_step(struct store *s, struct store_op *op);
int copy_step(struct store *s, struct store_op *op);
int grow_step(struct store *s, struct store_op *op);
int delete_step(struct store *s, struct store_op *op);
int blob_put_step(struct store *s, struct store_op *op);
int blob_get_step(struct store *s, struct store_op *op);
int blob_delete_step(struct store *s, struct store_op *op);
int reap_step(struct store *s, struct store_op *op);

static inline bool extent_is_good(const struct store *s, u64 extent)
{
    return extent >= s->g.first_extent && extent < s->g.end_extent;
}

/* Where nodes can be. */
static inline bool node_is_good(const struct store *s, u64 block)
{
    return block % STORE_EXTENT_BLOCKS && extent_is_good(s, block / STORE_EXTENT_BLOCKS);
}

#endif
