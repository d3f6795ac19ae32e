/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames of a network as a pcapng file that grows while somebody looks. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "drivers/net/net_capture.h"
#include "mgmt/agent.h"
#include "mgmt/api/api.h"
#include "mgmt/net/pcapng.h"

#define CAPTURE_MS     10000u
#define CAPTURE_MS_MAX 3600000u
#define SNAP_MIN       14u /* the header */
#define PIECE_MAX      (NET_CAPTURE_SNAP + PCAPNG_FRAME_EXTRA)

/* state.object: the capture; .end: uptime at which it ends; .offset: its snap length; .flag: the
 * file has begun; .name, .fields: what is captured, for the interface's name. */
static u8 *place(struct json_writer *w)
{
    return (u8 *)w->buf + w->len;
}

static u64 unix_ns(u64 uptime_ns)
{
    return clock_unix_ns() - time_ns() + uptime_ns;
}

static void begin_file(struct req *req, struct json_writer *w)
{
    const struct req_state *state = &req->state;
    char name[PCAPNG_NAME_MAX];

    ksnprintf(name, sizeof(name), "%s%s%s", state->name, state->fields[0] ? "/" : "",
              state->fields);
    w->len += pcapng_header(place(w), name, (u32)state->offset);
}

static void put_frame(struct capture_ring *ring, const struct capture_frame *frame,
                      struct json_writer *w)
{
    const struct pcapng_frame packet = {
        .unix_ns = unix_ns(frame->time_ns),
        .captured = frame->captured,
        .bytes = frame->bytes,
        .direction = frame->direction,
    };

    capture_ring_take(ring, frame, pcapng_frame_place(place(w)));
    w->len += pcapng_frame(place(w), &packet, pcapng_frame_place(place(w)));
}

static void end_file(const struct capture_ring *ring, struct json_writer *w)
{
    w->len += pcapng_end(place(w), clock_unix_ns(), ring->taken + ring->lost, ring->lost);
}

static enum produce capture_produce(struct req *req, struct json_writer *w)
{
    struct net_capture *capture = req->state.object;
    struct capture_ring *ring = net_capture_ring(capture);
    struct capture_frame frame;

    if (!req->state.flag)
        begin_file(req, w);
    req->state.flag = true;
    if (time_ns() >= req->state.end)
        net_capture_pause(capture);
    while (w->size - w->len > PIECE_MAX) {
        if (capture_ring_peek(ring, &frame)) {
            put_frame(ring, &frame, w);
        } else if (net_capture_is_live(capture)) {
            return PRODUCE_WAIT;
        } else {
            end_file(ring, w);
            return PRODUCE_DONE;
        }
    }
    return PRODUCE_MORE;
}

static void capture_release(struct req *req)
{
    net_capture_stop(req->state.object);
}

static const struct body_source capture_source = {
    .produce = capture_produce,
    .release = capture_release,
    .ends_with_client = true,
};

static int bad_value(struct req *req, const char *detail, const char *hint)
{
    api_error(req, &(struct problem){.slug = "bad_value", .detail = detail, .hint = hint});
    return -EINVAL;
}

/* Return: 0; -EINVAL, -ENOENT after answering. */
static int take_card(struct req *req, struct net_capture_config *cfg)
{
    static struct vmm_info info; /* large; one thread answers */
    const char *vm = query_get(req, "vm");
    bool has_vm = vm != NULL;
    const char *nic;
    u32 id;

    if (has_vm && (vmm_find(vm, &id) || vmm_get(id, &info))) {
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "vm",
                                         .name = vm,
                                         .detail = "There is no VM of that name.",
                                         .hint = "GET /api/v1/vms lists the VMs there are."});
        return -ENOENT;
    }
    if (has_vm)
        (void)str_copy(cfg->vm, sizeof(cfg->vm), info.cfg.name);
    nic = query_get(req, "nic");
    if (!nic)
        return 0;
    if (!has_vm || nic[0] == '\0' || !str_copy(cfg->nic, sizeof(cfg->nic), nic))
        return bad_value(req, "The query parameter \"nic\" has no such value.",
                         "Use a card's \"id\" together with \"vm\".");
    return 0;
}

/* Return: 0; -EINVAL after answering. */
static int take_limits(struct req *req, struct net_capture_config *cfg, u64 *ms)
{
    u64 snap;

    if (query_u64(req, "ms", CAPTURE_MS, ms) ||
        query_u64(req, "snap_bytes", NET_CAPTURE_SNAP, &snap))
        return -EINVAL;
    if (*ms == 0 || *ms > CAPTURE_MS_MAX)
        return bad_value(req, "The query parameter \"ms\" is out of range.",
                         "Use 1 to 3600000 milliseconds.");
    if (snap < SNAP_MIN)
        return bad_value(req, "The query parameter \"snap_bytes\" is out of range.",
                         "Use at least 14, the bytes of a frame's header.");
    cfg->snap_bytes = (u32)MIN(snap, (u64)NET_CAPTURE_SNAP);
    return 0;
}

static void refuse(struct req *req, int rc)
{
    if (rc == -ENOENT)
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "network",
                                         .name = req->match.params[0],
                                         .detail = "There is no such network.",
                                         .hint = "GET /api/v1/networks lists them."});
    else if (rc == -EBUSY)
        api_error(req, &(struct problem){.slug = "busy",
                                         .detail = "Four captures are under way already.",
                                         .hint = "Wait until one of them ends.",
                                         .retry_after_s = 10});
    else
        api_error(req, &(struct problem){.slug = "no_memory",
                                         .detail = "There is no memory for the capture.",
                                         .hint = "Delete an image or a VM."});
}

void api_network_capture_get(struct req *req)
{
    struct net_capture_config cfg = {.wake = agent_wake};
    struct net_capture *capture;
    u64 ms;
    int rc = -ENOENT;

    req->audit = AUDIT_ALWAYS; /* it reads what others say to each other */
    if (take_limits(req, &cfg, &ms) || take_card(req, &cfg))
        return;
    if (str_copy(cfg.network, sizeof(cfg.network), req->match.params[0]))
        rc = net_capture_start(&cfg, &capture);
    if (rc) {
        refuse(req, rc);
        return;
    }
    (void)str_copy(req->state.name, sizeof(req->state.name), cfg.network);
    ksnprintf(req->state.fields, sizeof(req->state.fields), "%s%s%s", cfg.vm, cfg.nic[0] ? "/" : "",
              cfg.nic);
    req->state.object = capture;
    req->state.offset = cfg.snap_bytes;
    req->state.end = time_ns() + ms * NS_PER_MS;
    req->state.flag = false;
    reply_stream(req, 200, "application/vnd.tcpdump.pcap", HTTP_LENGTH_NONE, &capture_source);
}
