/* SPDX-License-Identifier: BSD-2-Clause */
/* The last hour of a VM or the host, in columns: what plots are made of. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "mgmt/api/api.h"
#include "mgmt/api/sampler.h"

#define MS_PER_S         1000u
#define COLUMN_TEXT_MAX  64u
#define STEP_MAX_SECONDS 3600u
#define HOST_ID          0u /* no VM has it */

static const struct history *history_of(u32 id)
{
    static const struct history none;
    const struct history *history = id == HOST_ID ? sampler_host() : sampler_vm(id);

    return history ? history : &none;
}

static void put_head(struct json_writer *w, const struct req_state *state)
{
    json_object_begin(w);
    json_put_u64(w, "uptime_ms", time_ns() / NS_PER_MS);
    json_put_u64(w, "begin_ms", state->offset * MS_PER_S);
    json_put_u64(w, "step_ms", state->step * MS_PER_S);
    json_put_u64(w, "count", state->count);
    json_key(w, "columns");
    json_object_begin(w);
}

/*
 * state.id: the VM, or HOST_ID; .offset: first second; .step: seconds of a value; .count: values of
 * a column; .flag: the head is written; .end: what is written, of all columns: each one's values,
 * and its end.
 */
static enum produce history_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    const struct history *history = history_of(state->id);
    const char *const *names = state->id == HOST_ID ? sampler_host_columns : sampler_vm_columns;
    u64 each = (u64)state->count + 1, total = HISTORY_COLUMNS * each;

    w->need_comma = state->flag;
    if (!state->flag)
        put_head(w, state);
    state->flag = true;
    for (; state->end < total && w->size - w->len > 2 * COLUMN_TEXT_MAX; state->end++) {
        u32 column = (u32)(state->end / each), index = (u32)(state->end % each);

        if (index == 0) {
            json_key(w, names[column]);
            json_array_begin(w);
        }
        if (index < state->count)
            json_u64(w, history_mean(history, column, state->offset + (u64)index * state->step,
                                     state->step));
        else
            json_array_end(w);
    }
    if (state->end < total)
        return PRODUCE_MORE;
    json_object_end(w);
    json_object_end(w);
    return PRODUCE_DONE;
}

/* What is there from since_ms on, in steps that are complete. Return: 0; -EINVAL after 400. */
static int take_span(struct req *req, const struct history *history)
{
    struct req_state *state = &req->state;
    u64 since_ms, step_ms, step;

    if (query_u64(req, "since_ms", 0, &since_ms) || query_u64(req, "step_ms", MS_PER_S, &step_ms))
        return -EINVAL;
    step = MIN((step_ms + MS_PER_S - 1) / MS_PER_S, (u64)STEP_MAX_SECONDS);
    step = MAX(step, (u64)1);
    state->step = (u32)step;
    state->offset = MAX(since_ms / MS_PER_S, history_begin(history));
    state->offset = MIN(state->offset, history->end);
    state->count = (u32)((history->end - state->offset) / step);
    return 0;
}

static void stream(struct req *req, u32 id)
{
    static const struct body_source source = {.produce = history_produce};

    req->state.id = id;
    if (take_span(req, history_of(id)) == 0)
        reply_stream(req, 200, "application/json", HTTP_LENGTH_NONE, &source);
}

void api_vm_history_get(struct req *req)
{
    u32 id;

    if (api_find_vm(req, &id) == 0)
        stream(req, id);
}

void api_host_history_get(struct req *req)
{
    stream(req, HOST_ID);
}
