/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of objects, by number and by name. The names' hashes are in memory, nothing else is. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

/* So many names of one hash are no accident. Their records must fit into memory at the same time.
 */
#define SAME_HASH_MAX 32u

bool name_is_good(const char *name)
{
    size_t length = name ? strnlen(name, STORE_NAME_MAX + 1) : 0;

    for (size_t i = 0; i < length; i++)
        if ((u8)name[i] < 0x20 || (u8)name[i] == 0x7f)
            return false;
    return length && length <= STORE_NAME_MAX;
}

u32 name_hash(const struct store *s, const char *name)
{
    return crc32c(&s->crc, 0, name, strlen(name));
}

static int records_get(struct store *s, u32 number, struct store_buf **dir, struct store_buf **out)
{
    u32 block = number / STORE_RECORDS;
    u64 at = s->root->dirs[block / STORE_DIR_ENTRIES];
    int status;

    *dir = NULL;
    if (!at)
        return -ENOENT;
    status = node_is_good(s, at) ? cache_get(s, at, STORE_KIND_DIR, dir) : -EIO;
    if (status)
        return status;
    at = ((struct store_dir *)(void *)(*dir)->data)->entry[block % STORE_DIR_ENTRIES];
    if (!at)
        return -ENOENT;
    return node_is_good(s, at) ? cache_get(s, at, STORE_KIND_RECORDS, out) : -EIO;
}

int record_get(struct store *s, u32 number, struct store_buf **buf, struct store_record **record)
{
    struct store_buf *dir;
    int status;

    if (number >= STORE_OBJECTS_MAX)
        return -ENOENT;
    status = records_get(s, number, &dir, buf);
    if (!status)
        *record = &((struct store_records *)(void *)(*buf)->data)->record[number % STORE_RECORDS];
    return status;
}

int record_find(struct store *s, const char *name, bool is_blob, u32 *number,
                struct store_buf **buf, struct store_record **record)
{
    u32 hash = name_hash(s, name), others = 0;

    for (u32 i = 0; i < STORE_OBJECTS_MAX && others < SAME_HASH_MAX; i++) {
        const struct store_index *index = &s->index[i];
        int status;

        if (index->hash != hash || !index->kind || index->is_deleting ||
            (index->kind == STORE_OBJECT_BLOB) != is_blob)
            continue;
        status = record_get(s, i, buf, record);
        if (status)
            return status == -ENOENT ? -EIO : status;
        *number = i;
        if (!strncmp((*record)->name, name, sizeof(*record)->name))
            return 0;
        others++;
    }
    return others < SAME_HASH_MAX ? -ENOENT : -EIO;
}

/* Adds the block of records for a number, or the directory block it needs first. */
static int records_add(struct store *s, u32 number)
{
    u32 block = number / STORE_RECORDS;
    struct store_nodes from;
    struct store_buf *dir, *buf;
    int status = records_get(s, number, &dir, &buf);

    if (status != -ENOENT)
        return status;
    status = nodes_find(s, 2, &from);
    if (status)
        return status;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    if (!dir) {
        dir = node_take(s, &from, STORE_KIND_DIR);
        s->root->dirs[block / STORE_DIR_ENTRIES] = dir->block;
    }
    buf = node_take(s, &from, STORE_KIND_RECORDS);
    ((struct store_dir *)(void *)dir->data)->entry[block % STORE_DIR_ENTRIES] = buf->block;
    cache_dirty(s, dir);
    turn_next(s);
    return 0;
}

int record_new(struct store *s, u32 *number, struct store_buf **buf, struct store_record **record)
{
    int status;

    for (u32 i = 0; i < STORE_OBJECTS_MAX; i++) {
        u32 at = (s->index_hint + i) % STORE_OBJECTS_MAX;

        if (s->index[at].kind)
            continue;
        s->index_hint = at;
        *number = at;
        status = records_add(s, at);
        return status ? status : record_get(s, at, buf, record);
    }
    return -E2BIG;
}

void record_fill(struct store *s, u32 number, struct store_record *record, const char *name,
                 enum store_object_kind kind, u64 created_s)
{
    memset(record, 0, sizeof *record);
    record->kind = (u8)kind;
    record->id = s->root->next_id++;
    record->created_s = created_s;
    (void)str_copy(record->name, sizeof record->name, name);
    s->root->objects++;
    cache_dirty(s, s->root_buf);
    s->index[number] = (struct store_index){.hash = name_hash(s, name), .kind = (u8)kind};
}

void record_kill(struct store *s, u32 number, struct store_buf *buf, struct store_record *record)
{
    record->is_deleting = true;
    cache_dirty(s, buf);
    s->index[number].is_deleting = true;
    reap_start(s);
}

void record_clear(struct store *s, u32 number, struct store_buf *buf, struct store_record *record)
{
    memset(record, 0, sizeof *record);
    cache_dirty(s, buf);
    s->root->objects--;
    cache_dirty(s, s->root_buf);
    s->index[number] = (struct store_index){0};
    s->index_hint = MIN(s->index_hint, number);
}

static int load_records(struct store *s, u32 number)
{
    struct store_buf *dir, *buf;
    int status = records_get(s, number, &dir, &buf);

    if (status)
        return status;
    for (u32 i = 0; i < STORE_RECORDS && number + i < STORE_OBJECTS_MAX; i++) {
        struct store_record *record = &((struct store_records *)(void *)buf->data)->record[i];

        if (record->kind > STORE_OBJECT_BLOB || record->name[STORE_NAME_MAX])
            return -EIO;
        s->index[number + i] = (struct store_index){.hash = name_hash(s, record->name),
                                                    .kind = record->kind,
                                                    .is_deleting = record->is_deleting};
    }
    return 0;
}

/* Reads all records once; op->at counts them. */
int index_load(struct store *s, struct store_op *op)
{
    while (op->at < STORE_OBJECTS_MAX) {
        u32 number = (u32)op->at, per_dir = STORE_RECORDS * STORE_DIR_ENTRIES;
        int status;

        if (!s->root->dirs[number / per_dir]) {
            op->at = (op->at / per_dir + 1) * per_dir;
            continue;
        }
        status = load_records(s, number);
        if (status && status != -ENOENT)
            return status;
        op->at += STORE_RECORDS;
    }
    return 0;
}

u32 store_next(const struct store *s, u32 number, enum store_object_kind *kind)
{
    while (number < STORE_OBJECTS_MAX && (!s->index[number].kind || s->index[number].is_deleting))
        number++;
    if (number < STORE_OBJECTS_MAX)
        *kind = s->index[number].kind;
    return number;
}
