/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts everything that is pointed to, and compares with what the datastore believes. */
#include "tools/store/store_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_extent {
    u32 entry;    /* of the table */
    u32 pointers; /* counted, if it is data */
    u32 node_at;  /* in node_list, if it is nodes */
};

struct check_node {
    u32 pointers;
    u32 kind; /* as it was pointed to */
    u64 mapped;
};

static void __attribute__((format(printf, 2, 3)))
fault(struct store_check *c, const char *format, ...)
{
    char line[200];
    va_list args;

    c->faults++;
    if (!c->report)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->report(c->arg, line);
}

/* Return: false, with a fault, if the block is not what it should be. */
static bool read_block(struct store_check *c, u64 block, u32 kind, void *out)
{
    const struct store_head *head = out;

    if (!c->read(c->arg, block, out)) {
        fault(c, "block %llu cannot be read", (unsigned long long)block);
        return false;
    }
    if (head->block == block && head->kind == kind &&
        head->crc == crc32c(&c->crc, c->seed, (u8 *)out + 4, STORE_BLOCK - 4))
        return true;
    fault(c, "block %llu is damaged", (unsigned long long)block);
    return false;
}

static bool is_extent(const struct store_check *c, u64 extent)
{
    return extent >= c->g.first_extent && extent < c->g.end_extent;
}

static bool read_super(struct store_check *c)
{
    struct store_super super;

    c->seed = 0;
    if (!store_geometry(&c->g, c->blocks) || !read_block(c, 0, STORE_KIND_SUPER, &super) ||
        super.magic != STORE_MAGIC || super.version != STORE_VERSION || super.blocks > c->blocks ||
        !store_geometry(&c->g, super.blocks)) {
        fault(c, "there is no superblock");
        return false;
    }
    if (!read_block(c, c->g.end_extent * STORE_EXTENT_BLOCKS, STORE_KIND_SUPER, &super))
        fault(c, "the copy of the superblock is damaged");
    c->seed = crc32c(&c->crc, 0, super.uuid, sizeof super.uuid);
    return read_block(c, STORE_ROOT_BLOCK, STORE_KIND_ROOT, &c->root);
}

static void read_table(struct store_check *c)
{
    struct store_table table;

    for (u64 extent = 0; extent < c->g.extents; extent++) {
        struct check_extent *at = &c->extents[extent];
        u64 in_table = extent % STORE_TABLE_REFS;

        if (!in_table &&
            !read_block(c, c->g.table + extent / STORE_TABLE_REFS, STORE_KIND_TABLE, &table))
            memset(table.ref, 0, sizeof table.ref);
        at->entry = table.ref[in_table];
        if (!is_extent(c, extent)) {
            if (at->entry != STORE_REF_SYSTEM)
                fault(c, "extent %llu is not marked as fixed", (unsigned long long)extent);
        } else if (!at->entry) {
            c->free_extents++;
        } else if (at->entry & STORE_REF_NODES) {
            at->node_at = (u32)(c->node_extents++ * STORE_EXTENT_BLOCKS);
            c->nodes += (u32)__builtin_popcount(at->entry & 0xffff) - 1u;
        } else {
            c->data_extents++;
        }
    }
}

/* Counts a pointer to a node. Return: its account if it is met for the first time. */
static struct check_node *point_to_node(struct store_check *c, u64 block, u32 kind, bool *is_first)
{
    u64 extent = block / STORE_EXTENT_BLOCKS, slot = block % STORE_EXTENT_BLOCKS;
    struct check_node *node;

    *is_first = false;
    if (!is_extent(c, extent) || !slot || !(c->extents[extent].entry & STORE_REF_NODES) ||
        !(c->extents[extent].entry >> slot & 1)) {
        fault(c, "a pointer leads to block %llu, where no node is", (unsigned long long)block);
        return NULL;
    }
    node = &c->node_list[c->extents[extent].node_at + slot];
    if (node->pointers++ && node->kind != kind)
        fault(c, "block %llu is pointed to as two kinds", (unsigned long long)block);
    *is_first = node->pointers == 1;
    node->kind = kind;
    return node;
}

static void point_to_extent(struct store_check *c, u64 extent)
{
    if (!is_extent(c, extent) || (c->extents[extent].entry & STORE_REF_NODES))
        fault(c, "a pointer leads to extent %llu, where no data is", (unsigned long long)extent);
    else
        c->extents[extent].pointers++;
}

/* Return: how many extents are mapped below the node. */
static u64 check_tree(struct store_check *c, u64 block, u32 level)
{
    bool is_first;
    struct check_node *account = point_to_node(c, block, STORE_KIND_NODE + level, &is_first);
    struct store_node node;
    u32 used = 0;

    if (!account || !is_first)
        return account ? account->mapped : 0;
    if (!read_block(c, block, STORE_KIND_NODE + level, &node))
        return 0;
    for (u32 i = 0; i < STORE_FANOUT; i++) {
        if (!node.entry[i])
            continue;
        used++;
        if (level)
            account->mapped += check_tree(c, node.entry[i], level - 1);
        else
            point_to_extent(c, node.entry[i]);
    }
    if (!level)
        account->mapped = used;
    if (used != node.used)
        fault(c, "node %llu has %u entries and claims %u", (unsigned long long)block, used,
              node.used);
    return account->mapped;
}

