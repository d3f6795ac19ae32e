/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of VMs, streamed one VM at a time so that its length costs no memory. */
#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "mgmt/api.h"
#include "mgmt/vm_json.h"

#define LIST_LIMIT_DEFAULT 100u

#define STATE_ANY VMM_STATES

/* A VM whose every text needs escaping takes up to this much. */
#define VM_TEXT_MAX (30u * 1024u)

/* state.name: the last VM written; .fields; .end: how many more; .id: state wanted; .flag: NDJSON.
 */
static enum produce list_produce(struct req *req, struct json_writer *w)
{
    static struct vmm_info info;
    struct req_state *state = &req->state;
    bool is_first = state->offset == 0;
    u32 id;

    if (is_first && !state->flag)
        json_raw(w, "{\"items\":[");
    state->offset += is_first;
    while (w->size - w->len > VM_TEXT_MAX) {
        if (state->end == 0 || !vmm_next(state->name, &id) || vmm_get(id, &info)) {
            json_raw(w, state->flag ? "" : "]}\n");
            return PRODUCE_DONE;
        }
        (void)str_copy(state->name, sizeof(state->name), info.cfg.name);
        if ((state->id != STATE_ANY && state->id != info.state) ||
            !scope_has(&req->who.scope, &info.cfg))
            continue;
        if (state->offset++ > 1)
            json_raw(w, state->flag ? "" : ",");
        w->need_comma = false;
        vm_json_write(w, &info, time_ns(), state->fields[0] ? state->fields : NULL);
        json_raw(w, state->flag ? "\n" : "");
        state->end--;
    }
    return PRODUCE_MORE;
}

static const struct body_source list_source = {.produce = list_produce};

/* "state:NAME". Return: false after answering 400. */
static bool take_filter(struct req *req)
{
    const char *filter = query_get(req, "filter");

    req->state.id = STATE_ANY;
    if (!filter)
        return true;
    for (u32 i = 0; strncmp(filter, "state:", 6) == 0 && i < VMM_STATES; i++) {
        if (strcmp(filter + 6, vmm_state_name((enum vmm_state)i)) == 0)
            req->state.id = i;
    }
    if (req->state.id != STATE_ANY)
        return true;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = filter,
                       .detail = "There is no such filter.",
                       .hint = "Use filter=state:running, or another state of a VM.",
                   });
    return false;
}

static bool take_text(struct req *req, const char *name, char *dst, size_t size)
{
    const char *text = query_get(req, name);

    if (!text || str_copy(dst, size, text))
        return true;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = name,
                       .detail = "This query parameter is too long.",
                       .hint = "Shorten it.",
                   });
    return false;
}

void api_vms_get(struct req *req)
{
    const char *accept = http_header(req->http, "accept");
    struct req_state *state = &req->state;

    if (query_u64(req, "limit", LIST_LIMIT_DEFAULT, &state->end) || !take_filter(req) ||
        !take_text(req, "after", state->name, sizeof(state->name)) ||
        !take_text(req, "fields", state->fields, sizeof(state->fields)))
        return;
    state->flag = accept && strstr(accept, "application/x-ndjson") != NULL;
    reply_stream(req, 200, state->flag ? "application/x-ndjson" : "application/json",
                 HTTP_LENGTH_NONE, &list_source);
}
