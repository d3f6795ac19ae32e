/* SPDX-License-Identifier: BSD-2-Clause */
/* Images: listed, uploaded as a stream, read back, deleted. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/image.h"
#include "core/vmm/image_pool.h"
#include "mgmt/api.h"
#include "mgmt/base64.h"
#include "mgmt/api_list.h"
#include "mgmt/server.h"
#include "mm/pmm.h"

#define IMAGE_TEXT_MAX 512u
#define LIMIT_DEFAULT  100u

static const char *const kind_names[] = {
    [IMAGE_RAW] = "raw",       [IMAGE_QCOW2] = "qcow2",   [IMAGE_ISO] = "iso",
    [IMAGE_KERNEL] = "kernel", [IMAGE_INITRD] = "initrd",
};

static void write_image(struct json_writer *w, const struct image *img)
{
    struct image_info info;
    char hex[65];

    image_get_info(img, &info);
    for (u32 i = 0; i < sizeof(info.sha256); i++)
        ksnprintf(hex + 2 * i, 3, "%02x", info.sha256[i]);
    json_object_begin(w);
    json_put_string(w, "name", info.name);
    json_put_string(w, "kind", kind_names[info.kind]);
    json_put_u64(w, "size_bytes", info.size_bytes);
    json_put_u64(w, "virtual_size_bytes", info.virtual_size_bytes);
    json_put_string(w, "sha256", hex);
    json_put_string(w, "pool", info.pool ? info.pool : POOL_RAM);
    json_put_bool(w, "persistent", info.pool != NULL);
    json_put_string(w, "state", info.is_ready ? "ready" : "uploading");
    json_counters_follow(w);
    json_put_u64(w, "users", info.users);
    json_object_end(w);
}

static bool next_image(struct req *req, struct json_writer *w)
{
    char *name = req->state.name;
    struct image *img = image_next(NULL);
    struct image_info info;

    for (; img; img = image_next(img)) {
        image_get_info(img, &info);
        if (strcmp(info.name, name) > 0)
            break;
    }
    if (!img)
        return false;
    (void)str_copy(name, sizeof(req->state.name), info.name);
    write_image(w, img);
    return true;
}

void api_images_get(struct req *req)
{
    static const struct api_list images = {next_image, IMAGE_TEXT_MAX, LIMIT_DEFAULT};

    reply_list(req, &images);
}

static struct image *find_image(struct req *req)
{
    struct image *img = image_find(req->match.params[0]);

    if (!img)
        api_error(req, &(struct problem){
                           .slug = "no_such",
                           .kind = "image",
                           .name = req->match.params[0],
                           .detail = "There is no image of that name.",
                           .hint = "GET /api/v1/images lists the images there are.",
                       });
    return img;
}

void api_image_get(struct req *req)
{
    const struct image *img = find_image(req);

    if (img)
        write_image(reply_json(req, 200), img);
}

void api_image_delete(struct req *req)
{
    struct image *img = find_image(req);

    if (!img)
        return;
    server_end_streams(img); /* who only reads it does not keep it */
    if (image_delete(req->match.params[0])) {
        api_error(req, &(struct problem){
                           .slug = "in_use",
                           .detail = "A running VM was started from this image.",
                           .hint = "Power the VM off first.",
                       });
        return;
    }
    reply_empty(req, 204);
}

static void no_memory(struct req *req)
{
    u64 wanted = req->http->content_length;
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    api_error(req, &(struct problem){
                       .slug = "no_memory",
                       .detail = "The image does not fit into the host's memory.",
                       .need_bytes = wanted == HTTP_LENGTH_NONE ? 0 : wanted,
                       .free_bytes = pmm_available(&stats),
                       .hint = "Stop a VM or delete an image.",
                   });
}

/* It is no good; a pool could not take it; or the host's memory. */
static void answer_write_error(struct req *req, const struct image *img, int rc)
{
    if (image_refusal(img))
        api_error(req, &(struct problem){.slug = "semantic",
                                         .detail = image_refusal(img),
                                         .hint = "qemu-img convert -O qcow2 writes a whole file of "
                                                 "its own; kind=raw keeps any file as it is."});
    else if (!image_rest_of(img) || rc == -ENOMEM)
        no_memory(req);
    else if (rc == -ENOSPC || rc == -E2BIG)
        api_error(req, &(struct problem){.slug = "no_space",
                                         .detail = "The image does not fit into its pool.",
                                         .hint = "Delete a volume or an image in it."});
    else
        api_error(req, &(struct problem){.slug = "state",
                                         .detail = "The pool could not take the image.",
                                         .hint = "GET /api/v1/pools says how it is."});
}

static void upload_write(struct req *req, const u8 *data, size_t len)
{
    int rc = image_append(req->state.object, data, len);

    if (rc)
        answer_write_error(req, req->state.object, rc);
}

static bool upload_settle(struct req *req)
{
    int rc = image_settle(req->state.object);

    if (rc && rc != -EAGAIN)
        answer_write_error(req, req->state.object, rc);
    return rc == -EAGAIN;
}

static void upload_abort(struct req *req)
{
    image_abort(req->state.object);
}

/* "sha-256=:BASE64:" (RFC 9530) among other digests. Return: 1 equal or absent, 0 not, -1
 * malformed. */