static void check_blob(struct store_check *c, const struct store_record *record)
{
    struct store_blob blob;
    bool is_first;

    if (record->bytes > STORE_BLOB_MAX)
        fault(c, "blob \"%.63s\" is too large", record->name);
    for (u32 i = 0; i < STORE_BLOB_BLOCKS; i++) {
        if (!!record->blob[i] != ((u64)i * STORE_BLOB_BYTES < record->bytes))
            fault(c, "blob \"%.63s\" does not have its blocks", record->name);
        if (record->blob[i] && point_to_node(c, record->blob[i], STORE_KIND_BLOB, &is_first))
            (void)read_block(c, record->blob[i], STORE_KIND_BLOB, &blob);
    }
}

static void check_record(struct store_check *c, const struct store_record *record)
{
    u64 mapped;

    if (!record->kind)
        return;
    c->objects++;
    if (!record->id || record->id >= c->root.next_id)
        fault(c, "\"%.63s\" has an impossible id", record->name);
    if (record->kind == STORE_OBJECT_BLOB) {
        check_blob(c, record);
        return;
    }
    if (!record->levels || record->levels > STORE_LEVELS_MAX) {
        fault(c, "\"%.63s\" has an impossible map", record->name);
        return;
    }
    mapped = record->root ? check_tree(c, record->root, record->levels - 1u) : 0;
    if (mapped != record->mapped && !record->is_deleting)
        fault(c, "\"%.63s\" maps %llu extents and claims %llu", record->name,
              (unsigned long long)mapped, (unsigned long long)record->mapped);
}

static void check_objects(struct store_check *c)
{
    struct store_dir dir;
    struct store_records records;
    bool is_first;

    for (u32 i = 0; i < STORE_DIRS; i++) {
        if (!c->root.dirs[i] || !point_to_node(c, c->root.dirs[i], STORE_KIND_DIR, &is_first) ||
            !read_block(c, c->root.dirs[i], STORE_KIND_DIR, &dir))
            continue;
        for (u32 j = 0; j < STORE_DIR_ENTRIES; j++) {
            if (!dir.entry[j] || !point_to_node(c, dir.entry[j], STORE_KIND_RECORDS, &is_first) ||
                !read_block(c, dir.entry[j], STORE_KIND_RECORDS, &records))
                continue;
            for (u32 k = 0; k < STORE_RECORDS; k++)
                check_record(c, &records.record[k]);
        }
    }
}

static void compare_nodes(struct store_check *c, u64 extent)
{
    const struct check_extent *at = &c->extents[extent];
    struct store_node_refs refs;

    if (!read_block(c, extent * STORE_EXTENT_BLOCKS, STORE_KIND_NODE_REFS, &refs))
        return;
    for (u32 slot = 1; slot < STORE_EXTENT_BLOCKS; slot++) {
        u32 pointers = c->node_list[at->node_at + slot].pointers;

        if ((at->entry >> slot & 1) != (pointers != 0) || (pointers && refs.ref[slot] != pointers))
            fault(c, "node %llu has %u pointers, not %u",
                  (unsigned long long)(extent * STORE_EXTENT_BLOCKS + slot), pointers,
                  refs.ref[slot]);
    }
}

static void compare(struct store_check *c)
{
    for (u64 extent = c->g.first_extent; extent < c->g.end_extent; extent++) {
        const struct check_extent *at = &c->extents[extent];

        if (at->entry & STORE_REF_NODES)
            compare_nodes(c, extent);
        else if (at->entry != at->pointers)
            fault(c, "extent %llu has %u pointers, not %u", (unsigned long long)extent,
                  at->pointers, at->entry);
    }
    if (c->root.free_extents != c->free_extents || c->root.node_extents != c->node_extents ||
        c->root.nodes != c->nodes || c->root.objects != c->objects)
        fault(c, "the sums in the root record are wrong");
}

u64 store_check(struct store_check *c)
{
    c->faults = c->objects = c->free_extents = c->data_extents = c->node_extents = c->nodes = 0;
    crc32c_init(&c->crc);
    if (!read_super(c))
        return c->faults;
    c->extents = calloc(c->g.extents, sizeof *c->extents);
    if (!c->extents)
        abort();
    read_table(c);
    c->node_list = calloc(c->node_extents + 1, STORE_EXTENT_BLOCKS * sizeof *c->node_list);
    if (!c->node_list)
        abort();
    check_objects(c);
    compare(c);
    free(c->node_list);
    free(c->extents);
    return c->faults;
}
