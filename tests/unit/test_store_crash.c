/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/store/store.c core/store/store_init.c core/store/cache.c core/store/commit.c
 * core/store/alloc.c core/store/tree.c core/store/objects.c core/store/manage.c core/store/blob.c
 * core/store/data.c core/store/compare.c core/store/mount.c core/lib/crc32c.c core/lib/str.c
 * tests/fakes/assert.c tools/store/store_check.c */
/*
 * Power cuts: a workload is recorded, and after every prefix of it the disk is what had been
 * flushed, with some of what had not been: all subsets where these are few, else random ones, in
 * orders of their own, with sectors torn. It must mount, be consistent to the last count, and hold
 * what was acknowledged and flushed; nowhere may what the disk held before the store was made be
 * seen.
 *
 * STORE_CRASH=n tries n times as many, with other workloads.
 */
#include "tests/unit/store_rig.h"

#define DISK    (16 * MiB)
#define NEVER   0xffffffffu
#define SITES   24u
#define HISTORY 64u
#define VOLUMES 24u
#define ALIVE   6u
#define BLOBS   2u
#define SMALL   4u /* so many units: all subsets */
#define SUBSETS 2u /* else so many */

/* What a place held, or is to hold: from an event on, and durably from another on. */
struct value {
    u64 stamp;
    u32 since, safe;
};

struct place {
    struct value value[HISTORY];
    u32 count;
    u32 acked; /* values */
};

/* Blocks that are written; others of their extents stay zero. */
static const u64 site_block[SITES] = {
    0,  1,  15, 16, 507 * 16 + 3, 508 * 16, 508 * 16 + 9, 700 * 16, 32, 33, 34, 35, 36,
    37, 38, 39, 40, 41,           42,       43,           44,       45, 46, 47, /* a whole extent: 2
                                                                                 */
};
#define WHOLE 8u

struct mvolume {
    char name[16];
    struct value alive; /* stamp unused */
    u32 dead_since, dead_safe;
    struct place site[SITES];
    struct store_volume handle;
};

struct world {
    struct rig r;
    struct mvolume volume[VOLUMES];
    u32 volumes;
    struct place blob[BLOBS];
    u64 stamp;
    u64 random;
};

static const char *const blob_name[BLOBS] = {"vm definition", "host settings"};

static u32 pick(struct world *w, u32 below)
{
    return (u32)(rig_random(&w->random) >> 11) % below;
}

static void when_done(struct store_op *op)
{
    struct world *w = op->arg;

    op->created_s = w->r.event_count; /* not used by these operations any more */
}

/* Return: the event at which it was acknowledged. */
static u32 finish(struct world *w, struct store_op *op)
{
    CHECK_EQ(rig_wait(&w->r, op), 0);
    return (u32)op->created_s;
}

static void submit(struct world *w, struct store_op *op)
{
    op->done = when_done;
    op->arg = w;
    store_submit(w->r.s, op);
}

static void put_value(struct world *w, struct place *p, u64 stamp)
{
    if (p->count == HISTORY) {
        memmove(p->value, p->value + 1, (HISTORY - 1) * sizeof *p->value);
        p->count--;
        p->acked--;
    }
    p->value[p->count++] = (struct value){stamp, w->r.event_count, NEVER};
}

static void place_init(struct place *p, u64 stamp, u32 safe)
{
    p->count = p->acked = 1;
    p->value[0] = (struct value){stamp, 0, safe};
}

/* -- the workload -- */

static u8 memory[4][STORE_EXTENT];

static void fill_block(u8 *out, u64 stamp)
{
    for (u32 i = 0; i < STORE_BLOCK; i += 8)
        memcpy(out + i, &stamp, 8);
}

struct writing {
    struct store_op op;
    struct place *place[16];
    u32 places;
};

static void begin_write(struct world *w, struct writing *x, struct mvolume *v, u32 n, u32 first)
{
    bool is_whole = first >= WHOLE && pick(w, 4) == 0;
    u32 count = is_whole ? SITES - WHOLE : 1;

    first = is_whole ? WHOLE : first;
    x->places = count;
    x->op = (struct store_op){.kind = STORE_WRITE,
                              .volume = &v->handle,
                              .offset = site_block[first] * STORE_BLOCK,
                              .bytes = count * STORE_BLOCK,
                              .mem = memory[n]};
    for (u32 i = 0; i < count; i++) {
        x->place[i] = &v->site[first + i];
        fill_block(memory[n] + i * STORE_BLOCK, ++w->stamp);
        put_value(w, x->place[i], w->stamp);
    }
    submit(w, &x->op);
}

