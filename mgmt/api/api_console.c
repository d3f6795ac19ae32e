/* SPDX-License-Identifier: BSD-2-Clause */
/* Consoles of VMs: the log of what the guest wrote, and its input. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api/api_list.h"

#define CONSOLE_JSON_MAX 256u

static const char *const kinds[VM_CONSOLE_COUNT] = {
    [VM_CONSOLE_SERIAL] = "serial",
    [VM_CONSOLE_VIRTIO] = "virtio",
};

/* state.id: the next console. */
static bool next_console(struct req *req, struct json_writer *w)
{
    u32 console = req->state.id, vm;

    if (vmm_find(req->match.params[0], &vm))
        return false;
    while (console < VM_CONSOLE_COUNT && !vmm_has_console(vm, console))
        console++;
    if (console >= VM_CONSOLE_COUNT)
        return false;
    json_object_begin(w);
    json_put_u64(w, "id", console);
    json_put_string(w, "kind", kinds[console]);
    json_put_u64(w, "bytes_total", vmm_console_written(vm, console));
    json_put_u64(w, "oldest_offset", vmm_console_oldest(vm, console));
    json_object_end(w);
    req->state.id = console + 1;
    return true;
}

void api_consoles_get(struct req *req)
{
    static const struct api_list consoles = {next_console, CONSOLE_JSON_MAX, LIST_ALL, true};
    u32 vm;

    if (api_find_vm(req, &vm) == 0)
        reply_list(req, &consoles);
}

int api_find_console(struct req *req, u32 *id, u32 *console)
{
    const char *name = req->match.params[1];

    if (api_find_vm(req, id))
        return -ENOENT;
    *console = (u32)(name[0] - '0');
    if (name[0] >= '0' && name[1] == '\0' && vmm_has_console(*id, *console))
        return 0;
    api_error(req, &(struct problem){
                       .slug = "no_such",
                       .kind = "console",
                       .name = name,
                       .similar = "0",
                       .detail = "The VM has no console of that number.",
                       .hint = "Number 0 is its serial port; number 1 is there if its "
                               "virtio_console is enabled.",
                   });
    return -ENOENT;
}

/* Whether it is still the VM, and the console, that is followed: another may have its name now. */
static bool is_there(const struct req_state *state)
{
    u32 id;

    return vmm_find(state->name, &id) == 0 && id == state->id &&
           vmm_has_console(id, state->console);
}

/* state.id: the VM; .console: its number; .offset: next byte; .end: where to stop; .flag: follow.
 */
static enum produce log_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    u64 room = w->size - w->len;
    u64 wanted = state->end - state->offset;
    u64 before = state->offset;
    size_t got;

    if (wanted == 0)
        return PRODUCE_DONE;
    got = vmm_console_read(state->id, state->console, &state->offset, w->buf + w->len,
                           MIN(room, wanted));
    w->len += got;
    if (got == 0 && state->offset == before)
        return state->flag && is_there(state) ? PRODUCE_WAIT : PRODUCE_DONE;
    if (state->offset > state->end)
        return PRODUCE_DONE;
    return PRODUCE_MORE;
}

static const struct body_source log_source = {.produce = log_produce};
static const struct body_source follow_source = {
    .produce = log_produce,
    .ends_with_client = true,
};

void api_console_log_get(struct req *req)
{
    struct req_state *state = &req->state;
    u64 written, limit;
    u32 id, console;

    if (api_find_console(req, &id, &console))
        return;
    written = vmm_console_written(id, console);
    state->id = id;
    state->console = console;
    if (query_u64(req, "offset", vmm_console_oldest(id, console), &state->offset) ||
        query_u64(req, "limit", UINT64_MAX, &limit) || query_bool(req, "follow", &state->flag))
        return;
    if (state->offset > written) {
        api_error(req, &(struct problem){
                           .slug = "range",
                           .detail = "The console has not written that many bytes yet.",
                           .hint = "Use an offset up to bytes_total of GET …/consoles.",
                       });
        return;
    }
    state->offset = MAX(state->offset, vmm_console_oldest(id, console));
    state->end = state->flag ? UINT64_MAX : written;
    if (limit < state->end - state->offset)
        state->end = state->offset + limit;
    (void)str_copy(state->name, sizeof(state->name), req->match.params[0]);
    if (!state->flag)
        reply_header(req, "X-Next-Offset", "%llu", (unsigned long long)state->end);
    reply_stream(req, 200, "text/plain; charset=utf-8", HTTP_LENGTH_NONE,
                 state->flag ? &follow_source : &log_source);
}

void api_console_input_post(struct req *req)
{
    struct vmm_error err;
    u32 id, console;
    int rc;

    if (api_find_console(req, &id, &console))
        return;
    rc =
        vmm_console_input(id, console, req->body ? req->body : (const u8 *)"", req->body_len, &err);
    if (rc < 0) {
        api_vmm_error(req, rc, &err, id);
    } else if ((size_t)rc < req->body_len) {
        reply_header(req, "X-Accepted-Bytes", "%d", rc);
        api_error(req, &(struct problem){
                           .slug = "rate",
                           .detail = "The guest reads its console too slowly for all of it.",
                           .hint = "Send what is behind the first X-Accepted-Bytes bytes again.",
                           .retry_after_s = 1,
                       });
    } else {
        reply_empty(req, 204);
    }
}
