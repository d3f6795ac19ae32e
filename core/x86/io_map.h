/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * I/O permission maps: a bit a port, set if the access exits. Both vendors' CPUs read the same
 * layout. Pure: they work on plain memory.
 *
 * Spec: APM 2 "IOIO Intercepts"; SDM 3C "I/O-Bitmap Addresses".
 */
#ifndef SOCLE_X86_IO_MAP_H
#define SOCLE_X86_IO_MAP_H

#include "core/lib/bitmap.h"
#include "core/lib/string.h"
#include "core/lib/types.h"

/*
 * 64 Ki ports are 8 KiB. The third page is for accesses that run past port FFFFh, which test its
 * first bits on some CPUs, and for an emulator that reads a word where it tests port FFFFh.
 */
#define IO_MAP_BYTES (3 * PAGE_SIZE)

/* Everything exits. */
static inline void io_map_init(u8 *map)
{
    memset(map, 0xff, IO_MAP_BYTES);
}

/* Ports first to last, both included. */
static inline void io_map_set(u8 *map, u16 first, u16 last, bool exits)
{
    for (u32 port = first; port <= last; port++)
        bitmap_put(map, port, exits);
}

#endif
