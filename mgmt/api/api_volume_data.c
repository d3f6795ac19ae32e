/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of volumes, written and read as streams. Those of a pool pass through a buffer, and the
 * agent waits for the disk as long as one buffer takes.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/vmm/volumes.h"
#include "drivers/block/volume_pool.h"
#include "drivers/block/volume_ram.h"
#include "mgmt/api/api.h"
#include "mm/kheap.h"
#include "mm/pmm.h"

#define BUFFER_BYTES (256 * KiB)

static void in_use(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "in_use",
                       .detail = "A running VM, an NBD export or another request uses it.",
                       .hint = "Power the VM off, or end the export, first; attached_to and nbd "
                               "of the volume name them."});
}

/* The volume, opened. Return: NULL after answering. */
static struct volume *open_data(struct req *req, bool for_writing)
{
    struct volume *volume = api_find_volume(req);
    int rc;

    if (!volume)
        return NULL;
    if (!volume_is_ram(volume) && !volume_pool_of(volume)) {
        api_error(req, &(struct problem){
                           .slug = "semantic",
                           .detail = "The data of a volume on a disk or a server cannot be moved "
                                     "this way.",
                           .hint = "Read and write it in a VM."});
        return NULL;
    }
    rc = volume_open(volume, for_writing);
    if (rc == -EPERM)
        api_error(req, &(struct problem){.slug = "state",
                                         .detail = "This volume can only be read.",
                                         .hint = "Make one without read_only."});
    else if (rc)
        in_use(req);
    return rc == 0 ? volume : NULL;
}

/* What is being written: the volume, open, and what is on its way. */
struct upload {
    struct volume *volume;
    u8 *buffer; /* NULL: a volume in RAM needs none */
    size_t len;
    u64 offset; /* of the buffer's, or the next byte */
};

/* The whole request's bytes, as far as the client has said how many. */
static u64 request_bytes(const struct req *req)
{
    return req->http->content_length == HTTP_LENGTH_NONE ? 0 : req->http->content_length;
}

static void answer_full(struct req *req, const struct volume *volume)
{
    struct volume_spec spec;
    struct vmm_error err;

    volumes_get_spec(volume, &spec);
    (void)pools_explain(-ENOSPC, pools_find(spec.pool), &err);
    err.need_bytes = MAX(err.need_bytes, request_bytes(req));
    api_plain_error(req, &err);
}

static void answer_write_error(struct req *req, const struct volume *volume, int rc)
{
    bool is_ram = volume_is_ram(volume);
    struct pmm_stats memory;

    pmm_get_stats(&memory);
    if (rc == -EINVAL)
        api_error(req, &(struct problem){.slug = "too_big",
                                         .detail = "The data do not fit into the volume.",
                                         .hint = "Make it larger first.",
                                         .limit_bytes = volume_bytes(volume)});
    else if (rc == -ENOSPC && !is_ram)
        answer_full(req, volume);
    else if (rc == -ENOSPC || rc == -ENOMEM)
        api_error(req, &(struct problem){.slug = "no_memory",
                                         .detail = "The data do not fit into the host's memory.",
                                         .hint = "Stop a VM or delete an image.",
                                         .need_bytes = request_bytes(req),
                                         .free_bytes = pmm_available(&memory)});
    else
        api_error(req, &(struct problem){.slug = "state",
                                         .detail = "The disk of the volume's pool failed.",
                                         .hint = "GET /api/v1/pools says how it is."});
}

static int write_buffer(struct upload *up)
{
    int rc = volume_write(up->volume, up->offset, up->buffer, up->len);

    up->offset += up->len;
    up->len = 0;
    return rc;
}

static int take_bytes(struct upload *up, const u8 *data, size_t len)
{
    int rc = 0;

    if (!up->buffer) {
        rc = volume_ram_write(up->volume, up->offset, data, len);
        up->offset += len;
        return rc;
    }
    while (len > 0 && rc == 0) {
        size_t piece = MIN(len, BUFFER_BYTES - up->len);

        memcpy(up->buffer + up->len, data, piece);
        up->len += piece;
        data += piece;
        len -= piece;
        if (up->len == BUFFER_BYTES)
            rc = write_buffer(up);
    }
    return rc;
}

