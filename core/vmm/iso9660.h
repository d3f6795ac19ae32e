/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small ISO 9660 images, pure: one folder of a few files, with Rock Ridge for their real names.
 * Spec: ECMA-119; IEEE P1281 "System Use Sharing Protocol"; IEEE P1282 "Rock Ridge Interchange
 * Protocol".
 */
#ifndef SOCLE_VMM_ISO9660_H
#define SOCLE_VMM_ISO9660_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define ISO9660_SECTOR    2048u
#define ISO9660_FILES_MAX 8u
#define ISO9660_NAME_MAX  31u

struct iso9660_file {
    const char *name;  /* as systems show it; at most ISO9660_NAME_MAX bytes */
    const char *plain; /* as ISO 9660 alone allows it: "NAME.EXT;1" of A-Z, 0-9, '_' */
    const void *data;
    u32 bytes;
};

/* Bytes of the image: whole sectors. */
u64 iso9660_bytes(const struct iso9660_file *files, u32 count);

/*
 * Writes the image into iso9660_bytes() of memory. files: at most ISO9660_FILES_MAX, sorted by
 * their plain names; label: the volume's, at most 32 bytes. The same input gives the same bytes.
 */
void iso9660_write(const char *label, const struct iso9660_file *files, u32 count, u8 *out);

#endif
