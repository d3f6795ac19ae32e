/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has changed in a volume since a snapshot, for incremental backups. It goes out as a stream,
 * however much it is; volume and snapshot are looked up again at each piece, and the stream breaks
 * off if one of them is gone.
 */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/volumes.h"
#include "drivers/block/volume_pool.h"
#include "mgmt/agent.h"
#include "mgmt/api/api.h"

#define EXTENT_TEXT_MAX 64u
#define RUNS_PER_CALL   16u /* then others are served */

/* The snapshot to compare with. Return: 0 and *base, NULL: none was named; -ENOENT, -EINVAL (it can
 * be written, or is in another pool). */
static int find_base(const struct volume *volume, const char *since, const struct volume **base)
{
    *base = since[0] ? volumes_find(since) : NULL;
    if (!since[0])
        return 0;
    if (!*base)
        return -ENOENT;
    return (*base)->is_read_only && volume_pool_of(*base) == volume_pool_of(volume) ? 0 : -EINVAL;
}

/* state.name: the volume; .fields: the snapshot; .end: the volume's id; .id: the snapshot's, as far
 * as it fits; .offset: what comes next; .flag: an extent has been written. Return: false: they are
 * no longer what they were. */
static bool find_both(const struct req_state *state, struct volume **volume,
                      const struct volume **base)
{
    *volume = volumes_find(state->name);
    return *volume && volume_pool_of(*volume) && volume_pool_id(*volume) == state->end &&
           find_base(*volume, state->fields, base) == 0 &&
           (!*base || (u32)volume_pool_id(*base) == state->id);
}

static void write_extent(struct req_state *state, struct json_writer *w, u64 bytes)
{
    char text[EXTENT_TEXT_MAX];

    ksnprintf(text, sizeof(text), "%s[%llu,%llu]", state->flag ? "," : "",
              (unsigned long long)state->offset, (unsigned long long)bytes);
    json_raw(w, text);
    state->flag = true;
}

static void write_head(const struct req_state *state, struct json_writer *w, u64 size)
{
    char text[EXTENT_TEXT_MAX + VOLUME_NAME_MAX];

    ksnprintf(text, sizeof(text), "{\"size_bytes\":%llu,", (unsigned long long)size);
    json_raw(w, text);
    if (state->fields[0])
        ksnprintf(text, sizeof(text), "\"since\":\"%s\",\"extents\":[", state->fields);
    else
        ksnprintf(text, sizeof(text), "\"since\":null,\"extents\":[");
    json_raw(w, text);
}

static enum produce changes_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    const struct volume *base;
    struct volume *volume;

    if (!find_both(state, &volume, &base))
        return PRODUCE_DONE;
    if (state->count++ == 0)
        write_head(state, w, volume_bytes(volume));
    for (u32 i = 0; i < RUNS_PER_CALL && state->offset < volume_bytes(volume); i++) {
        bool is_different;
        u64 bytes;

        if (volume_pool_compare(volume, base, state->offset, &bytes, &is_different) || !bytes)
            return PRODUCE_DONE;
        if (is_different)
            write_extent(state, w, bytes);
        state->offset += bytes;
    }
    if (state->offset < volume_bytes(volume)) {
        agent_wake(); /* after the others' turn */
        return PRODUCE_WAIT;
    }
    json_raw(w, "]}");
    return PRODUCE_DONE;
}

static void answer_base(struct req *req, int rc, const char *since)
{
    if (rc == -ENOENT)
        api_error(req, &(struct problem){.slug = "gone",
                                         .kind = "snapshot",
                                         .name = since,
                                         .detail = "There is no snapshot of that name any more.",
                                         .hint = "Make a full backup: leave since out."});
    else
        api_error(req, &(struct problem){.slug = "semantic",
                                         .detail = "This is no snapshot in the volume's pool.",
                                         .hint = "Name one that is read_only, of the same pool."});
}

void api_volume_changes_get(struct req *req)
{
    static const struct body_source source = {.produce = changes_produce};
    struct volume *volume = api_find_volume(req);
    const char *since = query_get(req, "since");
    const struct volume *base;
    int rc;

    if (!volume)
        return;
    if (!volume_pool_of(volume)) {
        api_error(req, &(struct problem){.slug = "semantic",
                                         .detail = "Only volumes in a pool know their changes.",
                                         .hint = "Make it in a pool."});
        return;
    }
    if (!str_copy(req->state.fields, sizeof(req->state.fields), since ? since : ""))
        req->state.fields[0] = '\0';
    rc = since && !req->state.fields[0] ? -ENOENT : find_base(volume, req->state.fields, &base);
    if (rc) {
        answer_base(req, rc, since);
        return;
    }
    (void)str_copy(req->state.name, sizeof(req->state.name), volume->name);
    req->state.end = volume_pool_id(volume);
    req->state.id = base ? (u32)volume_pool_id(base) : 0;
    req->state.offset = 0;
    req->state.count = 0;
    req->state.flag = false;
    reply_stream(req, 200, "application/json", HTTP_LENGTH_NONE, &source);
}
