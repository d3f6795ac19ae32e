/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit log as NDJSON. */
#include "mgmt/auth/auth.h"

#define RECORD_TEXT_MAX 2048u /* every byte of the text escaped */

static void put_if(struct json_writer *w, const char *key, const char *text)
{
    if (text[0] != '\0')
        json_put_string(w, key, text);
}

static void put_entry(struct json_writer *w, const struct audit_entry *entry)
{
    w->need_comma = false;
    json_object_begin(w);
    json_put_u64(w, "seq", entry->seq);
    json_put_u64(w, "uptime_ns", entry->uptime_ns);
    if (entry->unix_ns)
        json_put_time(w, "time", entry->unix_ns);
    put_if(w, "user", entry->user);
    put_if(w, "token", entry->token);
    put_if(w, "via", entry->via);
    json_put_string(w, "source", entry->source);
    json_put_string(w, "method", entry->method);
    json_put_string(w, "path", entry->path);
    json_put_u64(w, "status", entry->status);
    json_put_u64(w, "count", entry->count);
    json_put_string(w, "request_id", entry->request_id);
    json_object_end(w);
    json_raw(w, "\n");
}

/* state.offset: the next entry. */
static enum produce audit_produce(struct req *req, struct json_writer *w)
{
    struct audit_entry entry;

    while (w->size - w->len > RECORD_TEXT_MAX) {
        if (!audit_read(auth_audit(), &req->state.offset, &entry))
            return PRODUCE_DONE;
        put_entry(w, &entry);
    }
    return PRODUCE_MORE;
}

void api_audit_get(struct req *req)
{
    static const struct body_source source = {.produce = audit_produce};

    reply_stream(req, 200, "application/x-ndjson", HTTP_LENGTH_NONE, &source);
}
