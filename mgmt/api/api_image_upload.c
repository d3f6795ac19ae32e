/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images uploaded as a stream, in one request or, with Upload-Complete, in several.
 *
 * PUT without that header is all or nothing. With it (?1: the body is the rest of the image; ?0:
 * more will come) what has arrived stays when the connection breaks: HEAD says how far it is in
 * Upload-Offset, and PATCH with that same offset goes on. These are the headers of the IETF's draft
 * "Resumable Uploads for HTTP", with the image's own path in place of a resource of the upload.
 */
#include "core/kern/timer.h"
#include "core/lib/base64.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/sha256.h"
#include "core/lib/string.h"
#include "mgmt/api/api_events.h"
#include "mgmt/api/api_image.h"
#include "mgmt/http/server.h"
#include "mgmt/api/uploads.h"

static struct upload_table table;

/* "sha-256=:BASE64:" (RFC 9530) among other digests. Return: 1; 0: there is none; -EINVAL after
 * answering. */
static int take_digest(struct req *req, u8 sha256[SHA256_BYTES])
{
    const char *header = http_header(req->http, "repr-digest");
    const char *at = header ? strstr(header, "sha-256=:") : NULL;

    if (!at)
        return 0;
    at += strlen("sha-256=:");
    if (base64_read(sha256, SHA256_BYTES, &at) == SHA256_BYTES && (*at == '=' || *at == ':'))
        return 1;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = header,
                       .detail = "This is no SHA-256 as Repr-Digest has it.",
                       .hint = "Write sha-256=:BASE64: with 44 digits of base64.",
                   });
    return -EINVAL;
}

/* What Upload-Complete says. Return: 1 yes, 0 no, -ENOENT: it is not there; -EINVAL after
 * answering. */
static int take_complete(struct req *req)
{
    const char *text = http_header(req->http, "upload-complete");

    if (!text)
        return -ENOENT;
    if (strcmp(text, "?1") == 0 || strcmp(text, "?0") == 0)
        return text[1] == '1';
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = text,
                       .detail = "Upload-Complete has no such value.",
                       .hint = "Use ?1 if the body goes to the image's end, ?0 if more will come.",
                   });
    return -EINVAL;
}

/* -- a request's body
 * ----------------------------------------------------------------------------------------------
 */

/* state.object: the image. state.step: the place of its upload in the table and one more; 0: it
 * cannot be resumed. state.flag: the body goes to the image's end. */
static struct upload *upload_of(const struct req *req)
{
    return req->state.step ? &table.uploads[req->state.step - 1] : NULL;
}

/* Takes it off the table, if it is there. */
static struct image *detach(struct req *req)
{
    struct upload *upload = upload_of(req);

    req->state.step = 0;
    return upload ? upload_remove(upload) : req->state.object;
}

static void body_write(struct req *req, const u8 *data, size_t len)
{
    u64 length = req->http->content_length;
    struct problem problem;
    int rc = image_append(req->state.object, data, len);

    if (rc == 0)
        return;
    api_image_explain(req->state.object, rc, length == HTTP_LENGTH_NONE ? 0 : length, &problem);
    api_error(req, &problem);
}

/* A qcow2 file may leave work behind its last byte. */
static bool body_settle(struct req *req)
{
    int rc = req->state.flag ? image_settle(req->state.object) : 0;
    struct problem problem;

    if (rc && rc != -EAGAIN) {
        api_image_explain(req->state.object, rc, 0, &problem);
        api_error(req, &problem);
    }
    return rc == -EAGAIN;
}

/* A broken connection leaves what can be resumed; an error that was answered leaves nothing. */
static void body_abort(struct req *req)
{
    if (req->state.step && req->reply.status == 0)
        upload_rest(upload_of(req), time_ns());
    else
        image_abort(detach(req));
}

/* The digest that the image is to have: this request's, or that of its first one. Return: 1, 0,
 * -EINVAL. */
