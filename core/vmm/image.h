/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images: kernels, initrds, disks, uploaded piece by piece and referenced by VM definitions. They
 * are kept in RAM, or at rest in a pool (image_pool.h); there their bytes are in RAM only while
 * somebody has them loaded. Of a qcow2 file the bytes of its disk are kept: what is read, loaded
 * and shown to guests is a raw image.
 *
 * Context of all functions: management task.
 */
#ifndef SOCLE_VMM_IMAGE_H
#define SOCLE_VMM_IMAGE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/pmm.h"

#define IMAGES_MAX     256
#define IMAGE_NAME_MAX 63

/* Host memory that neither images nor guests may use up: tables, stacks, connections need some to
 * go on. */
#define VMM_RESERVE_BYTES PMM_RESERVE_BYTES

/* IMAGE_GUESSED, of an upload: a qcow2 file if its first bytes say so, else raw; then it is that.
 */
enum image_kind { IMAGE_RAW, IMAGE_QCOW2, IMAGE_ISO, IMAGE_KERNEL, IMAGE_INITRD, IMAGE_GUESSED };

struct image; /* opaque */

struct image_info;
struct volume;

/* Where an image at rest has its bytes; whoever keeps them embeds it. */
struct image_rest {
    const struct image_rest_ops *ops;
    const char *pool; /* its name */
};

struct image_rest_ops {
    int (*append)(struct image_rest *rest, const void *data, size_t bytes); /* 0, or an error */
    /* Instead of `append`: it will be a disk of so many bytes, of which write_disk brings some, in
     * order; the others are zeroes. *spool: for bytes that wait; it ends with `finish` or `end`.
     * Return: 0, or an error. */
    int (*begin_disk)(struct image_rest *rest, u64 bytes, struct volume **spool);
    int (*write_disk)(struct image_rest *rest, u64 offset, const void *data, size_t bytes);
    /* All bytes are there: makes them durable, and known as that image. Return: 0, or an error. */
    int (*finish)(struct image_rest *rest, const struct image_info *info);
    int (*read)(struct image_rest *rest, u64 offset, void *dst, size_t bytes);
    /* The image is gone: so are its bytes, unless they are to be kept. Frees *rest. */
    void (*end)(struct image_rest *rest, bool is_kept);
};

struct image_info {
    char name[IMAGE_NAME_MAX + 1];
    enum image_kind kind;
    u64 size_bytes;         /* of the file that was uploaded */
    u64 virtual_size_bytes; /* of the image: a qcow2 file's disk; else the same */
    u8 sha256[32];          /* of the file */
    bool is_ready;          /* complete; else still uploading */
    u32 users;              /* running VMs that hold it */
    u64 created_ns;
    const char *pool; /* NULL: in RAM */
};

bool image_name_is_valid(const char *name);

/*
 * Begins an upload. The image becomes visible (or replaces the ready one of that name) at
 * image_commit; a second upload of the same name meanwhile is refused. size_hint: expected bytes,
 * or 0; rest: where its bytes go, the image's if all is well; NULL: RAM. Return: 0, -ENOMEM
 * (size_hint exceeds free memory), -ENOSPC (IMAGES_MAX), -EBUSY, -EINVAL (name).
 */
int image_begin(const char *name, enum image_kind kind, u64 size_hint, struct image_rest *rest,
                struct image **out) must_check;
/* Return: 0; -EINVAL (a qcow2 file that image_refusal tells of), -ENOMEM, or an error of where it
 * is at rest. After an error it is to be aborted. */
int image_append(struct image *img, const void *data, size_t bytes) must_check;
/*
 * Behind the last byte: a piece of the work that is left, some milliseconds of it. Who has no time
 * for the whole of it in one go, which may take minutes, calls this before image_commit, which does
 * what is left. Return: 0: none is; -EAGAIN: more; others as image_append.
 */
int image_settle(struct image *img) must_check;
/* Why an upload's bytes are no image: a sentence, or NULL. */
const char *image_refusal(const struct image *img);
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

/* Replaced says nothing: VMs that hold the old one keep it. Return: 0; an error as of image_append:
 * it is to be aborted then. */
int image_commit(struct image *img) must_check;
void image_abort(struct image *img);

/* An image that is at rest already. Return: 0 and it is ready; -EEXIST, -ENOSPC, -ENOMEM, -EINVAL:
 * *rest is still the caller's. */
int image_adopt(const struct image_info *info, struct image_rest *rest) must_check;
/* It is no longer there, but its bytes are. Nobody holds it. */
void image_let_go(struct image *img);
/* Where it is at rest; NULL: in RAM. */
struct image_rest *image_rest_of(const struct image *img);

struct image *image_find(const char *name); /* ready images only; NULL if none */
void image_get_info(const struct image *img, struct image_info *out);
struct image *image_next(
    const struct image *after); /* NULL: the first; in name order; ready ones */

/* The same for those that are being uploaded, in no order. */
struct image *image_next_upload(const struct image *after);

/* Copies out. Return: bytes copied, less at the end, or where they cannot be read. */
size_t image_read(const struct image *img, u64 offset, void *dst, size_t bytes);

/*
 * Has the bytes in RAM until image_unload(), which as many calls as there were of this one have to
 * be; for an image kept in RAM nothing to do. Who does so holds the image. Return: 0; -ENOMEM,
 * -EIO.
 */
int image_load(struct image *img) must_check;
void image_unload(struct image *img);

/* The bytes from `offset` (< size) of one in RAM, or loaded, where they lie, and how many follow in
 * one piece. */
const void *image_span(const struct image *img, u64 offset, size_t *bytes);
u64 image_bytes(const struct image *img); /* virtual_size_bytes */

/* Holds it against deletion and keeps its bytes while something uses it. */
void image_hold(struct image *img);
void image_release(struct image *img);

int image_delete(const char *name) must_check; /* 0, -ENOENT, -EBUSY (held) */

#endif
