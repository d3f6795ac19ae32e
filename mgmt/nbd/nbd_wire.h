/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NBD on the wire, for both ends: numbers are big-endian. Private to nbd*.c.
 *
 * Spec: NBD protocol, "Values".
 */
#ifndef SOCLE_MGMT_NBD_WIRE_H
#define SOCLE_MGMT_NBD_WIRE_H

#include "core/lib/types.h"

#define NBD_MAGIC_GREETING 0x4e42444d41474943ull /* NBDMAGIC */
#define NBD_MAGIC_OPTION   0x49484156454f5054ull /* IHAVEOPT */
#define NBD_MAGIC_REPLY    0x0003e889045565a9ull
#define NBD_MAGIC_REQUEST  0x25609513u
#define NBD_MAGIC_SIMPLE   0x67446698u
#define NBD_MAGIC_CHUNK    0x668e33efu

#define NBD_FLAG_FIXED_NEWSTYLE 0x1u /* both the server's and the client's */
#define NBD_FLAG_NO_ZEROES      0x2u

#define NBD_REQUEST_BYTES      28u
#define NBD_OPTION_HEAD_BYTES  16u
#define NBD_OPTION_REPLY_BYTES 20u
#define NBD_CHUNK_HEAD_BYTES   20u

enum nbd_option {
    NBD_OPT_EXPORT_NAME = 1,
    NBD_OPT_ABORT = 2,
    NBD_OPT_LIST = 3,
    NBD_OPT_STARTTLS = 5,
    NBD_OPT_INFO = 6,
    NBD_OPT_GO = 7,
    NBD_OPT_STRUCTURED_REPLY = 8,
};

#define NBD_REP_ACK            0x00000001u
#define NBD_REP_INFO           0x00000003u
#define NBD_REP_ERROR          0x80000000u /* all errors have it */
#define NBD_REP_ERR_UNSUP      0x80000001u
#define NBD_REP_ERR_POLICY     0x80000002u
#define NBD_REP_ERR_INVALID    0x80000003u
#define NBD_REP_ERR_TLS_REQD   0x80000005u
#define NBD_REP_ERR_UNKNOWN    0x80000006u
#define NBD_REP_ERR_SHUTDOWN   0x80000007u
#define NBD_REP_ERR_BLOCK_SIZE 0x80000008u
#define NBD_REP_ERR_TOO_BIG    0x80000009u

#define NBD_INFO_EXPORT     0u
#define NBD_INFO_BLOCK_SIZE 3u

#define NBD_FLAG_HAS_FLAGS         0x001u
#define NBD_FLAG_READ_ONLY         0x002u
#define NBD_FLAG_SEND_FLUSH        0x004u
#define NBD_FLAG_SEND_FUA          0x008u
#define NBD_FLAG_SEND_TRIM         0x020u
#define NBD_FLAG_SEND_WRITE_ZEROES 0x040u
#define NBD_FLAG_SEND_DF           0x080u
#define NBD_FLAG_CAN_MULTI_CONN    0x100u

#define NBD_CHUNK_DONE        0x1u /* the flag of the last one */
#define NBD_CHUNK_NONE        0u
#define NBD_CHUNK_OFFSET_DATA 1u
#define NBD_CHUNK_OFFSET_HOLE 2u
#define NBD_CHUNK_ERROR       0x8001u
#define NBD_CHUNK_IS_ERROR    0x8000u /* all errors have it */

static inline u64 nbd_get(const u8 *from, u32 bytes)
{
    u64 value = 0;

    for (u32 i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

/* Return: the place behind it. */
static inline u8 *nbd_put(u8 *to, u64 value, u32 bytes)
{
    for (u32 i = bytes; i > 0; i--)
        *to++ = (u8)(value >> (8 * (i - 1)));
    return to;
}

#endif
