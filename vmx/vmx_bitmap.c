/* SPDX-License-Identifier: BSD-2-Clause */
/* MSR and I/O bitmaps. */
#include "vmx/vmx_bitmap.h"

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

void io_bitmap_init(u8 *bitmap)
{
    memset(bitmap, INTERCEPT_ALL, IO_BITMAPS_BYTES);
}

static void bit_set(u8 *map, u32 bit, bool value)
{
    u8 mask = (u8)(1u << (bit % 8));

    if (value)
        map[bit / 8] |= mask;
    else
        map[bit / 8] &= (u8)~mask;
}

bool msr_bitmap_set(u8 *bitmap, u32 msr, bool exit_on_read, bool exit_on_write)
{
    for (unsigned i = 0; i < ARRAY_SIZE(range_first); i++) {
        u32 index = msr - range_first[i];

        if (index < MSRS_PER_RANGE) {
            u8 *reads = bitmap + (size_t)i * RANGE_BYTES;

            bit_set(reads, index, exit_on_read);
            bit_set(reads + WRITES_OFFSET, index, exit_on_write);
            return true;
        }
    }
    return false;
}

void io_bitmap_set(u8 *bitmap, u16 first, u16 last, bool intercept)
{
    for (u32 port = first; port <= last; port++)
        bit_set(bitmap, port, intercept);
}
