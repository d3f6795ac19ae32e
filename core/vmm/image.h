/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images kept in RAM: kernels, initrds, uploaded piece by piece and referenced by VM definitions.
 *
 * Context of all functions: management task.
 */
#ifndef SOCLE_VMM_IMAGE_H
#define SOCLE_VMM_IMAGE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/pmm.h"

#define IMAGES_MAX     64
#define IMAGE_NAME_MAX 63

/* Host memory that neither images nor guests may use up: tables, stacks, connections need some to
 * go on. */
#define VMM_RESERVE_BYTES PMM_RESERVE_BYTES

enum image_kind { IMAGE_RAW, IMAGE_QCOW2, IMAGE_ISO, IMAGE_KERNEL, IMAGE_INITRD };

struct image; /* opaque */

struct image_info {
    char name[IMAGE_NAME_MAX + 1];
    enum image_kind kind;
    u64 size_bytes;
    u8 sha256[32];
    bool is_ready; /* complete; else still uploading */
    u32 users;     /* running VMs that hold it */
    u64 created_ns;
};

/*
 * Begins an upload. The image becomes visible (or replaces the ready one of that name) at
 * image_commit; a second upload of the same name meanwhile is refused. size_hint: expected bytes,
 * or 0. Return: 0, -ENOMEM (size_hint exceeds free memory), -ENOSPC (IMAGES_MAX), -EBUSY, -EINVAL
 * (name).
 */
int image_begin(const char *name, enum image_kind kind, u64 size_hint,
                struct image **out) must_check;
int image_append(struct image *img, const void *data, size_t bytes) must_check; /* 0, -ENOMEM */
/* SHA-256 over all bytes; finishes the hash: call once, before commit. */
void image_digest(struct image *img, u8 sha256[32]);

/*
 * Begins an image whose bytes are there already, in whole pages that the page allocator counts as
 * image memory (lent ranges of the boot map); nothing is copied. The image owns the pages from the
 * call on: on failure they go back to the pool. image_hash before image_digest. Return: 0, -ENOMEM,
 * -ENOSPC, -EBUSY, -EINVAL (name).
 */
int image_consume(const char *name, enum image_kind kind, hpa_t pages, u64 bytes,
                  struct image **out) must_check;

/* Hashes the next bytes of it, at most `bytes`. Return: true if there are more. */
bool image_hash(struct image *img, u64 bytes) must_check;

void image_commit(struct image *img); /* replaced says nothing: VMs that hold the old one keep it */
void image_abort(struct image *img);

struct image *image_find(const char *name); /* ready images only; NULL if none */
void image_get_info(const struct image *img, struct image_info *out);
struct image *image_next(
    const struct image *after); /* NULL: the first; in name order; ready ones */

/* Copies out. Return: bytes copied, less at the end. */
size_t image_read(const struct image *img, u64 offset, void *dst, size_t bytes);

/* The bytes from `offset` (< size) where they lie, and how many follow in one piece. */
const void *image_span(const struct image *img, u64 offset, size_t *bytes);
u64 image_bytes(const struct image *img);

/* Holds it against deletion and keeps its bytes while something uses it. */
void image_hold(struct image *img);
void image_release(struct image *img);

int image_delete(const char *name) must_check; /* 0, -ENOENT, -EBUSY (held) */

#endif
