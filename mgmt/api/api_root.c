/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry points: links, the OpenAPI document, health. */
#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "mgmt/agent.h"
#include "mgmt/auth/auth.h"
#include "mgmt/api/etag.h"

/* The document as it lies in the tree; tests/unit/test_router.c compares it with the routes. */
__asm__(".section .rodata\n"
        ".globl openapi_begin\n"
        "openapi_begin:\n"
        ".incbin \"mgmt/openapi.json\"\n"
        ".globl openapi_end\n"
        "openapi_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char openapi_begin[];
extern const char openapi_end[];

void api_root_get(struct req *req)
{
    static const char *const links[][2] = {
        {"openapi", API_BASE "/openapi.json"},
        {"health", API_BASE "/health"},
        {"claim", API_BASE "/claim"},
        {"tokens", API_BASE "/tokens"},
        {"host", API_BASE "/host"},
        {"log", API_BASE "/host/log"},
        {"vms", API_BASE "/vms"},
        {"images", API_BASE "/images"},
        {"events", API_BASE "/events"},
        {"pools", API_BASE "/pools"},
        {"volumes", API_BASE "/volumes"},
        {"metrics", API_BASE "/metrics"},
    };
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_put_string(w, "name", agent_hostname());
    json_key(w, "api_versions");
    json_array_begin(w);
    json_string(w, "v1");
    json_array_end(w);
    json_put_bool(w, "claimed", auth_is_claimed());
    json_key(w, "links");
    json_object_begin(w);
    for (u32 i = 0; i < ARRAY_SIZE(links); i++)
        json_put_string(w, links[i][0], links[i][1]);
    json_object_end(w);
    json_object_end(w);
}

static enum produce openapi_produce(struct req *req, struct json_writer *w)
{
    size_t left = (size_t)(openapi_end - openapi_begin) - req->state.offset;
    size_t bytes = MIN(left, w->size - w->len);

    memcpy(w->buf + w->len, openapi_begin + req->state.offset, bytes);
    w->len += bytes;
    req->state.offset += bytes;
    return bytes == left ? PRODUCE_DONE : PRODUCE_MORE;
}

void api_openapi_get(struct req *req)
{
    static const struct body_source source = {.produce = openapi_produce};
    u64 bytes = (u64)(openapi_end - openapi_begin);

    req->reply.etag = etag_digest(openapi_begin, (size_t)bytes);
    reply_stream(req, 200, "application/json", bytes, &source);
}

void api_health_get(struct req *req)
{
    const char *why = vmm_unavailable_reason();
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_put_string(w, "state", why ? "degraded" : "ok");
    if (why)
        json_put_string(w, "reason", why);
    json_put_u64(w, "since_uptime_ns", agent_ready_ns());
    json_put_u64(w, "uptime_ns", time_ns());
    json_object_end(w);
}
