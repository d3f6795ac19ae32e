/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads /images of socle.dtb for the loader; pure, so that it is tested on the host. */
#include "boot/boot_files.h"

#include <libfdt.h>

#include "boot/boot_info.h"
#include "core/lib/dtb.h"
#include "core/lib/string.h"

/* A part of a path between slashes: not empty, not "." or "..". */
static bool part_is_valid(const char *part, size_t length)
{
    return length > 0 && !(length == 1 && part[0] == '.') &&
           !(length == 2 && part[0] == '.' && part[1] == '.');
}

bool boot_file_path_is_valid(const char *path)
{
    size_t length = strnlen(path, BOOT_FILE_PATH_MAX + 1);
    size_t part = 0;

    if (length == 0 || length > BOOT_FILE_PATH_MAX)
        return false;
    for (size_t i = 0; i <= length; i++) {
        char c = path[i];

        if (c == '/' || c == '\0') {
            if (!part_is_valid(path + part, i - part))
                return false;
            part = i + 1;
        } else if (c <= ' ' || c > '~' || c == '\\' || c == ':') {
            return false;
        }
    }
    return true;
}

u32 boot_files_list(const void *dtb, size_t bytes, struct boot_file *files, u32 max, u32 *left_out)
{
    u32 count = 0;
    int images, node;

    *left_out = 0;
    if (!dtb_is_socle(dtb, bytes))
        return 0;
    images = dtb_find(dtb, "/images");
    if (images < 0)
        return 0;
    fdt_for_each_subnode(node, dtb, images)
    {
        int length = 0;
        const char *name = fdt_get_name(dtb, node, &length);
        const char *path = dtb_string(dtb, node, "file");

        if (!name || length <= 0 || length > BOOT_MODULE_NAME_MAX || count == max) {
            (*left_out)++;
            continue;
        }
        files[count++] = (struct boot_file){
            .name = name, .path = path && boot_file_path_is_valid(path) ? path : NULL};
    }
    return count;
}
