/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSR bitmaps. Pure: they work on plain memory.
 *
 * Spec: SDM 3C "MSR-Bitmap Address".
 */
#ifndef SOCLE_VMX_VMX_BITMAP_H
#define SOCLE_VMX_VMX_BITMAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define MSR_BITMAPS_BYTES PAGE_SIZE

/* Everything exits. */
void msr_bitmap_init(u8 *bitmap);

/* Return: false if the bitmap does not cover the MSR: such accesses always exit. */
bool msr_bitmap_set(u8 *bitmap, u32 msr, bool exit_on_read, bool exit_on_write);

#endif
