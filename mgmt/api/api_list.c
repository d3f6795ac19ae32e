/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, streamed; chosen by the text of their objects, so that a list need only write them. */
#include "mgmt/api/api_list.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/json/json_members.h"

/* The filter is "member:value". */
static bool is_wanted(const struct req_state *state, const char *object, size_t len)
{
    char name[sizeof(state->filter)];
    const char *colon = strchr(state->filter, ':');
    size_t name_len = colon ? (size_t)(colon - state->filter) : 0;

    if (!colon)
        return true;
    memcpy(name, state->filter, name_len);
    name[name_len] = '\0';
    return json_members_match(object, len, name, colon + 1);
}

/* The next object that passes the filter, at the writer's end. Return: false: there is none. */
static bool write_next(struct req *req, struct json_writer *w)
{
    const struct api_list *list = req->state.object;
    size_t start = w->len;

    do {
        w->len = start;
        w->need_comma = false;
        if (!list->next(req, w))
            return false;
    } while (!is_wanted(&req->state, w->buf + start, w->len - start));
    if (req->state.fields[0])
        w->len = start + json_members_keep(w->buf + start, w->len - start, req->state.fields);
    return true;
}

/* After the last object that was wanted: where the next request goes on, if there are more. */
static void write_end(struct req *req, struct json_writer *w)
{
    const struct api_list *list = req->state.object;
    char last[sizeof(req->state.name)];
    size_t start = w->len;

    if (req->state.flag)
        return;
    if (list->is_array) {
        json_raw(w, "]\n");
        return;
    }
    memcpy(last, req->state.name, sizeof(last));
    if (last[0] && req->state.end == 0 && write_next(req, w)) {
        w->len = start;
        json_raw(w, "],\"next\":");
        w->need_comma = false;
        json_string(w, last);
        json_raw(w, "}\n");
        return;
    }
    w->len = start;
    json_raw(w, "]}\n");
}

/* state.object: the list; .name: the last object; .offset: 0: nothing is written, else objects + 1;
 * .end: how many more; .flag: NDJSON. */
static enum produce list_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    const struct api_list *list = state->object;

    if (state->offset == 0) {
        json_raw(w, state->flag ? "" : list->is_array ? "[" : "{\"items\":[");
        state->offset = 1;
    }
    while (w->size - w->len > list->text_max + sizeof(state->name)) {
        size_t start = w->len;

        if (state->end > 0 && state->offset > 1)
            json_raw(w, state->flag ? "" : ",");
        if (state->end == 0 || !write_next(req, w)) {
            w->len = start;
            write_end(req, w);
            return PRODUCE_DONE;
        }
        json_raw(w, state->flag ? "\n" : "");
        state->offset++;
        state->end--;
    }
    return PRODUCE_MORE;
}

static int refuse(struct req *req, const char *got, const char *detail, const char *hint)
{
    api_error(req,
              &(struct problem){.slug = "bad_value", .got = got, .detail = detail, .hint = hint});
    return -EINVAL;
}

/* Return: 0; -EINVAL after answering 400. */
static int take_text(struct req *req, const char *name, char *dst, size_t size)
{
    const char *text = query_get(req, name);

    if (!text || str_copy(dst, size, text))
        return 0;
    return refuse(req, name, "This query parameter is too long.", "Shorten it.");
}

static int take_filter(struct req *req)
{
    char *filter = req->state.filter;
    const char *colon;

    if (take_text(req, "filter", filter, sizeof(req->state.filter)))
        return -EINVAL;
    colon = strchr(filter, ':');
    if (filter[0] == '\0' || (colon && colon != filter))
        return 0;
    return refuse(req, filter, "There is no such filter.",
                  "Use filter=member:value, as in filter=state:running.");
}

void reply_list(struct req *req, const struct api_list *list)
{
    static const struct body_source source = {.produce = list_produce};
    const char *accept = http_header(req->http, "accept");
    struct req_state *state = &req->state;

    if (query_u64(req, "limit", list->limit, &state->end) || take_filter(req) ||
        take_text(req, "after", state->name, sizeof(state->name)) ||
        take_text(req, "fields", state->fields, sizeof(state->fields)))
        return;
    state->object = (void *)(uintptr_t)list;
    state->flag = accept && strstr(accept, "application/x-ndjson") != NULL;
    reply_stream(req, 200, state->flag ? "application/x-ndjson" : "application/json",
                 HTTP_LENGTH_NONE, &source);
}
