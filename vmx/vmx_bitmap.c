/* SPDX-License-Identifier: BSD-2-Clause */
/* MSR bitmaps. */
#include "vmx/vmx_bitmap.h"

#include "core/lib/bitmap.h"
#include "core/lib/string.h"

#define MSRS_PER_RANGE 0x2000u
#define WRITES_OFFSET  0x800u /* the halves: reads, then writes */
#define RANGE_BYTES    0x400u /* a bit an MSR */
#define INTERCEPT_ALL  0xff

static const u32 range_first[] = {0x00000000u, 0xc0000000u};

void msr_bitmap_init(u8 *bitmap)
{
    memset(bitmap, INTERCEPT_ALL, MSR_BITMAPS_BYTES);
}

bool msr_bitmap_set(u8 *bitmap, u32 msr, bool exit_on_read, bool exit_on_write)
{
    for (unsigned i = 0; i < ARRAY_SIZE(range_first); i++) {
        u32 index = msr - range_first[i];

        if (index < MSRS_PER_RANGE) {
            u8 *reads = bitmap + (size_t)i * RANGE_BYTES;

            bitmap_put(reads, index, exit_on_read);
            bitmap_put(reads + WRITES_OFFSET, index, exit_on_write);
            return true;
        }
    }
    return false;
}
