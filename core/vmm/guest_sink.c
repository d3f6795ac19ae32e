/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies between images, the hypervisor and guest memory, for the loaders. */
#include "core/vmm/guest_sink.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/vmm_error.h"

static bool is_inside(const struct guest_blob *blob, u64 offset, u64 bytes)
{
    return offset <= blob->bytes && bytes <= blob->bytes - offset;
}

int blob_read(const struct guest_blob *blob, u64 offset, void *dst, size_t bytes)
{
    u8 *to = dst;

    if (!is_inside(blob, offset, bytes))
        return -EINVAL;
    while (bytes > 0) {
        size_t chunk;
        const void *from = blob->span(blob->cookie, offset, &chunk);

        chunk = MIN(chunk, bytes);
        memcpy(to, from, chunk);
        to += chunk;
        offset += chunk;
        bytes -= chunk;
    }
    return 0;
}

int blob_load(const struct guest_blob *blob, u64 offset, u64 bytes, const struct guest_sink *sink,
              u64 guest)
{
    if (!is_inside(blob, offset, bytes))
        return -EINVAL;
    while (bytes > 0) {
        size_t chunk;
        const void *from = blob->span(blob->cookie, offset, &chunk);
        int rc;

        chunk = MIN(chunk, bytes);
        rc = sink->write(sink->cookie, guest, from, chunk);
        if (rc)
            return rc;
        guest += chunk;
        offset += chunk;
        bytes -= chunk;
    }
    return 0;
}

int initrd_load(const struct guest_boot *boot, u64 floor, u64 limit, u64 *at, struct vmm_error *err)
{
    u64 bytes = boot->initrd->bytes;

    *at = 0;
    if (bytes == 0)
        return 0;
    if (floor < limit && bytes <= limit - floor) {
        *at = ALIGN_DOWN(limit - bytes, PAGE_SIZE);
        if (*at >= floor && blob_load(boot->initrd, 0, bytes, boot->sink, *at) == 0)
            return 0;
    }
    vmm_error_set(err, "semantic", "/memory/size_bytes", "Give the VM more memory.",
                  "The initrd of %llu bytes does not fit beside the kernel.",
                  (unsigned long long)bytes);
    return -EINVAL;
}
