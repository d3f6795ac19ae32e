/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two passes over everything that is pointed to. The first finds where nodes are, so that a wrong
 * pointer to data cannot claim them; the second counts, and takes out what leads nowhere.
 */
#include "tools/store/store_repair.h"

#include "core/lib/errno.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct repair_node {
    u32 pointers;
    u32 kind;
    u64 mapped; /* extents below it */
};

struct repair_extent {
    u32 pointers;              /* to its data */
    struct repair_node *nodes; /* of its blocks; NULL: it has none */
};

static void __attribute__((format(printf, 2, 3)))
tell(struct store_repair *r, const char *format, ...)
{
    char line[240];
    va_list args;

    if (!r->report)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    r->report(r->arg, line);
}

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static bool is_good(const struct store_repair *r, u64 block, u32 kind, const void *data)
{
    const struct store_head *head = data;

    return head->block == block && head->kind == kind &&
           head->crc == crc32c(&r->crc, r->seed, (const u8 *)data + 4, STORE_BLOCK - 4);
}

static bool load(struct store_repair *r, u64 block, u32 kind, void *out)
{
    return r->read(r->arg, block, out) && is_good(r, block, kind, out);
}

static void save(struct store_repair *r, u64 block, u32 kind, void *data)
{
    struct store_head *head = data;

    head->block = block;
    head->kind = kind;
    head->crc = crc32c(&r->crc, r->seed, (u8 *)data + 4, STORE_BLOCK - 4);
    if (!r->write(r->arg, block, data))
        r->has_failed = true;
}

static void wipe(struct store_repair *r, u64 block)
{
    static const u8 zeroes[STORE_BLOCK];

    if (!r->write(r->arg, block, zeroes))
        r->has_failed = true;
}

static bool is_extent(const struct store_repair *r, u64 extent)
{
    return extent >= r->g.first_extent && extent < r->g.end_extent;
}

/* Either superblock tells where everything is. Its checksum begins with 0. */
static bool take_super(struct store_repair *r)
{
    struct store_geometry g;
    u64 places[2];

    if (!store_geometry(&r->g, r->blocks))
        return false;
    places[0] = 0;
    places[1] = r->g.end_extent * STORE_EXTENT_BLOCKS;
    for (u32 i = 0; i < ARRAY_SIZE(places); i++)
        if (load(r, places[i], STORE_KIND_SUPER, &r->super) && r->super.magic == STORE_MAGIC &&
            r->super.version == STORE_VERSION && r->super.blocks <= r->blocks &&
            store_geometry(&g, r->super.blocks)) {
            r->g = g;
            return true;
        }
    return false;
}

/* The newest root record that the journal holds. Return: false if there is none. */
static bool root_of_journal(struct store_repair *r)
{
    struct store_root found;
    bool is_found = false;

    for (u32 slot = 0; slot < 2; slot++)
        for (u32 i = STORE_JOURNAL_HEADS; i < STORE_JOURNAL_BLOCKS; i++) {
            if (!r->read(r->arg, r->g.journal[slot] + i, &found) ||
                !is_good(r, STORE_ROOT_BLOCK, STORE_KIND_ROOT, &found) ||
                (is_found && found.generation < r->root.generation))
                continue;
            r->root = found;
            is_found = true;
        }
    return is_found;
}

/* Which blocks of an extent may be nodes, as the table says; all where it is damaged, too. Extents
 * of data are left out, for guests write into these what they like. */
static u32 slots_of(struct store_repair *r, u64 extent)
{
    struct store_table table;
    u32 entry;

    if (!load(r, r->g.table + extent / STORE_TABLE_REFS, STORE_KIND_TABLE, &table))
        return ~0u;
    entry = table.ref[extent % STORE_TABLE_REFS];
    return entry & STORE_REF_NODES ? entry : 0;
}

