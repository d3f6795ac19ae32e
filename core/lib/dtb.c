/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks on device trees, on libfdt. */
#include "core/lib/dtb.h"

#include <libfdt.h>

#include "core/lib/hex.h"
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

bool dtb_number(const void *dtb, int node, const char *name, u64 *value)
{
    int len = 0;
    const u8 *bytes = fdt_getprop(dtb, node, name, &len);

    if (!bytes || (len != sizeof(u32) && len != sizeof(u64)))
        return false;
    *value = 0;
    for (int i = 0; i < len; i++)
        *value = *value << 8 | bytes[i];
    return true;
}

bool dtb_sha256(const void *dtb, int node, const char *name, u8 digest[32])
{
    const char *text = dtb_string(dtb, node, name);

    return text && hex_read_all(digest, 32, text);
}

bool dtb_has(const void *dtb, int node, const char *name)
{
    return fdt_getprop(dtb, node, name, NULL) != NULL;
}

void dtb_tell(const struct dtb_report *report, const char *node, const char *name, const char *what)
{
    report->fn(report->cookie, node, name, what);
}

void dtb_tell_unknown(const void *dtb, int node, const char *path,
                      bool (*is_known)(const char *name, bool is_node),
                      const struct dtb_report *report)
{
    const char *name = NULL;
    int at;

    fdt_for_each_property_offset(at, dtb, node)
    {
        if (fdt_getprop_by_offset(dtb, at, &name, NULL) && strcmp(name, "phandle") != 0 &&
            !is_known(name, false))
            dtb_tell(report, path, name, "there is no such property; it is ignored");
    }
    fdt_for_each_subnode(at, dtb, node)
    {
        name = fdt_get_name(dtb, at, NULL);
        if (name && !is_known(name, true))
            dtb_tell(report, path, name, "there is no such node; it is ignored");
    }
}
