/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a new image goes, and what to say when it cannot. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/image_pool.h"
#include "mgmt/api/api_image.h"
#include "mm/pmm.h"

static void no_memory(u64 need_bytes, struct problem *problem)
{
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    *problem = (struct problem){
        .slug = "no_memory",
        .detail = "The image does not fit into the host's memory.",
        .need_bytes = need_bytes,
        .free_bytes = pmm_available(&stats),
        .hint = "Stop a VM or delete an image.",
    };
}

/* err: its texts are given back. */
static void no_room(const char *pool, int rc, u64 need_bytes, struct vmm_error *err,
                    struct problem *problem)
{
    (void)pools_explain(rc, pools_find(pool), err);
    *problem = (struct problem){
        .slug = err->slug,
        .pointer = err->pointer,
        .detail = err->text,
        .hint = err->hint,
        .need_bytes = err->need_bytes ? MAX(err->need_bytes, need_bytes) : 0,
        .free_bytes = err->free_bytes,
    };
}

void api_image_explain(const struct image *img, int rc, u64 need_bytes, struct problem *problem)
{
    static struct vmm_error err; /* its texts are given back */

    need_bytes = MAX(need_bytes, api_image_received(img));
    if (image_refusal(img))
        *problem = (struct problem){.slug = "semantic",
                                    .detail = image_refusal(img),
                                    .hint = "qemu-img convert -O qcow2 writes a whole file of its "
                                            "own; kind=raw keeps any file as it is."};
    else if (!image_rest_of(img) || rc == -ENOMEM)
        no_memory(need_bytes, problem);
    else if (rc == -ENOSPC || rc == -E2BIG)
        no_room(image_rest_of(img)->pool, rc, need_bytes, &err, problem);
    else
        *problem = (struct problem){.slug = "state",
                                    .detail = "The pool could not take the image.",
                                    .hint = "GET /api/v1/pools says how it is."};
}

static void explain_begin(const char *name, int rc, u64 need_bytes, struct problem *problem)
{
    if (rc == -ENOMEM)
        no_memory(need_bytes, problem);
    else if (rc == -ENOSPC)
        *problem = (struct problem){.slug = "no_space",
                                    .detail = "There are as many images as possible.",
                                    .hint = "Delete an image."};
    else if (rc == -EBUSY)
        *problem = (struct problem){.slug = "in_use",
                                    .detail = "An image of that name is being uploaded.",
                                    .hint = "Wait until that upload is done."};
    else
        *problem = (struct problem){
            .slug = "bad_value",
            .got = name,
            .detail = "This cannot be the name of an image.",
            .hint = "Use 1 to 63 letters, digits and -_.+~, beginning with a letter or digit.",
        };
}

/* Its place in the pool that is named, or the first that works; *rest NULL: the host's memory. */
static int take_place(const char *name, u64 length, struct image_rest **rest,
                      struct problem *problem)
{
    static struct vmm_error err; /* its texts are given back */
    struct vmm_pool *pool = name ? pools_find(name) : pools_default();
    int rc;

    *rest = NULL;
    if (name ? strcmp(name, POOL_RAM) == 0 : !pool)
        return 0;
    if (!pool) {
        *problem = (struct problem){.slug = "bad_value",
                                    .got = name,
                                    .detail = "There is no pool of that name.",
                                    .hint = "GET /api/v1/pools lists them."};
        return -EINVAL;
    }
    rc = image_pool_begin(pool, length, rest);
    if (rc)
        no_room(pools_name(pool), rc, length, &err, problem);
    return rc;
}

int api_image_begin(const char *name, enum image_kind kind, const char *pool, u64 length,
                    struct image **out, struct problem *problem)
{
    struct image_rest *rest;
    int rc = take_place(pool, length, &rest, problem);

    if (rc)
        return rc;
    rc = image_begin(name, kind, length, rest, out);
    if (rc && rest)
        rest->ops->end(rest, false);
    if (rc)
        explain_begin(name, rc, length, problem);
    return rc;
}
