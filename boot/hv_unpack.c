/* SPDX-License-Identifier: BSD-2-Clause */
/* Unpacks the hypervisor's image: half the bytes to read from a stick or the network. */
#include "boot/hv_unpack.h"

#include <lz4.h>

#include "core/lib/string.h"

u64 hv_unpacked_bytes(const void *packed, u64 bytes)
{
    u64 length;

    if (bytes <= HV_PACKED_HEADER || bytes > HV_UNPACKED_MAX)
        return 0;
    memcpy(&length, packed, sizeof(length));
    return length <= HV_UNPACKED_MAX ? length : 0;
}

bool hv_unpack(const void *packed, u64 bytes, void *image)
{
    u64 length = hv_unpacked_bytes(packed, bytes);
    const char *block = (const char *)packed + HV_PACKED_HEADER;

    return length != 0 && LZ4_decompress_safe(block, image, (int)(bytes - HV_PACKED_HEADER),
                                              (int)length) == (int)length;
}
