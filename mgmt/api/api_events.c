/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens on the host, as server-sent events. */
#include "mgmt/api/api_events.h"

#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/api/event_ring.h"

#define EVENT_TEXT_MAX 512u
#define KEEPALIVE_NS   (15 * NS_PER_S) /* proxies and browsers give up on a silent stream */

/* The first number of this boot is above all of the last one, if the clock is known. */
#define SEQ_PER_SECOND_SHIFT 20u

static struct event_ring ring;

/* Keeps it, with the present time and that name. */
static void keep(struct event *event, const char *name)
{
    event->uptime_ns = time_ns();
    event->unix_ns = clock_is_known() ? clock_unix_ns() : 0;
    (void)str_copy(event->name, sizeof(event->name), name);
    event_ring_add(&ring, event);
}

static void note(enum event_type type, const char *what, const char *name, const char *state)
{
    keep(&(struct event){.type = type, .what = what, .state = state}, name);
}

static void on_vm(enum vmm_change change, u32 id unused, const char *name, enum vmm_state state)
{
    static const char *const words[] = {
        [VMM_CREATED] = "created",
        [VMM_CHANGED] = "changed",
        [VMM_NEW_STATE] = "state",
        [VMM_DELETED] = "deleted",
    };

    note(EVENT_VM, words[change], name, vmm_state_name(state));
}

void api_events_start(void)
{
    static struct vmm_watcher watcher = {.changed = on_vm};
    u64 boot_s = clock_is_known() ? clock_unix_ns() / NS_PER_S : 0;

    event_ring_begin(&ring, (boot_s << SEQ_PER_SECOND_SHIFT) + 1);
    vmm_watch(&watcher);
}

void api_events_task(const struct job *job)
{
    char id[24];

    ksnprintf(id, sizeof(id), "%llu", (unsigned long long)job->id);
    keep(&(struct event){.type = EVENT_TASK,
                         .what = "state",
                         .state = job_state_name(job->state),
                         .done_bytes = job->progress.done_bytes,
                         .total_bytes = job->progress.total_bytes},
         id);
}

void api_events_image(const char *name, bool is_new)
{
    note(EVENT_IMAGE, is_new ? "created" : "deleted", name, NULL);
}

/* VMs tell by themselves what happens to them; of all else it is known by the request. */
void api_events_note(const struct req *req)
{
    static const struct {
        const char *path; /* of a route: this, or below it */
        enum event_type type;
        const char *what; /* NULL: by verb and status */
    } rows[] = {
        {API_BASE "/images/", EVENT_IMAGE, NULL},
        {API_BASE "/volumes/", EVENT_VOLUME, NULL},
        {API_BASE "/networks/", EVENT_NETWORK, NULL},
        {API_BASE "/host/reboot", EVENT_HOST, "reboot"},
        {API_BASE "/host/poweroff", EVENT_HOST, "poweroff"},
        {API_BASE "/host/", EVENT_HOST, NULL},
    };
    enum http_verb verb = req->http->verb;
    u16 status = req->reply.status;

    if (!req->match.route || req->match.route->verb == VERB_GET || status < 200 || status >= 300)
        return;
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *what = verb == VERB_DELETE ? "deleted" : status == 201 ? "created" : "changed";

        if (strncmp(req->match.route->path, rows[i].path, strlen(rows[i].path)) != 0)
            continue;
        note(rows[i].type, rows[i].what ? rows[i].what : what,
             req->match.param_count ? req->match.params[0] : "", NULL);
        return;
    }
}