static int expected_digest(struct req *req, u8 sha256[SHA256_BYTES])
{
    const struct upload *upload = upload_of(req);
    int rc = take_digest(req, sha256);

    if (rc != 0 || !upload || !upload->has_digest)
        return rc;
    memcpy(sha256, upload->sha256, SHA256_BYTES);
    return 1;
}

static void answer_part(struct req *req, const struct image *img)
{
    upload_rest(upload_of(req), time_ns());
    api_image_progress_headers(req, img);
    if (req->http->verb == VERB_PATCH)
        reply_empty(req, 204);
    else
        api_image_write(reply_json(req, 202), img);
}

/* What the client has said about its size is no promise kept by the connection: it is checked. */
static bool size_is_right(struct req *req, const struct image *img)
{
    const struct upload *upload = upload_of(req);

    if (!upload || !upload->total_bytes || upload->total_bytes == api_image_received(img))
        return true;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .detail = "The image is not as long as its upload's first request said.",
                       .hint = "Upload it anew.",
                   });
    return false;
}

static void body_end(struct req *req)
{
    struct image *img = req->state.object;
    u8 expected[SHA256_BYTES], sha256[SHA256_BYTES];
    struct problem problem;
    int has_digest, rc;

    if (!req->state.flag) {
        answer_part(req, img);
        return;
    }
    has_digest = size_is_right(req, img) ? expected_digest(req, expected) : -EINVAL;
    (void)detach(req);
    image_digest(img, sha256);
    if (has_digest == 1 && memcmp(sha256, expected, sizeof(sha256)) != 0) {
        has_digest = -EINVAL;
        api_error(req, &(struct problem){
                           .slug = "digest",
                           .got = http_header(req->http, "repr-digest"),
                           .detail = "The image received is not the one Repr-Digest describes.",
                           .hint = "Upload it again; Repr-Digest is sha-256=:BASE64:.",
                       });
    }
    rc = has_digest < 0 ? has_digest : image_commit(img);
    if (rc && has_digest >= 0) {
        api_image_explain(img, rc, 0, &problem);
        api_error(req, &problem);
    }
    if (rc) {
        image_abort(img);
        return;
    }
    reply_header(req, "Location", API_BASE "/images/%s", req->match.params[0]);
    if (req->http->verb == VERB_PATCH)
        api_image_progress_headers(req, img);
    api_image_write(reply_json(req, 201), img);
}

static const struct body_sink sink = {
    .write = body_write,
    .settle = body_settle,
    .end = body_end,
    .abort = body_abort,
};

/* -- PUT
 * -------------------------------------------------------------------------------------------------------
 */

/* Return: false after answering 400. */
static bool take_kind(struct req *req, enum image_kind *kind)
{
    const char *text = query_get(req, "kind");

    *kind = IMAGE_GUESSED;
    if (!text || api_image_kind(text, kind))
        return true;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = text,
                       .allowed = "raw, qcow2, iso, kernel, initrd",
                       .detail = "There is no such kind of image.",
                       .hint = "Use one of the kinds in \"allowed\".",
                   });
    return false;
}

/* Makes one that can be resumed. Return: 0; -EINVAL, -EBUSY after answering. */
static int keep(struct req *req, struct image *img, u64 total_bytes)
{
    struct upload *upload;
    struct image *dropped;
    u8 sha256[SHA256_BYTES];
    int has_digest = take_digest(req, sha256);

    if (has_digest < 0)
        return has_digest;
    upload = upload_add(&table, img, req->match.params[0], &dropped);
    if (dropped)
        image_abort(dropped);
    if (!upload) {
        api_error(req, &(struct problem){
                           .slug = "busy",
                           .detail = "As many resumable uploads are under way as there can be.",
                           .hint = "Try again later, or leave Upload-Complete out.",
                           .retry_after_s = 10,
                       });
        return -EBUSY;
    }
    upload->total_bytes = total_bytes;
    upload->has_digest = has_digest == 1;
    if (upload->has_digest)
        memcpy(upload->sha256, sha256, sizeof(sha256));
    req->state.step = (u32)(upload - table.uploads) + 1;
    return 0;
}