static void flush(struct world *w)
{
    struct store_op op = {.kind = STORE_FLUSH};
    u32 safe;

    submit(w, &op);
    safe = finish(w, &op);
    for (u32 v = 0; v < w->volumes; v++)
        for (u32 i = 0; i < SITES; i++) {
            struct place *p = &w->volume[v].site[i];

            p->value[p->acked - 1].safe = MIN(p->value[p->acked - 1].safe, safe);
        }
}

static struct mvolume *pick_volume(struct world *w)
{
    for (;;) {
        struct mvolume *v = &w->volume[pick(w, w->volumes)];

        if (v->dead_since == NEVER && !v->handle.is_read_only)
            return v;
    }
}

/* Up to four writes at once, to sites of their own, and a flush among them. */
static void burst(struct world *w)
{
    struct writing x[4];
    u32 count = 1 + pick(w, 4), first = pick(w, SITES), ended = 0;

    for (u32 i = 0; i < count; i++)
        begin_write(w, &x[i], pick_volume(w), i, (first + i * 7) % WHOLE);
    if (count == 1) {
        (void)finish(w, &x[0].op);
        ended = 1;
        for (u32 i = 0; i < x[0].places; i++)
            x[0].place[i]->acked = x[0].place[i]->count;
        begin_write(w, &x[0], pick_volume(w), 0, WHOLE + first % (SITES - WHOLE));
        ended = 0;
    }
    if (pick(w, 2))
        flush(w);
    for (u32 i = ended; i < count; i++) {
        (void)finish(w, &x[i].op);
        for (u32 j = 0; j < x[i].places; j++)
            x[i].place[j]->acked = x[i].place[j]->count;
    }
}

static void discard(struct world *w)
{
    struct mvolume *v = pick_volume(w);
    u64 extent = site_block[pick(w, SITES)] / STORE_EXTENT_BLOCKS;
    struct store_op op = {.kind = pick(w, 2) ? STORE_DISCARD : STORE_ZERO,
                          .volume = &v->handle,
                          .offset = extent * STORE_EXTENT,
                          .bytes = STORE_EXTENT};

    for (u32 i = 0; i < SITES; i++)
        if (site_block[i] / STORE_EXTENT_BLOCKS == extent)
            put_value(w, &v->site[i], 0);
    submit(w, &op);
    (void)finish(w, &op);
    for (u32 i = 0; i < SITES; i++)
        v->site[i].acked = v->site[i].count;
}

static void add_volume(struct world *w, const struct mvolume *from, enum store_op_kind kind)
{
    struct mvolume *v = &w->volume[w->volumes];
    struct store_op op = {
        .kind = kind, .name = v->name, .from = from ? from->name : NULL, .bytes = 60 * MiB};

    snprintf(v->name, sizeof v->name, "v%u", w->volumes);
    v->alive = (struct value){0, w->r.event_count, NEVER};
    v->dead_since = v->dead_safe = NEVER;
    submit(w, &op);
    v->alive.safe = finish(w, &op);
    for (u32 i = 0; i < SITES; i++)
        place_init(&v->site[i], from ? from->site[i].value[from->site[i].count - 1].stamp : 0, 0);
    CHECK_EQ(rig_open(&w->r, v->name, &v->handle), 0);
    w->volumes++;
}

static void delete_volume(struct world *w)
{
    struct mvolume *v = pick_volume(w);
    struct store_op op = {.kind = STORE_DELETE, .name = v->name};

    if (v == &w->volume[0])
        return;
    CHECK_EQ(store_close(w->r.s, &v->handle), 0);
    v->dead_since = w->r.event_count;
    submit(w, &op);
    v->dead_safe = finish(w, &op);
}

