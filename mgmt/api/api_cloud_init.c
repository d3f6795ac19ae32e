/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What cloud-init is to find in a VM. Three texts of 64 KiB are more than the body of other
 * requests may have, so it comes as a stream, one such request at a time.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"
#include "mgmt/api/api_vm.h"
#include "mgmt/api/cloud_init_json.h"
#include "mm/kheap.h"

/* Three texts in which every second character is escaped, and some room. */
#define BODY_MAX (2u * CLOUD_INIT_PARTS * CLOUD_INIT_TEXT_MAX + 32u * 1024u)

_Static_assert(BODY_MAX <= JSON_TEXT_MAX, "it can be parsed");

/* The body of the request that is being received; memory only as long as there is one. */
static struct {
    u8 *bytes; /* NULL: none is */
    size_t len;
    size_t room;
} body;

static void too_big(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "too_big",
                       .detail = "The body of this request is too large.",
                       .limit_bytes = BODY_MAX,
                       .hint = "Each text may have 65536 bytes.",
                   });
}

static void body_write(struct req *req, const u8 *data, size_t len)
{
    if (len > body.room - body.len) {
        too_big(req);
        return;
    }
    memcpy(body.bytes + body.len, data, len);
    body.len += len;
}

static void body_free(struct req *req unused)
{
    kfree(body.bytes);
    body.bytes = NULL;
}

/* The body is the whole of it: what it does not name is gone. Return: 0; -EINVAL after answering.
 */
static int read_body(struct req *req, const struct cloud_init **cloud)
{
    const struct json_doc *doc;
    struct vm_json_error err;

    req->body = body.bytes;
    req->body_len = body.len;
    doc = api_json_body(req);
    if (!doc)
        return -EINVAL;
    if (cloud_init_json_read(doc, json_root(doc), cloud, &err) == 0)
        return 0;
    reply_vm_json_error(req, &err);
    return -EINVAL;
}

static void body_end(struct req *req)
{
    const struct cloud_init *cloud = NULL;
    u32 id;

    if (api_find_vm(req, &id) == 0 && read_body(req, &cloud) == 0) {
        reply_vm_cloud_init(req, id, cloud);
        cloud_init_release(cloud);
    }
    body_free(req);
}

void api_vm_cloud_init_put(struct req *req)
{
    static const struct body_sink sink = {.write = body_write, .end = body_end, .abort = body_free};
    u64 length = req->http->content_length;
    u32 id;

    if (api_find_vm(req, &id))
        return;
    if (length != HTTP_LENGTH_NONE && length > BODY_MAX) {
        too_big(req);
        return;
    }
    if (!body.bytes) {
        body.len = 0;
        body.room = length == HTTP_LENGTH_NONE ? BODY_MAX : (size_t)length;
        body.bytes = kmalloc(body.room + 1);
        if (body.bytes) {
            req->sink = &sink;
            return;
        }
    }
    api_error(req, &(struct problem){
                       .slug = "busy",
                       .detail = "Another such request is being received, or memory is short.",
                       .retry_after_s = 1,
                       .hint = "Try again in a second.",
                   });
}
