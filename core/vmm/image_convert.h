/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An upload that is not kept as it comes: a qcow2 file, of which its disk's bytes are kept. Private
 * to image.c. Context: management task.
 */
#ifndef SOCLE_VMM_IMAGE_CONVERT_H
#define SOCLE_VMM_IMAGE_CONVERT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct image;
struct image_convert;

/* Return: 0, -ENOMEM. */
int image_convert_begin(struct image *img, struct image_convert **out) must_check;

/* Return: 0; -EINVAL (image_convert_error), or as image_append. */
int image_convert_append(struct image_convert *convert, const void *data, size_t bytes) must_check;

/* Behind the last byte, again and again. Return: 0: the image has all its bytes; -EAGAIN: not yet;
 * others as image_convert_append. */
int image_convert_finish(struct image_convert *convert) must_check;

/* What is wrong with the file, or NULL. */
const char *image_convert_error(const struct image_convert *convert);

/* Gives back what only the conversion needed; NULL is allowed. Before the image itself ends. */
void image_convert_end(struct image_convert *convert);

#endif