static void change_blob(struct world *w)
{
    static u8 content[STORE_BLOB_MAX];
    u32 n = pick(w, BLOBS);
    struct place *p = &w->blob[n];
    bool is_delete = p->value[p->count - 1].stamp && pick(w, 4) == 0;
    u64 stamp = is_delete ? 0 : ++w->stamp;
    struct store_op op = {.kind = is_delete ? STORE_BLOB_DELETE : STORE_BLOB_PUT,
                          .name = blob_name[n],
                          .mem = content,
                          .bytes = 8 + stamp * 7919 % 50000 / 8 * 8};

    for (u64 i = 0; i < op.bytes; i += 8)
        memcpy(content + i, &stamp, 8);
    put_value(w, p, stamp);
    submit(w, &op);
    p->value[p->count - 1].safe = finish(w, &op);
    p->acked = p->count;
}

static u32 alive(const struct world *w)
{
    u32 count = 0;

    for (u32 i = 0; i < w->volumes; i++)
        count += w->volume[i].dead_since == NEVER;
    return count;
}

static void work(struct world *w, u32 steps)
{
    add_volume(w, NULL, STORE_CREATE);
    for (u32 i = 0; i < steps; i++) {
        u32 what = pick(w, 20);

        if (what < 10)
            burst(w);
        else if (what < 12)
            discard(w);
        else if (what < 14)
            flush(w);
        else if (what < 16)
            change_blob(w);
        else if (what < 19 && w->volumes < VOLUMES && alive(w) < ALIVE)
            add_volume(w, pick_volume(w), what == 16 ? STORE_SNAPSHOT : STORE_CLONE);
        else
            delete_volume(w);
    }
}

static void world_init(struct world *w, u64 seed)
{
    memset(w, 0, sizeof *w);
    w->random = seed;
    rig_init(&w->r, DISK);
    CHECK_EQ(rig_format(&w->r), 0);
    for (u32 i = 0; i < BLOBS; i++)
        place_init(&w->blob[i], 0, 0);
}

/* -- what is found afterwards -- */

static bool is_allowed(const struct place *p, u32 at, u64 stamp)
{
    for (u32 i = p->count; i--;) {
        if (p->value[i].since > at && i)
            continue;
        if (p->value[i].stamp == stamp)
            return true;
        if (p->value[i].safe <= at)
            return false;
    }
    return false;
}

static bool is_uniform(const u8 *sector, u32 bytes, u64 *stamp)
{
    memcpy(stamp, sector, 8);
    for (u32 i = 8; i < bytes; i += 8)
        if (memcmp(sector + i, stamp, 8))
            return false;
    return true;
}

static bool check_extent(const struct mvolume *v, u64 extent, const u8 *got, u32 at)
{
    static const struct place zero = {.value = {{0, 0, 0}}, .count = 1};
    bool ok = true;

    for (u32 block = 0; block < STORE_EXTENT_BLOCKS; block++) {
        const struct place *p = &zero;

        for (u32 i = 0; i < SITES; i++)
            if (site_block[i] == extent * STORE_EXTENT_BLOCKS + block)
                p = &v->site[i];
        for (u32 sector = 0; sector < STORE_BLOCK; sector += 512) {
            u64 stamp;

            ok = ok && is_uniform(got + block * STORE_BLOCK + sector, 512, &stamp) &&
                 is_allowed(p, at, stamp);
        }
    }
    return ok;
}

static bool check_volume(struct rig *r, struct mvolume *v, u32 at)
{
    static u8 got[STORE_EXTENT];
    struct store_volume handle;
    int status = rig_open(r, v->name, &handle);
    bool ok = true;

    if (status == -ENOENT)
        return CHECK(v->alive.safe > at || v->dead_since <= at);
    if (!CHECK_EQ(status, 0) || !CHECK(v->alive.since <= at && v->dead_safe > at))
        return false;
    for (u32 i = 0; i < SITES && ok; i++) {
        u64 extent = site_block[i] / STORE_EXTENT_BLOCKS;

        ok =
            CHECK_EQ(rig_io(r, STORE_READ, &handle, extent * STORE_EXTENT, got, STORE_EXTENT), 0) &&
            CHECK(check_extent(v, extent, got, at));
        if (i >= WHOLE)
            break;
    }
    return CHECK_EQ(store_close(r->s, &handle), 0) && ok;
}

