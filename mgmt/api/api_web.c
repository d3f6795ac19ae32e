/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web page: files that the image carries, compressed, and sends as they are.
 *
 * Whoever comes may have them: they hold no secrets and do nothing that a token would not be asked
 * for. There is nothing here that could unpack them for a client without gzip. Styles may stand in
 * the page itself, for xterm.js makes some; scripts may not, and nothing may come from elsewhere.
 */
#include "core/lib/string.h"
#include "mgmt/api/api.h"

struct web_asset {
    const char *name;
    const char *content_type;
    const char *etag;
    const unsigned char *data; /* gzip */
    u32 bytes;
};

#include "web_assets.h"

#define PAGE "index.html"
#define POLICY                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "       \
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " \
    "frame-ancestors 'none'"

static const struct web_asset *find(const char *name)
{
    for (u32 i = 0; i < ARRAY_SIZE(web_assets); i++) {
        if (strcmp(web_assets[i].name, name) == 0)
            return &web_assets[i];
    }
    return NULL;
}

/* state.object: the file; .offset: what is sent of it. */
static enum produce web_produce(struct req *req, struct json_writer *w)
{
    const struct web_asset *asset = req->state.object;
    size_t left = asset->bytes - req->state.offset;
    size_t bytes = MIN(left, w->size - w->len);

    memcpy(w->buf + w->len, asset->data + req->state.offset, bytes);
    w->len += bytes;
    req->state.offset += bytes;
    return bytes == left ? PRODUCE_DONE : PRODUCE_MORE;
}

static void answer(struct req *req, const struct web_asset *asset)
{
    static const struct body_source source = {.produce = web_produce};
    const char *if_none = http_header(req->http, "if-none-match");

    req->reply.cache = "no-cache"; /* kept, but asked for each time */
    reply_header(req, "ETag", "%s", asset->etag);
    reply_header(req, "Content-Security-Policy", POLICY);
    reply_header(req, "Referrer-Policy", "no-referrer");
    if (if_none && strstr(if_none, asset->etag)) {
        reply_empty(req, 304);
        return;
    }
    reply_header(req, "Content-Encoding", "gzip");
    req->state.object = (void *)(uintptr_t)asset; /* it is only read */
    reply_stream(req, 200, asset->content_type, asset->bytes, &source);
}

void api_web_get(struct req *req)
{
    const char *name = req->match.param_count ? req->match.params[0] : PAGE;
    const struct web_asset *asset = find(name);

    if (asset)
        answer(req, asset);
    else
        api_error(req, &(struct problem){
                           .slug = "no_such",
                           .kind = "file",
                           .name = name,
                           .detail = "The web page has no such file.",
                           .hint = "The page is at /, the API at /api/v1/.",
                       });
}
