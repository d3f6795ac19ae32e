/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of requests, looked at once for disks and volumes alike. */
#include "drivers/block/blk.h"

#define SEG_ALIGN 4u

bool blk_segs_fit(const struct blk_seg *segs, u32 count, u32 block_bytes, u64 bytes)
{
    u64 sum = 0;

    for (u32 i = 0; i < count; i++) {
        if (segs[i].bytes == 0 || !IS_ALIGNED(segs[i].bytes, block_bytes) ||
            !IS_ALIGNED(segs[i].address.v, SEG_ALIGN))
            return false;
        sum += segs[i].bytes;
    }
    return sum == bytes;
}
