/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files socle.dtb asks the loader to bring along. */
#ifndef SOCLE_BOOT_BOOT_FILES_H
#define SOCLE_BOOT_BOOT_FILES_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define BOOT_FILE_PATH_MAX 127

struct boot_file {
    const char *name; /* of the node under /images: the image's name */
    const char *path; /* where it lies, beside socle.dtb; NULL: the node names no usable path */
};

/*
 * Lists the children of /images in their order. The blob may be damaged or hostile: it is checked
 * first. The texts lie in it. Return: files, at most `max`; *left_out: children beyond that, or
 * with a name no image can have.
 */
u32 boot_files_list(const void *dtb, size_t bytes, struct boot_file *files, u32 max,
                    u32 *left_out) must_check;

/*
 * True for a path that stays in its folder or below and that every kind of server understands: 1
 * to 127 printable ASCII characters without '\', ':' and spaces, no leading '/', no part "." or
 * "..", none empty.
 */
bool boot_file_path_is_valid(const char *path) must_check;

#endif