static void put_event(struct json_writer *w, const struct event *event)
{
    char head[64];

    ksnprintf(head, sizeof(head), "id: %llu\nevent: %s\ndata: ", (unsigned long long)event->seq,
              event_type_name(event->type));
    json_raw(w, head);
    w->need_comma = false;
    json_object_begin(w);
    json_put_u64(w, "seq", event->seq);
    json_put_u64(w, "uptime_ns", event->uptime_ns);
    if (event->unix_ns)
        json_put_time(w, "time", event->unix_ns);
    json_put_string(w, "type", event_type_name(event->type));
    json_put_string(w, "what", event->what);
    if (event->name[0])
        json_put_string(w, "name", event->name);
    if (event->state)
        json_put_string(w, "state", event->state);
    if (event->done_bytes || event->total_bytes)
        json_put_u64(w, "done_bytes", event->done_bytes);
    if (event->total_bytes)
        json_put_u64(w, "total_bytes", event->total_bytes);
    json_object_end(w);
    json_raw(w, "\n\n");
}

static void put_gap(struct json_writer *w, u64 oldest)
{
    char text[80];

    ksnprintf(text, sizeof(text), "event: gap\ndata: {\"oldest_seq\":%llu}\n\n",
              (unsigned long long)oldest);
    json_raw(w, text);
}

/* state.name: the only VM wanted, if any; .id: types wanted. */
static bool is_wanted(const struct req_state *state, const struct event *event)
{
    if (!(state->id & 1u << event->type))
        return false;
    return state->name[0] == '\0' || strcmp(state->name, event->name) == 0;
}

/* True if nothing can come any more: the only VM wanted is gone. */
static bool is_last(const struct req_state *state, const struct event *event)
{
    return state->name[0] != '\0' && strcmp(event->what, "deleted") == 0;
}

/* state.offset: number of the next event; .end: when something was sent last. */
static enum produce events_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    u64 now = time_ns();
    struct event event;
    bool is_gap;

    if (state->end == 0)
        json_raw(w, "retry: 2000\n\n");
    else if (now - state->end >= KEEPALIVE_NS)
        json_raw(w, ":\n\n");
    while (w->size - w->len > 2 * EVENT_TEXT_MAX) {
        int rc = event_ring_read(&ring, &state->offset, &event, &is_gap);

        if (is_gap)
            put_gap(w, event_ring_oldest(&ring));
        if (rc)
            break;
        if (!is_wanted(state, &event))
            continue;
        put_event(w, &event);
        if (is_last(state, &event))
            return PRODUCE_DONE;
    }
    if (w->len)
        state->end = now;
    return PRODUCE_WAIT;
}

/* Where the client goes on: behind Last-Event-ID, which a browser sends when it comes back, or
 * since_seq, or with what happens from now on. Return: 0; -EINVAL after answering 400. */
static int take_start(struct req *req)
{
    const char *last = http_header(req->http, "last-event-id");
    u64 since;
    int rc = query_u64(req, "since_seq", UINT64_MAX, &since);

    if (rc)
        return rc;
    if (last)
        since = strtoul(last, NULL, 10);
    if (since == UINT64_MAX)
        req->state.offset = ring.next;
    else
        req->state.offset = since ? since + 1 : event_ring_oldest(&ring);
    return 0;
}

/* Return: false after answering 400. */
static bool take_types(struct req *req)
{
    const char *list = query_get(req, "types");

    req->state.id = list ? event_types_parse(list) : (1u << EVENT_TYPES) - 1;
    if (req->state.id)
        return true;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = list,
                       .allowed = "vm, image, volume, network, host, task",
                       .detail = "There is no such type of events.",
                       .hint = "Name types with commas between them, or none for all.",
                   });
    return false;
}

static void stream(struct req *req)
{
    static const struct body_source source = {
        .produce = events_produce,
        .ends_with_client = true,
    };

    if (take_start(req) == 0)
        reply_stream(req, 200, "text/event-stream", HTTP_LENGTH_NONE, &source);
}

void api_events_get(struct req *req)
{
    if (take_types(req))
        stream(req);
}

void api_vm_events_get(struct req *req)
{
    static struct vmm_info info; /* large; one thread answers */
    u32 id;

    if (api_find_vm(req, &id) || vmm_get(id, &info))
        return;
    (void)str_copy(req->state.name, sizeof(req->state.name), info.cfg.name);
    req->state.id = 1u << EVENT_VM;
    stream(req);
}
