/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSR and I/O bitmaps. Pure: they work on plain memory.
 *
 * Spec: SDM 3C "MSR-Bitmap Address", "I/O-Bitmap Addresses".
 */
#ifndef SOCLE_VMX_VMX_BITMAP_H
#define SOCLE_VMX_VMX_BITMAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define MSR_BITMAPS_BYTES PAGE_SIZE
/* Bitmap A has ports 0 to 7FFFh, B the others. An access that wraps around FFFFh always exits.
 * Bochs reads a word where it tests port FFFFh, one byte into the page behind; if that were an
 * APIC-access page, it would take it for an APIC access. So one page more. */
#define IO_BITMAPS_BYTES  (3 * PAGE_SIZE)

/* Everything exits. */
void msr_bitmap_init(u8 *bitmap);
void io_bitmap_init(u8 *bitmap);

/* Return: false if the bitmap does not cover the MSR: such accesses always exit. */
bool msr_bitmap_set(u8 *bitmap, u32 msr, bool exit_on_read, bool exit_on_write);

/* Ports first to last, both included. */
void io_bitmap_set(u8 *bitmap, u16 first, u16 last, bool intercept);

#endif
