/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second-level address translation: one tree walker for NPT and EPT, parameterised by a format.
 *
 * The vendor layer supplies struct slat_format (how an entry is encoded); the walker knows levels,
 * page sizes and ownership of table pages. Tables are accounted as guest memory.
 */
#ifndef SOCLE_MM_SLAT_H
#define SOCLE_MM_SLAT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/pmm.h"

#define SLAT_READ  BIT(0)
#define SLAT_WRITE BIT(1)
#define SLAT_EXEC  BIT(2)

enum slat_memtype { SLAT_MEM_WB, SLAT_MEM_UC };

struct slat_format {
    const char *name;
    unsigned levels; /* 4 */
    u64 page_sizes;  /* supported leaf sizes, or-ed (PAGE_SIZE | PAGE_2M | PAGE_1G) */
    u64 (*leaf)(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type);
    u64 (*table)(hpa_t table);
    bool (*is_present)(u64 entry);
    bool (*is_leaf)(u64 entry, unsigned level); /* level 1 = 4 KiB */
    hpa_t (*address)(u64 entry);
    unsigned (*access)(u64 entry); /* SLAT_READ.. of a leaf */
};

struct slat {
    const struct slat_format *format;
    hpa_t root;
    enum pmm_use use;
    u64 table_pages; /* tables owned, root included */
    u64 generation;  /* counts changes that need a TLB flush */
};

/* Allocates an empty root table. Return: 0, -ENOMEM. */
int slat_init(struct slat *slat, const struct slat_format *format) must_check;

/* As slat_init, with tables accounted as something else: the host's own. */
int slat_init_for(struct slat *slat, const struct slat_format *format, enum pmm_use use) must_check;

/* Frees all tables (not the pages mapped). No vCPU may use it any more. */
void slat_fini(struct slat *slat);

/*
 * Maps [guest, guest+bytes) to [host, host+bytes) with the largest pages alignment allows. All 4
 * KiB aligned; nothing of the range may be mapped yet. Context: any; the caller holds the
 * lock of whoever owns the tree. Return: 0, -ENOMEM (what was mapped before the failure stays
 * mapped), -EINVAL, -EEXIST.
 */
int slat_map(struct slat *slat, gpa_t guest, hpa_t host, u64 bytes, unsigned access,
             enum slat_memtype type) must_check;

/*
 * Builds the tables down to the given level (1: those that hold 4 KiB pages) for a range, which
 * then can be mapped without allocating, and whose upper tables other roots can share. Return: 0,
 * -ENOMEM, -EEXIST.
 */
int slat_reserve(struct slat *slat, gpa_t guest, u64 bytes, unsigned level) must_check;

/* Removes the range (4 KiB aligned; large pages partly covered are split). Return: 0, -ENOMEM. */
int slat_unmap(struct slat *slat, gpa_t guest, u64 bytes) must_check;

struct slat_translation {
    hpa_t host;
    u64 page_bytes;
    unsigned access;
};

/* Return: 0 and *out, or -EFAULT if nothing is mapped there. */
int slat_lookup(const struct slat *slat, gpa_t guest, struct slat_translation *out) must_check;

#endif
