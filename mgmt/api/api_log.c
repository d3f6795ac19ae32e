/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's log as NDJSON, once or for as long as the client listens. */
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mgmt/api/api.h"

#define RECORD_TEXT_MAX 1600u /* every byte of the text escaped */

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warn",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

static const char *level_name(u8 level)
{
    return level < ARRAY_SIZE(level_names) ? level_names[level] : "debug";
}

static void put_record(struct json_writer *w, const struct log_record *record)
{
    w->need_comma = false;
    json_object_begin(w);
    json_put_u64(w, "seq", record->seq);
    json_put_u64(w, "time_ns", record->time_ns);
    json_put_string(w, "level", level_name(record->level));
    json_put_u64(w, "cpu", record->pcpu);
    json_put_string(w, "subsystem", record->subsys);
    json_put_string(w, "text", record->text);
    json_object_end(w);
    json_raw(w, "\n");
}

/* state.offset: next record; .id: least important level wanted; .flag: follow. */
static enum produce log_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    struct log_record record;

    while (w->size - w->len > RECORD_TEXT_MAX) {
        if (log_read(&state->offset, &record))
            return state->flag ? PRODUCE_WAIT : PRODUCE_DONE;
        if (record.level <= state->id)
            put_record(w, &record);
    }
    return PRODUCE_MORE;
}

static const struct body_source log_source = {.produce = log_produce};
static const struct body_source follow_source = {
    .produce = log_produce,
    .ends_with_client = true,
};

/* Return: false after answering 400. */
static bool take_level(struct req *req)
{
    const char *text = query_get(req, "level");

    req->state.id = LOG_DEBUG;
    if (!text)
        return true;
    for (u32 i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            req->state.id = i;
            return true;
        }
    }
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = text,
                       .allowed = "error, warn, info, debug",
                       .detail = "There is no such level.",
                       .hint = "Use one of those allowed.",
                   });
    return false;
}

void api_log_get(struct req *req)
{
    u64 since;

    if (query_u64(req, "since_seq", 0, &since) || query_bool(req, "follow", &req->state.flag) ||
        !take_level(req))
        return;
    req->state.offset = since + 1; /* sequence numbers begin with 1 */
    reply_stream(req, 200, "application/x-ndjson", HTTP_LENGTH_NONE,
                 req->state.flag ? &follow_source : &log_source);
}
