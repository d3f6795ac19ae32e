/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory for unit tests: one array from address 0, and a look at every write before it
 * happens. */
#ifndef SOCLE_FAKES_GMEM_H
#define SOCLE_FAKES_GMEM_H

#include "core/lib/types.h"

#define FAKE_RAM_BYTES 0x4000u

extern u8 fake_ram[FAKE_RAM_BYTES];

/* NULL: nobody looks. */
extern void (*fake_gmem_hook)(u64 at, size_t bytes);

/* Ranges that are pinned now, and how far the host addresses of the upper half are off. */
extern u32 fake_gmem_pins;
extern u64 fake_gmem_gap;

/* Fills memory with a byte and forgets the hook. */
void fake_gmem_init(u8 fill);

#endif