/* Without any root: directories say themselves what they are. */
static void root_of_search(struct store_repair *r)
{
    struct store_dir dir;
    u32 count = 0;

    r->root = (struct store_root){.next_id = 1};
    for (u64 extent = r->g.first_extent; extent < r->g.end_extent; extent++) {
        u64 block = extent * STORE_EXTENT_BLOCKS;
        u32 slots = slots_of(r, extent);

        for (u32 slot = 1; slot < STORE_EXTENT_BLOCKS && count < STORE_DIRS; slot++)
            if ((slots >> slot & 1) && load(r, block + slot, STORE_KIND_DIR, &dir))
                r->root.dirs[count++] = block + slot;
    }
    if (!count) {
        tell(r, "no directory is found: all objects are lost, if there were any");
        r->losses++;
    }
}

static void take_root(struct store_repair *r)
{
    if (load(r, STORE_ROOT_BLOCK, STORE_KIND_ROOT, &r->root))
        return;
    if (root_of_journal(r)) {
        tell(r, "the root record is damaged, the journal has it");
        return;
    }
    tell(r, "the root record is damaged, looking for what it led to");
    root_of_search(r);
}

/* Counts a pointer to a node. Return: its account; NULL: it leads nowhere. `is_first`: what is
 * below is to be looked at. */
static struct repair_node *point_to_node(struct store_repair *r, u64 block, u32 kind,
                                         bool *is_first)
{
    struct repair_extent *extent;
    struct repair_node *node;

    if (!is_extent(r, block / STORE_EXTENT_BLOCKS) || !(block % STORE_EXTENT_BLOCKS))
        return NULL;
    extent = &r->extents[block / STORE_EXTENT_BLOCKS];
    if (!extent->nodes) {
        if (r->is_counting)
            return NULL; /* the first pass found nothing there */
        extent->nodes = need(calloc(STORE_EXTENT_BLOCKS, sizeof *extent->nodes));
    }
    node = &extent->nodes[block % STORE_EXTENT_BLOCKS];
    if (node->pointers && node->kind != kind)
        return NULL;
    *is_first = !node->pointers++;
    node->kind = kind;
    return node;
}

/* Reads a node that is pointed to for the first time. Return: false, and the pointer does not
 * count, if it is none. */
static bool load_node(struct store_repair *r, u64 block, u32 kind, void *out,
                      struct repair_node **node, bool *is_first)
{
    *node = point_to_node(r, block, kind, is_first);
    if (!*node)
        return false;
    if (!*is_first || load(r, block, kind, out))
        return true;
    (*node)->pointers--;
    return false;
}

static bool point_to_extent(struct store_repair *r, u64 extent)
{
    if (!is_extent(r, extent))
        return false;
    if (!r->is_counting)
        return true;
    if (r->extents[extent].nodes)
        return false;
    r->extents[extent].pointers++;
    return true;
}

static u64 span(u32 level)
{
    u64 extents = 1;

    while (level--)
        extents *= STORE_FANOUT;
    return extents;
}

static void lose_part(struct store_repair *r, const struct store_record *record, u64 index,
                      u32 level)
{
    u64 begin = index * STORE_EXTENT, end = (index + span(level)) * STORE_EXTENT;

    if (!r->is_counting)
        return;
    r->losses++;
    tell(r, "\"%.63s\": what was at bytes %llu to %llu is lost and reads as zeroes", record->name,
         (unsigned long long)begin,
         (unsigned long long)(end < record->bytes ? end : record->bytes));
}

/*
 * A part of a map, from extent `index` of the volume on. What cannot be followed is taken out in
 * the second pass. Return: false if the node itself cannot be read.
 */