static void upload_write(struct req *req, const u8 *data, size_t len)
{
    struct upload *up = req->state.object;
    int rc = take_bytes(up, data, len);

    if (rc)
        answer_write_error(req, up->volume, rc);
}

static void upload_free(struct req *req)
{
    struct upload *up = req->state.object;

    volume_close(up->volume, true);
    kfree(up->buffer);
    kfree(up);
}

/* Durable when it is answered. */
static void upload_end(struct req *req)
{
    struct upload *up = req->state.object;
    int rc = up->buffer ? write_buffer(up) : 0;

    if (rc == 0 && up->buffer)
        rc = volume_flush(up->volume);
    if (rc)
        answer_write_error(req, up->volume, rc);
    else
        reply_empty(req, 204);
    upload_free(req);
}

static struct upload *upload_begin(struct volume *volume)
{
    struct upload *up = kzalloc(sizeof(*up));

    if (!up)
        return NULL;
    up->volume = volume;
    if (!volume_pool_of(volume))
        return up;
    up->buffer = kmalloc(BUFFER_BYTES);
    if (up->buffer)
        return up;
    kfree(up);
    return NULL;
}

/* "bytes FIRST-LAST/SIZE", where the size may be a star, of as many bytes as come. Return: false:
 * it is nothing of that kind. Spec: RFC 9110 14.4 "Content-Range". */
static bool parse_range(const char *text, u64 length, u64 *first)
{
    char *end;
    u64 last;

    if (strncmp(text, "bytes ", 6) != 0 || text[6] < '0' || text[6] > '9')
        return false;
    *first = strtoul(text + 6, &end, 10);
    if (*end != '-' || end[1] < '0' || end[1] > '9')
        return false;
    last = strtoul(end + 1, &end, 10);
    return *end == '/' && last >= *first &&
           (length == HTTP_LENGTH_NONE || last - *first == length - 1);
}

/* Where the first byte goes. Spec: RFC 9110 14.5 "Partial PUT". Return: false after answering. */
static bool take_start(struct req *req, const struct volume *volume, u64 *start)
{
    const char *text = http_header(req->http, "content-range");
    u64 length = req->http->content_length;

    *start = 0;
    if (!text)
        return true;
    if (!parse_range(text, length, start)) {
        api_error(req, &(struct problem){
                           .slug = "bad_value",
                           .got = text,
                           .detail = "Content-Range does not fit the body.",
                           .hint = "Write bytes FIRST-LAST/*, of as many bytes as are sent."});
        return false;
    }
    if (*start < volume_bytes(volume))
        return true;
    answer_write_error(req, volume, -EINVAL);
    return false;
}

/* One with Content-Range that was cut off can simply be sent again. */
void api_volume_data_put(struct req *req)
{
    static const struct body_sink sink = {
        .write = upload_write, .end = upload_end, .abort = upload_free};
    struct volume *volume = open_data(req, true);
    struct upload *upload;
    u64 start;

    if (!volume)
        return;
    if (!take_start(req, volume, &start)) {
        volume_close(volume, true);
        return;
    }
    upload = upload_begin(volume);
    if (!upload) {
        volume_close(volume, true);
        answer_write_error(req, volume, -ENOMEM);
        return;
    }
    upload->offset = start;
    req->state.object = upload;
    req->sink = &sink;
}

/* state.object: the volume, open; .offset, .end: what is left to send. A volume of a pool whose
 * disk fails ends the stream. */
static enum produce data_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    size_t bytes = (size_t)MIN(state->end - state->offset, (u64)(w->size - w->len));
    int rc = volume_is_ram(state->object)
                 ? volume_ram_read(state->object, state->offset, w->buf + w->len, bytes)
                 : volume_read(state->object, state->offset, w->buf + w->len, bytes);

    if (rc)
        return PRODUCE_DONE;
    w->len += bytes;
    state->offset += bytes;
    return state->offset == state->end ? PRODUCE_DONE : PRODUCE_MORE;
}

static void data_release(struct req *req)
{
    volume_close(req->state.object, false);
}

void api_volume_data_get(struct req *req)
{
    static const struct body_source source = {.produce = data_produce, .release = data_release};
    struct volume *volume = open_data(req, false);

    if (!volume)
        return;
    if (api_reply_range(req, volume_bytes(volume), &source))
        volume_close(volume, false);
    else
        req->state.object = volume;
}
