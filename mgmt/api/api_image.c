/* SPDX-License-Identifier: BSD-2-Clause */
/* Images: listed, read back, deleted. */
#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"
#include "core/vmm/image.h"
#include "core/vmm/image_pool.h"
#include "mgmt/api/api_image.h"
#include "mgmt/api/api_list.h"
#include "mgmt/http/server.h"

#define IMAGE_TEXT_MAX 512u
#define LIMIT_DEFAULT  100u

/* IMAGE_GUESSED has none yet. */
static const char *const kind_names[] = {
    [IMAGE_RAW] = "raw",       [IMAGE_QCOW2] = "qcow2",   [IMAGE_ISO] = "iso",
    [IMAGE_KERNEL] = "kernel", [IMAGE_INITRD] = "initrd",
};

void api_image_write(struct json_writer *w, const struct image *img)
{
    struct image_info info;
    char hex[65];

    image_get_info(img, &info);
    hex_write(hex, info.sha256, sizeof(info.sha256));
    json_object_begin(w);
    json_put_string(w, "name", info.name);
    if (info.kind < ARRAY_SIZE(kind_names))
        json_put_string(w, "kind", kind_names[info.kind]);
    json_put_u64(w, "size_bytes", info.size_bytes);
    json_put_u64(w, "virtual_size_bytes", info.virtual_size_bytes);
    if (info.is_ready)
        json_put_string(w, "sha256", hex);
    json_put_string(w, "pool", info.pool ? info.pool : POOL_RAM);
    json_put_bool(w, "persistent", info.pool != NULL);
    json_put_string(w, "state", info.is_ready ? "ready" : "uploading");
    json_counters_follow(w);
    json_put_u64(w, "users", info.users);
    json_object_end(w);
}

bool api_image_kind(const char *name, enum image_kind *kind)
{
    for (u32 i = 0; i < ARRAY_SIZE(kind_names); i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *kind = (enum image_kind)i;
            return true;
        }
    }
    return false;
}

struct image *api_image_uploading(const char *name)
{
    struct image_info info;
    struct image *img = NULL;

    while ((img = image_next_upload(img)) != NULL) {
        image_get_info(img, &info);
        if (strcmp(info.name, name) == 0)
            break;
    }
    return img;
}

/* The first of a larger name, ready or being uploaded. One of which there are both counts once, as
 * the one that is ready. */
static struct image *listed_after(const char *name)
{
    char first[IMAGE_NAME_MAX + 1] = "";
    struct image *found = NULL, *img = NULL;
    struct image_info info;

    while (!found && (img = image_next(img)) != NULL) {
        image_get_info(img, &info);
        if (strcmp(info.name, name) > 0) {
            found = img;
            (void)str_copy(first, sizeof(first), info.name);
        }
    }
    for (img = NULL; (img = image_next_upload(img)) != NULL;) {
        image_get_info(img, &info);
        if (strcmp(info.name, name) <= 0 || (found && strcmp(info.name, first) >= 0))
            continue;
        found = img;
        (void)str_copy(first, sizeof(first), info.name);
    }
    return found;
}

static bool next_image(struct req *req, struct json_writer *w)
{
    struct image *img = listed_after(req->state.name);
    struct image_info info;

    if (!img)
        return false;
    image_get_info(img, &info);
    (void)str_copy(req->state.name, sizeof(req->state.name), info.name);
    api_image_write(w, img);
    return true;
}

void api_images_get(struct req *req)
{
    static const struct api_list images = {next_image, IMAGE_TEXT_MAX, LIMIT_DEFAULT, false};

    reply_list(req, &images);
}

void api_image_no_such(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "no_such",
                       .kind = "image",
                       .name = req->match.params[0],
                       .detail = "There is no image of that name.",
                       .hint = "GET /api/v1/images lists the images there are.",
                   });
}

static struct image *find_image(struct req *req)
{
    struct image *img = image_find(req->match.params[0]);

    if (!img)
        api_image_no_such(req);
    return img;
}

u64 api_image_received(const struct image *img)
{
    struct image_info info;

    image_get_info(img, &info);
    return info.size_bytes;
}

void api_image_progress_headers(struct req *req, const struct image *img)
{
    struct image_info info;

    image_get_info(img, &info);
    reply_header(req, "Upload-Offset", "%llu", (unsigned long long)info.size_bytes);
    reply_header(req, "Upload-Complete", info.is_ready ? "?1" : "?0");
}

/* HEAD of one that is being uploaded says how far it is, also while an older one is still there. */
void api_image_get(struct req *req)
{
    const char *name = req->match.params[0];
    const struct image *ready = image_find(name), *uploading = api_image_uploading(name);
    const struct image *img = ready;

    if (!ready || (uploading && req->http->verb == VERB_HEAD))
        img = uploading;
    if (!img) {
        api_image_no_such(req);
        return;
    }
    api_image_progress_headers(req, img);
    api_image_write(reply_json(req, 200), img);
}

void api_image_delete(struct req *req)
{
    const char *name = req->match.params[0];
    struct image *img = image_find(name);
    int dropped = api_image_upload_drop(req, name);

    if (dropped < 0)
        return;
    if (!img) {
        if (dropped)
            reply_empty(req, 204);
        else
            api_image_no_such(req);
        return;
    }
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