static bool walk(struct store_repair *r, const struct store_record *record, u64 block, u32 level,
                 u64 index, u64 *mapped)
{
    struct repair_node *account;
    struct store_node node;
    bool is_first;
    u32 used = 0;

    if (!load_node(r, block, STORE_KIND_NODE + level, &node, &account, &is_first))
        return false;
    for (u32 i = 0; i < STORE_FANOUT && is_first; i++) {
        u64 at = index + i * span(level), below = 1;

        if (!node.entry[i])
            continue;
        if (level ? walk(r, record, node.entry[i], level - 1, at, &below)
                  : point_to_extent(r, node.entry[i])) {
            account->mapped += below;
            used++;
        } else {
            lose_part(r, record, at, level);
            node.entry[i] = 0;
        }
    }
    *mapped = account->mapped;
    if (is_first && r->is_counting && used != node.used) {
        node.used = used;
        save(r, block, STORE_KIND_NODE + level, &node);
    }
    return true;
}

/* Whole or not at all. */
static bool walk_blob(struct store_repair *r, const struct store_record *record)
{
    struct repair_node *account[STORE_BLOB_BLOCKS];
    struct store_blob blob;
    bool is_first;
    u32 count = 0;

    while ((u64)count * STORE_BLOB_BYTES < record->bytes && count < STORE_BLOB_BLOCKS &&
           load_node(r, record->blob[count], STORE_KIND_BLOB, &blob, &account[count], &is_first))
        count++;
    if ((u64)count * STORE_BLOB_BYTES >= record->bytes)
        return true;
    while (count--)
        account[count]->pointers--;
    return false;
}

static void lose_object(struct store_repair *r, struct store_record *record)
{
    if (!r->is_counting)
        return;
    tell(r, "\"%.63s\" is lost", record->name);
    r->losses++;
    r->objects--;
    memset(record, 0, sizeof *record);
}

static void walk_record(struct store_repair *r, struct store_record *record)
{
    u64 mapped = 0;

    if (!record->kind)
        return;
    r->objects += r->is_counting;
    if (record->id >= r->root.next_id)
        r->root.next_id = record->id + 1;
    if (record->kind == STORE_OBJECT_BLOB) {
        if (!walk_blob(r, record))
            lose_object(r, record);
        return;
    }
    if (!record->levels || record->levels > STORE_LEVELS_MAX) {
        lose_object(r, record);
        return;
    }
    if (record->root && !walk(r, record, record->root, record->levels - 1u, 0, &mapped)) {
        lose_part(r, record, 0, record->levels);
        record->root = r->is_counting ? 0 : record->root;
    }
    record->mapped = mapped;
}

static void walk_records(struct store_repair *r, u64 *place)
{
    struct store_records records, before;
    struct repair_node *account;
    bool is_first;

    if (!load_node(r, *place, STORE_KIND_RECORDS, &records, &account, &is_first) || !is_first) {
        if (r->is_counting) {
            tell(r, "%u objects or less are lost with their records", STORE_RECORDS);
            r->losses++;
        }
        *place = 0;
        return;
    }
    before = records;
    for (u32 i = 0; i < STORE_RECORDS; i++)
        walk_record(r, &records.record[i]);
    if (r->is_counting && memcmp(&before, &records, sizeof before) != 0)
        save(r, *place, STORE_KIND_RECORDS, &records);
}

static void walk_dir(struct store_repair *r, u64 *place)
{
    struct repair_node *account;
    struct store_dir dir, before;
    bool is_first;

    if (!load_node(r, *place, STORE_KIND_DIR, &dir, &account, &is_first) || !is_first) {
        if (r->is_counting) {
            tell(r, "a directory, and the objects in it, are lost");
            r->losses++;
        }
        *place = 0;
        return;
    }
    before = dir;
    for (u32 i = 0; i < STORE_DIR_ENTRIES; i++)
        if (dir.entry[i])
            walk_records(r, &dir.entry[i]);
    if (r->is_counting && memcmp(&before, &dir, sizeof before) != 0)
        save(r, *place, STORE_KIND_DIR, &dir);
}