static bool check_blob(struct rig *r, const struct place *p, const char *name, u32 at)
{
    static u8 got[STORE_BLOB_MAX];
    struct store_op op = {.kind = STORE_BLOB_GET, .name = name, .mem = got, .bytes = sizeof got};
    u64 stamp = 0;

    store_submit(r->s, &op);
    if (rig_wait(r, &op) == -ENOENT)
        return CHECK(is_allowed(p, at, 0));
    return CHECK_EQ(op.status, 0) && CHECK(is_uniform(got, (u32)op.bytes, &stamp)) &&
           CHECK_EQ(op.bytes, 8 + stamp * 7919 % 50000 / 8 * 8) && CHECK(is_allowed(p, at, stamp));
}

/* After recovery: everything that must be there, and that it can be worked with. */
static bool check_world(struct world *w, struct rig *r, u32 at)
{
    bool ok = true;

    for (u32 i = 0; i < w->volumes && ok; i++)
        ok = check_volume(r, &w->volume[i], at);
    for (u32 i = 0; i < BLOBS && ok; i++)
        ok = check_blob(r, &w->blob[i], blob_name[i], at);
    return ok && rig_is_consistent(r);
}

/* -- power cuts -- */

struct unit {
    u64 block;
    const u8 *data;
};

struct pending {
    u32 event;
    u32 done_at;
};

struct cut {
    struct world *w;
    struct rig base; /* what is durable */
    struct pending pending[512];
    u32 pending_count;
    struct unit unit[4096];
    u32 units;
    u64 random;
    u64 tries;
};

static void gather_units(struct cut *c)
{
    c->units = 0;
    for (u32 i = 0; i < c->pending_count; i++) {
        const struct rig_event *event = &c->w->r.events[c->pending[i].event];

        for (u32 at = 0; at < event->bytes && c->units < 4096; at += STORE_BLOCK)
            c->unit[c->units++] =
                (struct unit){(event->offset + at) / STORE_BLOCK, event->data + at};
    }
}

/* A disk with what is durable and the given part of the rest. Torn: half of the last one. */
static bool try_cut(struct cut *c, u32 at, u64 mask, bool is_random)
{
    static struct rig r;
    bool ok;

    if (!r.block)
        rig_init(&r, DISK);
    r.seed = is_random ? rig_random(&c->random) : 0;
    for (u64 i = 0; i < r.blocks; i++)
        if (c->base.block[i])
            rig_write(&r, i * STORE_BLOCK, c->base.block[i], STORE_BLOCK);
    for (u32 i = 0; i < c->units; i++) {
        const struct unit *unit = &c->unit[is_random ? rig_random(&c->random) % c->units : i];
        u32 first = 0, end = STORE_BLOCK;

        if (!(is_random ? rig_random(&c->random) & mask : mask >> i & 1))
            continue;
        if (is_random && rig_random(&c->random) % 8 == 0)
            first = 512u * (rig_random(&c->random) % 8);
        rig_write(&r, unit->block * STORE_BLOCK + first, unit->data + first, end - first);
    }
    c->tries++;
    ok = CHECK_EQ(rig_mount(&r), 0) && check_world(c->w, &r, at);
    rig_drop_blocks(&r);
    return ok;
}

static bool try_all(struct cut *c, u32 at, u32 subsets)
{
    bool ok = true;

    gather_units(c);
    if (c->units <= SMALL)
        for (u64 mask = 0; mask < 1ull << c->units && ok; mask++)
            ok = try_cut(c, at, mask, false);
    else
        for (u32 i = 0; i < subsets && ok; i++)
            ok = try_cut(c, at, 1ull << (20 + i % 2) | (i % 3 == 2 ? 1ull << 30 : 0), true);
    return ok;
}

/* Moves one event on: a flush makes durable what had ended when it was submitted. */
static void pass(struct cut *c, u32 i)
{
    const struct rig_event *events = c->w->r.events, *event = &events[i];
    u32 kept = 0, submitted = 0;

    if (event->kind == STORE_IO_WRITE && event->type == RIG_SUBMITTED)
        c->pending[c->pending_count++] = (struct pending){i, NEVER};
    for (u32 p = 0; p < c->pending_count && event->kind == STORE_IO_WRITE; p++)
        if (event->type == RIG_DONE && events[c->pending[p].event].request == event->request)
            c->pending[p].done_at = i;
    if (event->kind != STORE_IO_FLUSH || event->type != RIG_DONE)
        return;
    while (events[submitted].request != event->request)
        submitted++;
    for (u32 p = 0; p < c->pending_count; p++) {
        const struct rig_event *write = &events[c->pending[p].event];

        if (c->pending[p].done_at < submitted)
            rig_write(&c->base, write->offset, write->data, write->bytes);
        else
            c->pending[kept++] = c->pending[p];
    }
    c->pending_count = kept;
}

