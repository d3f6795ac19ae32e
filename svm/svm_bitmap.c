/* SPDX-License-Identifier: BSD-2-Clause */
/* The MSR permission map. */
#include "svm/svm_bitmap.h"

#include "core/lib/bitmap.h"
#include "core/lib/string.h"

#define MSRS_PER_RANGE    0x2000u
#define MSRPM_RANGE_BYTES 0x800u /* two bits an MSR: read, write */
#define BITS_PER_MSR      2u
#define INTERCEPT_ALL     0xff

static const u32 range_first[] = {0x00000000u, 0xc0000000u, 0xc0010000u};

void msrpm_init(u8 *msrpm)
{
    memset(msrpm, INTERCEPT_ALL, MSRPM_BYTES);
}

bool msrpm_set(u8 *msrpm, u32 msr, bool exit_on_read, bool exit_on_write)
{
    for (unsigned i = 0; i < ARRAY_SIZE(range_first); i++) {
        u32 index = msr - range_first[i];

        if (index < MSRS_PER_RANGE) {
            u8 *range = msrpm + (size_t)i * MSRPM_RANGE_BYTES;

            bitmap_put(range, index * BITS_PER_MSR, exit_on_read);
            bitmap_put(range, index * BITS_PER_MSR + 1, exit_on_write);
            return true;
        }
    }
    return false;
}