void api_image_put(struct req *req)
{
    u64 length = req->http->content_length == HTTP_LENGTH_NONE ? 0 : req->http->content_length;
    struct upload *old = upload_find(&table, req->match.params[0]);
    int complete = take_complete(req);
    struct problem problem;
    enum image_kind kind;
    struct image *img;

    if (complete == -EINVAL || !take_kind(req, &kind))
        return;
    if (old && !old->is_busy)
        image_abort(upload_remove(old)); /* the client begins anew */
    if (api_image_begin(req->match.params[0], kind, query_get(req, "pool"), length, &img,
                        &problem)) {
        api_error(req, &problem);
        return;
    }
    if (complete != -ENOENT && keep(req, img, complete ? length : 0)) {
        image_abort(img);
        return;
    }
    req->state.flag = complete != 0;
    req->state.object = img;
    req->sink = &sink;
}

/* -- PATCH
 * -------------------------------------------------------------------------------------------------------
 */

/* Return: false after answering 400. */
static bool take_offset(struct req *req, u64 *offset)
{
    const char *text = http_header(req->http, "upload-offset");
    char *end;

    if (text && *text >= '0' && *text <= '9') {
        *offset = strtoul(text, &end, 10);
        if (*end == '\0')
            return true;
    }
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .got = text,
                       .detail = "To go on with an upload, Upload-Offset must say where.",
                       .hint = "HEAD of the image says how far it is.",
                   });
    return false;
}

/* No upload of that name can be resumed. */
static void answer_none(struct req *req)
{
    const struct image *img = image_find(req->match.params[0]);

    if (!img) {
        api_image_no_such(req);
        return;
    }
    api_image_progress_headers(req, img);
    api_error(req, &(struct problem){
                       .slug = "state",
                       .state = "ready",
                       .detail = "The image is complete; there is no upload to go on with.",
                       .hint = "Upload it anew to replace it.",
                   });
}

static void answer_offset(struct req *req, const struct image *img)
{
    char detail[80];

    ksnprintf(detail, sizeof(detail), "The upload is at byte %llu.",
              (unsigned long long)api_image_received(img));
    api_image_progress_headers(req, img);
    api_error(req,
              &(struct problem){
                  .slug = "offset",
                  .detail = detail,
                  .hint = "Send Upload-Offset as this answer has it, and the bytes from there.",
              });
}

/* Who goes on takes over from a connection that the host has not seen die. */
void api_image_patch(struct req *req)
{
    struct upload *upload = upload_find(&table, req->match.params[0]);
    int complete = take_complete(req);
    u64 offset;

    if (complete == -EINVAL || !take_offset(req, &offset))
        return;
    if (upload && upload->is_busy) {
        server_end_streams(upload->image);
        upload = upload_find(&table, req->match.params[0]); /* gone if it had just failed */
    }
    if (!upload) {
        answer_none(req);
        return;
    }
    if (offset != api_image_received(upload->image)) {
        answer_offset(req, upload->image);
        return;
    }
    upload->is_busy = true;
    req->state.object = upload->image;
    req->state.step = (u32)(upload - table.uploads) + 1;
    req->state.flag = complete != 0;
    req->sink = &sink;
}

/* -- their end
 * -------------------------------------------------------------------------------------------------------
 */

int api_image_upload_drop(struct req *req, const char *name)
{
    struct image *img = api_image_uploading(name);
    struct upload *upload;

    if (!img)
        return 0;
    server_end_streams(img);
    upload = upload_find(&table, name);
    if (upload)
        image_abort(upload_remove(upload));
    if (!api_image_uploading(name))
        return 1;
    api_error(req, &(struct problem){
                       .slug = "in_use",
                       .detail = "The host itself is bringing this image.",
                       .hint = "Cancel the task that pulls it: GET /api/v1/tasks lists it.",
                   });
    return -EBUSY;
}

void api_image_uploads_poll(u64 now_ns)
{
    struct upload *upload;

    while ((upload = upload_overdue(&table, now_ns)) != NULL) {
        api_events_image(upload->name, false);
        image_abort(upload_remove(upload));
    }
}