static void walk_all(struct store_repair *r, bool is_counting)
{
    u64 dirs[STORE_DIRS];

    r->is_counting = is_counting;
    memcpy(dirs, r->root.dirs, sizeof dirs);
    for (u32 i = 0; i < STORE_DIRS; i++)
        if (dirs[i])
            walk_dir(r, &dirs[i]);
    if (is_counting)
        memcpy(r->root.dirs, dirs, sizeof dirs);
}

/* Between the passes: where nodes are is known, the counts begin again. */
static void reset_counts(struct store_repair *r)
{
    for (u64 i = r->g.first_extent; i < r->g.end_extent; i++) {
        struct repair_extent *extent = &r->extents[i];
        u32 pointers = 0;

        for (u32 slot = 1; slot < STORE_EXTENT_BLOCKS && extent->nodes; slot++) {
            pointers |= extent->nodes[slot].pointers;
            extent->nodes[slot] = (struct repair_node){0};
        }
        if (!pointers) {
            free(extent->nodes);
            extent->nodes = NULL;
        }
    }
}

/* An extent's entry in the table; the counts of its nodes, if it has any, are written. */
static u32 account_of(struct store_repair *r, u64 extent)
{
    const struct repair_extent *at;
    struct store_node_refs refs = {0};
    u32 slots = 0;

    if (!is_extent(r, extent))
        return STORE_REF_SYSTEM;
    at = &r->extents[extent];
    for (u32 slot = 1; slot < STORE_EXTENT_BLOCKS && at->nodes; slot++) {
        refs.ref[slot] = at->nodes[slot].pointers;
        slots |= (u32)(refs.ref[slot] != 0) << slot;
    }
    if (!slots) {
        r->root.free_extents += !at->pointers;
        return at->pointers;
    }
    r->root.node_extents++;
    r->root.nodes += (u32)__builtin_popcount(slots);
    save(r, extent * STORE_EXTENT_BLOCKS, STORE_KIND_NODE_REFS, &refs);
    return STORE_REF_NODES | 1 | slots;
}

static void write_accounts(struct store_repair *r)
{
    r->root.free_extents = r->root.node_extents = r->root.nodes = 0;
    r->root.objects = r->objects;
    for (u64 n = 0; n < r->g.table_blocks; n++) {
        struct store_table table = {0};

        for (u32 i = 0; i < STORE_TABLE_REFS; i++)
            table.ref[i] = account_of(r, n * STORE_TABLE_REFS + i);
        save(r, r->g.table + n, STORE_KIND_TABLE, &table);
    }
}

/* As after formatting: generation 0 and no journal. */
static void write_ends(struct store_repair *r)
{
    u32 seed = r->seed;

    r->root.generation = 0;
    save(r, STORE_ROOT_BLOCK, STORE_KIND_ROOT, &r->root);
    r->seed = 0;
    save(r, r->g.end_extent * STORE_EXTENT_BLOCKS, STORE_KIND_SUPER, &r->super);
    save(r, 0, STORE_KIND_SUPER, &r->super);
    r->seed = seed;
}

int store_repair(struct store_repair *r)
{
    r->losses = r->objects = 0;
    r->has_failed = false;
    r->seed = 0;
    crc32c_init(&r->crc);
    if (!take_super(r))
        return -ENOENT;
    r->seed = crc32c(&r->crc, 0, r->super.uuid, sizeof r->super.uuid);
    take_root(r);
    r->extents = need(calloc(r->g.extents, sizeof *r->extents));
    walk_all(r, false);
    reset_counts(r);
    /* From here on it does not mount until the end. */
    wipe(r, r->g.journal[0]);
    wipe(r, r->g.journal[1]);
    walk_all(r, true);
    write_accounts(r);
    write_ends(r);
    for (u64 extent = 0; extent < r->g.extents; extent++)
        free(r->extents[extent].nodes);
    free(r->extents);
    return r->has_failed ? -EIO : 0;
}
