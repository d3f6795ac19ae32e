/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake RAM of tests/fakes/mm/layout.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mm/layout.h"

u8 *arena_base;
u64 arena_bytes;

void arena_init(u64 bytes)
{
    void *p;

    if (arena_base)
        munmap(arena_base, arena_bytes);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
             0);
    if (p == MAP_FAILED)
        abort();
    arena_base = p;
    arena_bytes = bytes;
}
