/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes in RAM: empty, or over an image, of which they keep what is written. */
#include "core/lib/errno.h"
#include "core/vmm/image.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes_impl.h"
#include "drivers/block/volume_ram.h"

static const void *base_span(const void *cookie, u64 offset, size_t *bytes)
{
    return image_span(cookie, offset, bytes);
}

static void base_release(void *cookie)
{
    image_unload(cookie);
    image_release(cookie);
}

/* size_bytes: 0: the image's, in whole blocks. */
static int over_image(const char *name, struct image *img, u64 size_bytes, bool is_read_only,
                      struct volume **out)
{
    struct volume_base base = {base_span, base_release, img, image_bytes(img)};
    int rc;

    if (base.bytes == 0)
        return -EINVAL;
    if (size_bytes == 0)
        size_bytes = ALIGN_UP(base.bytes, VOLUME_RAM_BLOCK);
    image_hold(img);
    rc = image_load(img);
    if (rc) {
        image_release(img);
        return rc;
    }
    rc = volume_ram_create(name, size_bytes, &base, is_read_only, out);
    if (rc)
        base_release(img);
    return rc;
}

int volumes_of_image(const char *image, struct volume **out)
{
    struct image *img = image_find(image);

    return img ? over_image("", img, 0, true, out) : -ENOENT;
}

int volumes_make_in_ram(const struct volume_spec *spec, struct volume **out, struct vmm_error *err)
{
    struct image *img = spec->image[0] ? image_find(spec->image) : NULL;
    int rc;

    if (spec->volume[0] || spec->snapshot[0]) {
        vmm_error_set(err, "semantic", "/from",
                      "Make the volume, and what it is made of, in a pool.",
                      "A volume in RAM cannot be made of another volume.");
        return -EINVAL;
    }
    if (spec->image[0] && !img) {
        vmm_error_set(err, "semantic", "/from/image", "Upload it with PUT /api/v1/images/{name}.",
                      "There is no image \"%s\".", spec->image);
        return -EINVAL;
    }
    if (img)
        rc = over_image(spec->name, img, spec->size_bytes, spec->is_read_only, out);
    else
        rc = volume_ram_create(spec->name, spec->size_bytes, NULL, spec->is_read_only, out);
    if (rc == -ENOMEM)
        return vmm_error_no_memory(err);
    if (rc && rc != -EINVAL)
        vmm_error_set(err, "state", "/from/image", "GET /api/v1/pools says how its pool is.",
                      "Image \"%s\" cannot be read.", spec->image);
    else if (rc)
        vmm_error_set(err, "bad_value", "/size_bytes",
                      "Use a multiple of 512 up to 1099511627776, not less than the image has.",
                      "A volume in RAM cannot have %llu bytes.",
                      (unsigned long long)spec->size_bytes);
    return rc;
}
