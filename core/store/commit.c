/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commits: all blocks changed so far go to one of two journal slots, and from there to their
 * places.
 *
 *   flush         if something was mapped: its data before the pointers to it
 *   journal       one write, of copies: changes go on meanwhile, into the next commit
 *   flush         the commit is durable; whoever waits for it is told
 *   places        a crash now writes them again, from the journal
 *   data requests begun before the commit have ended: what it freed may be used anew
 *
 * The slot is overwritten two commits later. The one in between began when the places were written,
 * and flushed, so they are durable by then. Without changes a commit is one flush.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

static u8 *journal_block(struct store *s, u32 n)
{
    return (u8 *)s->journal + (STORE_JOURNAL_HEADS + n) * STORE_BLOCK;
}

static void ended(struct store_io *io)
{
    struct store *s = io->owner;

    s->commit.is_waiting = false;
    if (io->status)
        s->is_failed = true;
    store_run(s);
}

static void submit(struct store *s, enum store_io_kind kind, u64 block, u32 blocks)
{
    struct store_commit *c = &s->commit;

    c->is_waiting = true;
    c->io = (struct store_io){.kind = kind,
                              .offset = block * STORE_BLOCK,
                              .bytes = blocks * STORE_BLOCK,
                              .buf = blocks ? s->journal : NULL,
                              .done = ended,
                              .owner = s};
    s->disk->submit(s->disk, &c->io);
}

static void add(struct store *s, struct store_buf *buf)
{
    struct store_commit *c = &s->commit;

    block_seal(s, buf->data);
    memcpy(journal_block(s, c->count), buf->data, STORE_BLOCK);
    s->journal->target[c->count++] = buf->block;
    buf->is_dirty = false;
    buf->is_committing = true;
    memcpy(buf->lost[1], buf->lost[0], sizeof buf->lost[0]);
    memset(buf->lost[0], 0, sizeof buf->lost[0]);
}

static void seal_journal(struct store *s)
{
    struct store_journal *journal = s->journal;
    u64 generation = s->root->generation;
    u32 crc = s->seed;

    for (u32 i = 0; i < s->commit.count; i++)
        crc = crc32c(&s->crc, crc, journal_block(s, i), sizeof(u32));
    journal->head =
        (struct store_head){.kind = STORE_KIND_JOURNAL, .block = s->g.journal[generation & 1]};
    journal->generation = generation;
    journal->count = s->commit.count;
    journal->blocks_crc = crc;
    journal->more_crc =
        crc32c(&s->crc, s->seed, (u8 *)journal + STORE_BLOCK, sizeof *journal - STORE_BLOCK);
    block_seal(s, journal);
}

static void begin(struct store *s)
{
    struct store_commit *c = &s->commit;

    s->cycles_begun++;
    s->wants_commit = false;
    c->count = 0;
    c->next = 0;
    if (!s->dirty) {
        c->state = COMMIT_FLUSH_JOURNAL;
        c->epoch = s->epoch;
        submit(s, STORE_IO_FLUSH, 0, 0);
        return;
    }
    s->root->generation++;
    cache_dirty(s, s->root_buf);
    memset(s->journal, 0, sizeof *s->journal);
    for (u32 i = 0; i < STORE_BUFS; i++)
        if (s->bufs[i].is_used && s->bufs[i].is_dirty)
            add(s, &s->bufs[i]);
    seal_journal(s);
    s->dirty = 0;
    s->freed[1] = s->freed[0];
    s->freed[0] = 0;
    s->commits++;
    s->commit_blocks += c->count;
    c->epoch = s->epoch;
    s->epoch ^= 1;
    c->state = COMMIT_FLUSH_DATA;
    if (s->needs_data_flush)
        submit(s, STORE_IO_FLUSH, 0, 0);
    s->needs_data_flush = false;
}

static void home_ended(struct store_io *io)
{
    struct store *s = io->owner;

    s->commit.homes--;
    if (io->status)
        s->is_failed = true;
    io->owner = NULL;
    store_run(s);
}

static void write_homes(struct store *s)
{
    struct store_commit *c = &s->commit;

    for (u32 i = 0; i < STORE_HOMES && c->next < c->count; i++) {
        struct store_io *io = &c->home[i];

        if (io->owner)
            continue;
        *io = (struct store_io){.kind = STORE_IO_WRITE,
                                .offset = s->journal->target[c->next] * STORE_BLOCK,
                                .bytes = STORE_BLOCK,
                                .buf = journal_block(s, c->next),
                                .done = home_ended,
                                .owner = s};
        c->next++;
        c->homes++;
        s->disk->submit(s->disk, io);
    }
}

static void finish(struct store *s)
{
    for (u32 i = 0; i < STORE_BUFS && s->commit.count; i++) {
        struct store_buf *buf = &s->bufs[i];

        if (!buf->is_committing)
            continue;
        buf->is_committing = false;
        memset(buf->lost[1], 0, sizeof buf->lost[1]);
        if (buf->block >= s->g.table && buf->block < s->g.table + s->g.table_blocks)
            s->table_hints[buf->block - s->g.table] |= TABLE_MAY_HAVE_EXTENTS;
    }
    if (s->commit.count)
        s->freed[1] = 0;
    s->commit.state = COMMIT_IDLE;
    s->again = true;
}

static bool is_wanted(const struct store *s)
{
    return s->state == STORE_MOUNTED && (s->wants_commit || s->cycle_wanted > s->cycles_begun);
}

/* Carries the commit on, or begins one if it is wanted. After an error it stands still for ever. */
void commit_run(struct store *s)
{
    struct store_commit *c = &s->commit;

    if (s->is_failed || c->is_waiting)
        return;
    switch (c->state) {
    case COMMIT_IDLE:
        if (is_wanted(s))
            begin(s);
        s->again = s->again || c->state == COMMIT_FLUSH_DATA;
        break;
    case COMMIT_FLUSH_DATA:
        c->state = COMMIT_JOURNAL;
        submit(s, STORE_IO_WRITE, s->g.journal[s->journal->generation & 1],
               STORE_JOURNAL_HEADS + c->count);
        break;
    case COMMIT_JOURNAL:
        c->state = COMMIT_FLUSH_JOURNAL;
        submit(s, STORE_IO_FLUSH, 0, 0);
        break;
    case COMMIT_FLUSH_JOURNAL:
        s->cycles_durable = s->cycles_begun;
        c->state = COMMIT_HOME;
        s->again = true;
        break;
    case COMMIT_HOME:
        write_homes(s);
        if (c->next == c->count && !c->homes && (!c->count || !s->data_ios[c->epoch]))
            finish(s);
        break;
    }
}
