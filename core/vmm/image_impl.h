/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of an image share: image.c, image_chunks.c with its bytes in RAM, and
 * image_convert.c. */
#ifndef SOCLE_VMM_IMAGE_IMPL_H
#define SOCLE_VMM_IMAGE_IMPL_H

#include "core/lib/list.h"
#include "core/lib/sha256.h"
#include "core/vmm/image.h"
#include "core/vmm/image_convert.h"
#include "core/vmm/qcow2_format.h"

struct chunk {
    u8 *bytes;
    u64 offset; /* of its first byte in the image */
    u32 order;
};

struct image {
    struct list link; /* in the registry, sorted by name; alone while uploading and when unnamed */
    char name[IMAGE_NAME_MAX + 1];
    enum image_kind kind;
    bool is_ready;
    bool is_named;
    u32 users;
    u64 bytes;
    u64 file_bytes; /* as uploaded */
    u64 capacity;   /* to the end of the last chunk */
    u64 hashed;     /* the first so many bytes of the file */
    u64 created_ns;
    struct sha256 hash;
    u8 sha256[32];
    struct chunk *chunks;
    u32 chunk_count;
    u32 chunk_capacity;
    struct image_rest *rest; /* or NULL: chunks are all there is */
    u32 loads;               /* who needs chunks of one at rest */
    u8 head[QCOW2_MAGIC_BYTES];
    u32 head_bytes;                /* in it, as long as its kind is to be guessed */
    struct image_convert *convert; /* of an upload; or NULL: its bytes are kept as they are */
};

/* Room in the chunk table for one more. Return: 0, -ENOMEM. */
int image_table_grow(struct image *img) must_check;
/* The table has room for it. */
void image_chunk_attach(struct image *img, hpa_t block, unsigned order);
/* Adds a chunk about as large as the image is already, or the largest there is below that. */
int image_chunk_add(struct image *img) must_check;
/* Bytes of a disk, where none before them are written later: what is in no chunk is zeroes. Return:
 * 0, -ENOMEM. */
int image_chunks_write(struct image *img, u64 offset, const void *src, size_t bytes) must_check;
/* Reads all of one at rest. Return: 0, -ENOMEM, or an error of where it is. */
int image_chunks_fill(struct image *img) must_check;
void image_chunks_free(struct image *img);

#endif
