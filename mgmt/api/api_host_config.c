/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's settings as a socle.dtb for its stick. */
#include "core/lib/string.h"
#include "mgmt/agent.h"
#include "mgmt/api/api.h"
#include "mgmt/config/config_now.h"
#include "mgmt/api/etag.h"
#include "mgmt/net/host_network.h"
#include "mm/kheap.h"

#define MEDIA_TYPE "application/dtb"
#define ROOM       (64u * KiB) /* for what is written besides what the host was booted with */

static enum produce config_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    size_t bytes = (size_t)MIN(state->end - state->offset, (u64)(w->size - w->len));

    memcpy(w->buf + w->len, (const u8 *)state->object + state->offset, bytes);
    w->len += bytes;
    state->offset += bytes;
    return state->offset == state->end ? PRODUCE_DONE : PRODUCE_MORE;
}

static void config_release(struct req *req)
{
    kfree(req->state.object);
}

/* Return: false after answering 406. */
static bool accepts_dtb(struct req *req)
{
    const char *accept = http_header(req->http, "accept");

    if (!accept || strstr(accept, MEDIA_TYPE) || strstr(accept, "*/*") ||
        strstr(accept, "application/*"))
        return true;
    api_error(req, &(struct problem){
                       .slug = "accept",
                       .got = accept,
                       .allowed = MEDIA_TYPE,
                       .detail = "The host's settings come as a device tree only.",
                       .hint = "Ask with Accept: " MEDIA_TYPE ".",
                   });
    return false;
}

void api_host_config_get(struct req *req)
{
    static const struct body_source source = {.produce = config_produce, .release = config_release};
    size_t from_bytes;
    const void *from = agent_dtb(&from_bytes);
    size_t size = from_bytes + ROOM;
    size_t bytes = 0;
    void *buf;

    if (!accepts_dtb(req))
        return;
    buf = kmalloc(size);
    if (buf)
        bytes = config_now(buf, size, from, host_network_in_force());
    if (!bytes) {
        kfree(buf);
        api_error(req, &(struct problem){.slug = "no_memory",
                                         .detail = "There is no room to write the settings.",
                                         .hint = "Delete an image or a VM."});
        return;
    }
    req->state.object = buf;
    req->state.offset = 0;
    req->state.end = bytes;
    req->reply.etag = etag_digest(buf, bytes);
    reply_stream(req, 200, MEDIA_TYPE, req->state.end, &source);
}
