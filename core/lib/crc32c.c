/* SPDX-License-Identifier: BSD-2-Clause */
/* Slicing by eight: row n tells what a byte does to the sum when n more bytes follow it. */
#include "core/lib/crc32c.h"

#include "core/lib/string.h"

#define POLYNOMIAL 0x82f63b78u /* bits reversed */

void crc32c_init(struct crc32c_tables *tables)
{
    for (u32 i = 0; i < 256; i++) {
        u32 crc = i;

        for (u32 bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
        tables->row[0][i] = crc;
    }
    for (u32 n = 1; n < 8; n++)
        for (u32 i = 0; i < 256; i++) {
            u32 before = tables->row[n - 1][i];

            tables->row[n][i] = (before >> 8) ^ tables->row[0][before & 0xff];
        }
}

u32 crc32c(const struct crc32c_tables *tables, u32 crc, const void *data, size_t bytes)
{
    const u8 *at = data;

    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        u32 low, high;

        memcpy(&low, at, 4);
        memcpy(&high, at + 4, 4);
        low ^= crc;
        crc = tables->row[7][low & 0xff] ^ tables->row[6][(low >> 8) & 0xff] ^
              tables->row[5][(low >> 16) & 0xff] ^ tables->row[4][low >> 24] ^
              tables->row[3][high & 0xff] ^ tables->row[2][(high >> 8) & 0xff] ^
              tables->row[1][(high >> 16) & 0xff] ^ tables->row[0][high >> 24];
    }
    for (; bytes; bytes--, at++)
        crc = (crc >> 8) ^ tables->row[0][(crc ^ *at) & 0xff];
    return ~crc;
}
