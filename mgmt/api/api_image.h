/* SPDX-License-Identifier: BSD-2-Clause */
/* What the handlers of images have in common. Context of all: management task. */
#ifndef SOCLE_MGMT_API_IMAGE_H
#define SOCLE_MGMT_API_IMAGE_H

#include "core/vmm/image.h"
#include "mgmt/api/api.h"

/* The image as an object. */
void api_image_write(struct json_writer *w, const struct image *img);

/* Answers 404. */
void api_image_no_such(struct req *req);

/* Bytes of the file that have arrived; of a qcow2 file the image has others. */
u64 api_image_received(const struct image *img);

/* Upload-Offset and Upload-Complete: how far it is. */
void api_image_progress_headers(struct req *req, const struct image *img);

/* The kind of that name. Return: false: there is none. */
bool api_image_kind(const char *name, enum image_kind *kind) must_check;

/* The one of that name that is being uploaded, or NULL. */
struct image *api_image_uploading(const char *name);

/*
 * Begins one: in the pool that is named, or the first that works; without one, or in "ram", in the
 * host's memory. pool: NULL: none is named; length: expected bytes, or 0. Return: 0; an error, with
 * *problem: its texts are valid until the next call.
 */
int api_image_begin(const char *name, enum image_kind kind, const char *pool, u64 length,
                    struct image **out, struct problem *problem) must_check;

/* It could not take bytes, or be finished, with rc: what to say. need_bytes: 0: not known. */
void api_image_explain(const struct image *img, int rc, u64 need_bytes, struct problem *problem);

/* Ends the upload of that name, if there is one, by whatever it comes. Return: 1; 0: there is none;
 * -EBUSY after answering 409. */
int api_image_upload_drop(struct req *req, const char *name) must_check;

/* Gives up uploads that nobody goes on with. Called in every turn of the agent. */
void api_image_uploads_poll(u64 now_ns);

#endif