static u64 cut_everywhere(u64 seed, u64 order, u32 steps, u32 subsets)
{
    static struct world w;
    static struct cut c;
    u64 tries;

    world_init(&w, seed);
    memset(&c, 0, sizeof c);
    c.w = &w;
    c.random = seed + 1;
    rig_init(&c.base, DISK);
    rig_settle(&w.r);
    for (u64 i = 0; i < w.r.blocks; i++)
        if (w.r.block[i])
            rig_write(&c.base, i * STORE_BLOCK, w.r.block[i], STORE_BLOCK);
    w.r.is_recording = true;
    w.r.seed = order;
    work(&w, steps);
    flush(&w);
    rig_settle(&w.r);
    for (u32 at = 0; at <= w.r.event_count; at++) {
        if (!try_all(&c, at, subsets)) {
            printf("    seed %llu: cut before event %u of %u\n", (unsigned long long)seed, at,
                   w.r.event_count);
            break;
        }
        if (at < w.r.event_count)
            pass(&c, at);
    }
    CHECK(rig_is_consistent(&w.r));
    tries = c.tries;
    rig_fini(&c.base);
    rig_fini(&w.r);
    return tries;
}

TEST(power_cuts_at_every_moment)
{
    const char *more = getenv("STORE_CRASH");
    u32 rounds = more ? (u32)atoi(more) : 2;
    u64 tries = 0;

    for (u32 i = 0; i < rounds; i++)
        tries += cut_everywhere(1000 + i, i % 2 ? 77 + i : 0, more ? 60 : 12, more ? 4 : SUBSETS);
    printf("%llu power cuts\n", (unsigned long long)tries);
    CHECK(tries > 100);
}

/* The same work, with one request that fails: others may, but nothing that was safe is lost. */
static bool fail_request(u64 seed, u32 request)
{
    static struct world w;
    struct store_op op;
    struct store_volume volume;
    static u8 block[STORE_EXTENT];
    bool is_synced = false, ok;

    memset(&w, 0, sizeof w);
    rig_init(&w.r, DISK);
    CHECK_EQ(rig_format(&w.r), 0);
    w.r.fail_at = w.r.requests + request;
    w.random = seed;
    (void)rig_create(&w.r, "a", 60 * MiB);
    if (!rig_open(&w.r, "a", &volume)) {
        for (u32 i = 0; i < 6; i++) {
            fill_block(block, i + 1);
            op = (struct store_op){.kind = STORE_WRITE,
                                   .volume = &volume,
                                   .offset = i * 5 * MiB,
                                   .mem = block,
                                   .bytes = STORE_BLOCK};
            store_submit(w.r.s, &op);
            is_synced = !rig_wait(&w.r, &op) && (!i || is_synced);
            if (i == 3)
                (void)rig_copy(&w.r, STORE_SNAPSHOT, "s", "a");
        }
        is_synced = !rig_flush(&w.r) && is_synced;
    }
    rig_settle(&w.r);
    ok = CHECK(w.r.requests >= w.r.fail_at || !rig_usage(&w.r).is_failed);
    w.r.fail_at = 0;
    ok = CHECK_EQ(rig_mount(&w.r), 0) && ok && rig_is_consistent(&w.r);
    for (u32 i = 0; i < 6 && is_synced; i++) {
        ok = CHECK_EQ(rig_open(&w.r, "a", &volume), 0) &&
             CHECK_EQ(rig_io(&w.r, STORE_READ, &volume, i * 5 * MiB, block, STORE_BLOCK), 0) &&
             CHECK(is_allowed(&(struct place){.value = {{i + 1, 0, 0}}, .count = 1}, 0,
                              *(u64 *)block)) &&
             CHECK_EQ(store_close(w.r.s, &volume), 0) && ok;
    }
    rig_fini(&w.r);
    return ok;
}

TEST(an_error_at_every_request)
{
    u32 n = 1;

    while (n < 200 && fail_request(5, n))
        n++;
    CHECK_EQ(n, 200);
}