static int digest_matches(const char *header, const u8 sha256[32])
{
    const char *at = header ? strstr(header, "sha-256=:") : NULL;
    u32 bits = 0, value = 0, bytes = 0;

    if (!at)
        return 1;
    for (at += strlen("sha-256=:"); *at && *at != ':' && *at != '='; at++) {
        int digit = base64_digit(*at);

        if (digit < 0 || bytes > 32)
            return -1;
        value = (value << 6 | (u32)digit) & 0xffff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (bytes == 32 || sha256[bytes++] != (u8)(value >> bits))
            return 0;
    }
    return bytes == 32 ? 1 : 0;
}

static void upload_end(struct req *req)
{
    struct image *img = req->state.object;
    u8 sha256[32];
    int match, rc;

    image_digest(img, sha256);
    match = digest_matches(http_header(req->http, "repr-digest"), sha256);
    rc = match == 1 ? image_commit(img) : 0;
    if (rc) {
        answer_write_error(req, img, rc);
        image_abort(img);
        return;
    }
    if (match == 1) {
        reply_header(req, "Location", API_BASE "/images/%s", req->match.params[0]);
        write_image(reply_json(req, 201), img);
        return;
    }
    image_abort(img);
    api_error(req, &(struct problem){
                       .slug = match ? "bad_value" : "digest",
                       .got = http_header(req->http, "repr-digest"),
                       .detail = "The image received is not the one Repr-Digest describes.",
                       .hint = "Upload it again; Repr-Digest is sha-256=:BASE64:.",
                   });
}

static const struct body_sink upload_sink = {
    .write = upload_write,
    .settle = upload_settle,
    .end = upload_end,
    .abort = upload_abort,
};

/* Return: false after answering 400. */
static bool take_kind(struct req *req, enum image_kind *kind)
{
    const char *text = query_get(req, "kind");

    *kind = IMAGE_GUESSED;
    if (!text)
        return true;
    for (u32 i = 0; i < ARRAY_SIZE(kind_names); i++) {
        if (strcmp(kind_names[i], text) == 0) {
            *kind = (enum image_kind)i;
            return true;
        }
    }
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = text,
                       .allowed = "raw, qcow2, iso, kernel, initrd",
                       .detail = "There is no such kind of image.",
                       .hint = "Use one of the kinds in \"allowed\".",
                   });
    return false;
}

static void answer_begin_error(struct req *req, int rc)
{
    struct problem problem = {
        .slug = "bad_value",
        .got = req->match.params[0],
        .detail = "This cannot be the name of an image.",
        .hint = "Use 1 to 63 letters, digits and -_.+~, beginning with a letter or digit.",
    };

    if (rc == -ENOMEM) {
        no_memory(req);
        return;
    }
    if (rc == -ENOSPC) {
        problem = (struct problem){.slug = "no_space",
                                   .detail = "There are as many images as possible.",
                                   .hint = "Delete an image."};
    } else if (rc == -EBUSY) {
        problem = (struct problem){.slug = "in_use",
                                   .detail = "An image of that name is being uploaded.",
                                   .hint = "Wait until that upload is done."};
    }
    api_error(req, &problem);
}

/* Where it goes: the pool that is named, or the first that works; without one the host's memory.
 * Return: false after answering. */
static bool take_place(struct req *req, u64 length, struct image_rest **rest)
{
    const char *name = query_get(req, "pool");
    struct vmm_pool *pool = name ? pools_find(name) : pools_default();
    struct vmm_error err;
    int rc;

    *rest = NULL;
    if (name ? strcmp(name, POOL_RAM) == 0 : !pool)
        return true;
    if (!pool) {
        api_error(req, &(struct problem){.slug = "bad_value",
                                         .got = name,
                                         .detail = "There is no pool of that name.",
                                         .hint = "GET /api/v1/pools lists them."});
        return false;
    }
    rc = image_pool_begin(pool, length, rest);
    if (rc == 0)
        return true;
    (void)pools_explain(rc, pool, &err);
    api_plain_error(req, &err);
    return false;
}

void api_image_put(struct req *req)
{
    u64 length = req->http->content_length == HTTP_LENGTH_NONE ? 0 : req->http->content_length;
    struct image_rest *rest;
    struct image *img;
    enum image_kind kind;
    int rc;

    if (!take_kind(req, &kind) || !take_place(req, length, &rest))
        return;
    rc = image_begin(req->match.params[0], kind, length, rest, &img);
    if (rc) {
        if (rest)
            rest->ops->end(rest, false);
        answer_begin_error(req, rc);
        return;
    }
    req->state.object = img;
    req->sink = &upload_sink;
}

/* state.object: the image, held; .offset, .end: what is left to send. */
static enum produce data_produce(struct req *req, struct json_writer *w)
{
    struct req_state *state = &req->state;
    size_t bytes = (size_t)MIN(state->end - state->offset, (u64)(w->size - w->len));

    bytes = image_read(state->object, state->offset, w->buf + w->len, bytes);
    w->len += bytes;
    state->offset += bytes;
    return state->offset == state->end || bytes == 0 ? PRODUCE_DONE : PRODUCE_MORE;
}

static void data_release(struct req *req)
{
    image_release(req->state.object);
}

static const struct body_source data_source = {.produce = data_produce, .release = data_release};

void api_image_data_get(struct req *req)
{
    struct image *img = find_image(req);

    if (!img || api_reply_range(req, image_bytes(img), &data_source))
        return;
    image_hold(img);
    req->state.object = img;
}
