/* SPDX-License-Identifier: BSD-2-Clause */
/* zlib's inflate, one stream in one call: it needs its state (7 KiB) for as long, and no window. */
#include "core/vmm/inflate.h"

#include <zlib.h>

#include "core/lib/errno.h"
#include "mm/kheap.h"

#define WINDOW_BITS (-12) /* negative: a raw stream */

static void *z_alloc(void *opaque unused, unsigned items, unsigned bytes)
{
    return kmalloc((size_t)items * bytes);
}

static void z_free(void *opaque unused, void *p)
{
    kfree(p);
}

int inflate_raw(const u8 *in, size_t in_bytes, u8 *out, size_t out_bytes, size_t *used)
{
    z_stream stream = {.zalloc = z_alloc, .zfree = z_free};
    int rc;

    stream.next_in = (u8 *)(uintptr_t)in; /* only read */
    stream.avail_in = (unsigned)in_bytes;
    stream.next_out = out;
    stream.avail_out = (unsigned)out_bytes;
    if (inflateInit2(&stream, WINDOW_BITS) != Z_OK)
        return -ENOMEM;
    rc = inflate(&stream, Z_FINISH);
    *used = in_bytes - stream.avail_in;
    (void)inflateEnd(&stream);
    if (stream.avail_out == 0)
        return 0;
    return rc == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
}
