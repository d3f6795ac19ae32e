/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks on device trees, on libfdt. */
#include "core/lib/dtb.h"

#include <libfdt.h>

#include "core/lib/string.h"

/* libfdt checks everything but the alignment of two of the blocks, which it then relies on. */
bool dtb_is_sound(const void *dtb, size_t bytes)
{
    return bytes >= sizeof(struct fdt_header) && fdt_off_dt_struct(dtb) % sizeof(fdt32_t) == 0 &&
           fdt_off_mem_rsvmap(dtb) % sizeof(fdt64_t) == 0 && fdt_check_full(dtb, bytes) == 0;
}

bool dtb_is_socle(const void *dtb, size_t bytes)
{
    return dtb_is_sound(dtb, bytes) && fdt_node_check_compatible(dtb, 0, DTB_COMPATIBLE) == 0;
}

int dtb_find(const void *dtb, const char *path)
{
    return fdt_path_offset(dtb, path);
}

const char *dtb_string(const void *dtb, int node, const char *name)
{
    int len = 0;
    const char *text = fdt_getprop(dtb, node, name, &len);

    if (!text || len <= 0 || strnlen(text, (size_t)len) != (size_t)len - 1)
        return NULL;
    return text;
}
