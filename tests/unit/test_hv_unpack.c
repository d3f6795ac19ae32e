/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: boot/hv_unpack.c build/deps/lz4/lib/lz4.c build/deps/lz4/lib/lz4hc.c */
#include <lz4hc.h>
#include <stdlib.h>
#include <string.h>

#include "boot/hv_unpack.h"
#include "harness.h"

#define BYTES 100000u

static u8 image[BYTES], unpacked[BYTES];
static u8 packed[HV_PACKED_HEADER + LZ4_COMPRESSBOUND(BYTES)];

static u64 pack(void)
{
    u64 length = BYTES;

    for (u32 i = 0; i < BYTES; i++)
        image[i] = (u8)(i % 251 * (i / 5000));
    memcpy(packed, &length, sizeof(length));
    return HV_PACKED_HEADER +
           (u64)LZ4_compress_HC((const char *)image, (char *)packed + HV_PACKED_HEADER, BYTES,
                                sizeof(packed) - HV_PACKED_HEADER, LZ4HC_CLEVEL_MAX);
}

TEST(unpacks_what_was_packed)
{
    u64 bytes = pack();

    CHECK(bytes < BYTES / 2);
    CHECK_EQ(hv_unpacked_bytes(packed, bytes), BYTES);
    CHECK(hv_unpack(packed, bytes, unpacked));
    CHECK_EQ(memcmp(image, unpacked, BYTES), 0);
}

TEST(no_image)
{
    u64 huge = HV_UNPACKED_MAX + 1ull;

    pack();
    CHECK_EQ(hv_unpacked_bytes(packed, HV_PACKED_HEADER), 0);
    CHECK_EQ(hv_unpacked_bytes(packed, huge), 0);
    memcpy(packed, &huge, sizeof(huge));
    CHECK_EQ(hv_unpacked_bytes(packed, sizeof(packed)), 0);
    CHECK(!hv_unpack(packed, sizeof(packed), unpacked));
}

/* Each cut, and bytes changed at many places: refused or unpacked, never out of bounds. */
TEST(damaged)
{
    u64 bytes = pack(), short_of = BYTES - 1;

    for (u64 cut = HV_PACKED_HEADER; cut < bytes; cut++) {
        u8 *exact = malloc(cut);

        memcpy(exact, packed, cut);
        CHECK(!hv_unpack(exact, cut, unpacked));
        free(exact);
    }
    for (u64 at = HV_PACKED_HEADER; at < bytes; at += 3) {
        packed[at] ^= 0xff;
        hv_unpack(packed, bytes, unpacked);
        packed[at] ^= 0xff;
    }
    memcpy(packed, &short_of, sizeof(short_of));
    CHECK(!hv_unpack(packed, bytes, unpacked));
}
