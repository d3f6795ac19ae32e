/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32C (Castagnoli), as in iSCSI: for data of any amount, eight bytes at a time by tables. */
#ifndef SOCLE_LIB_CRC32C_H
#define SOCLE_LIB_CRC32C_H

#include "core/lib/types.h"

struct crc32c_tables {
    u32 row[8][256];
};

void crc32c_init(struct crc32c_tables *tables);

/* Of the bytes; `crc` is 0, or the result for the bytes before them. */
u32 crc32c(const struct crc32c_tables *tables, u32 crc, const void *data, size_t bytes);

#endif
