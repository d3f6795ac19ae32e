/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of guest memory share; private to mm/gmem*.c. */
#ifndef SOCLE_MM_GMEM_IMPL_H
#define SOCLE_MM_GMEM_IMPL_H

#include "core/x86/spinlock.h"
#include "mm/gmem.h"
#include "mm/layout.h"
#include "mm/pmm.h"

/*
 * One word says what is behind a frame, or behind a page of a small frame: the host's page, and the
 * order of the pmm block that it is part of, which lies in both address spaces alike. Behind a
 * small frame is a table of such words, for its pages. No host page: nothing is there.
 */
#define ENTRY_RAM   BIT(0)
#define ENTRY_SMALL BIT(1) /* the host page is the table */
#define ENTRY_ORDER 0x7cull
#define ENTRY_HOST  (~(u64)(PAGE_SIZE - 1))

#define FRAME_PAGES (GMEM_FRAME_BYTES / PAGE_SIZE)

#define GMEM_RANGES_MAX 4u

struct gmem_range {
    u64 base;
    u64 end;
};

struct gmem_ram {
    struct spinlock lock; /* irqsave: second-level tables, and what has no other mark */
    struct slat *slat;    /* (c) NULL before the first RAM */
    u64 *frames;          /* (a) written under the lock; by guest address from 0 */
    u32 *pins;            /* by frame: ranges pinned that touch it */
    u64 frame_count;      /* (c) once running */
    struct gmem_range ranges[GMEM_RANGES_MAX]; /* (c) once running: RAM, sorted, not adjacent */
    u32 range_count;
    u64 total_bytes; /* (c) once running */
    u64 resident_bytes;
    u64 large_bytes;
    u64 filling_bytes;  /* being filled, not yet resident */
    u64 assured_bytes;  /* see gmem_assure */
    u64 promised_bytes; /* of them, not resident: what pmm was told */
    u32 readers[2];     /* (a) accesses under way, by the phase they began in */
    u32 phase;          /* (a) its lowest bit counts */
    u32 is_releasing;   /* (a) somebody waits for the readers */
};

static inline u64 entry_of(hpa_t host, unsigned order)
{
    return host.v | FIELD_PREP(ENTRY_ORDER, order) | ENTRY_RAM;
}

static inline unsigned entry_order(u64 entry)
{
    return (unsigned)FIELD_GET(ENTRY_ORDER, entry);
}

static inline bool entry_is_absent(u64 entry)
{
    return (entry & ENTRY_HOST) == 0;
}

static inline u64 *entry_table(u64 entry)
{
    return hpa_to_ptr(hpa(entry & ENTRY_HOST));
}

/* The entry of a frame; 0 if it is no RAM. */
static inline u64 frame_entry(const struct gmem_ram *ram, u64 guest)
{
    u64 frame = guest / GMEM_FRAME_BYTES;

    return frame < ram->frame_count ? __atomic_load_n(&ram->frames[frame], __ATOMIC_SEQ_CST) : 0;
}

/*
 * Between the two nothing is freed that was found in between. The look-up comes after the count:
 * whoever takes a frame away and then sees a count of zero knows that later ones will not find it.
 */
static inline u32 reader_enter(struct gmem_ram *ram)
{
    u32 phase = __atomic_load_n(&ram->phase, __ATOMIC_RELAXED) & 1u;

    __atomic_fetch_add(&ram->readers[phase], 1, __ATOMIC_SEQ_CST);
    return phase;
}

static inline void reader_leave(struct gmem_ram *ram, u32 phase)
{
    __atomic_fetch_sub(&ram->readers[phase], 1, __ATOMIC_RELEASE);
}

/*
 * Takes zeroed host memory for the start of a range of whole frames: a block of frames, or else
 * what one frame needs in smaller ones. Return: 0, -ENOMEM.
 */
int gmem_entry_take(u32 node, u64 guest, u64 bytes, u64 *entry) must_check;

/* Frees it, when nobody can find it any more. */
void gmem_entry_free(u64 entry);

/* Puts it into the second-level tables. Return: 0, -ENOMEM (nothing of it is mapped). */
int gmem_entry_map(struct slat *slat, u64 guest, u64 entry) must_check;

/* Counts bytes that come (or go) by such an entry. */
void gmem_count(struct gmem_ram *ram, u64 entry, s64 bytes);

#endif
