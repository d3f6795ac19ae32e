/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: sorted slots GPA → host pages, and the only way to read or write a guest's memory.
 *
 * Slots are frozen while a vCPU may run, so look-ups take no lock. Every access is by copy: what a
 * guest can change under our feet is read once, then checked.
 */
#ifndef SOCLE_MM_GMEM_H
#define SOCLE_MM_GMEM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/slat.h"

/* A slot is one host block, contiguous in both address spaces; 64 GiB of 2 MiB blocks at most. */
#define GMEM_SLOTS_MAX 32768

struct gmem_slot {
    gpa_t guest;
    u64 bytes;
    hpa_t host;
    u8 order; /* of the pmm block backing it */
};

struct gmem {
    struct gmem_slot *slots; /* sorted by guest address */
    u32 slot_count;
    u32 slot_capacity;
    u64 max_bytes; /* of total_bytes */
    u64 total_bytes;
    u64 large_bytes; /* of these, backed by blocks of 2 MiB and more */
    u32 node;        /* whose memory is taken first; PMM_NODE_ANY unless the builder sets it */
    bool frozen;
};

int gmem_init(struct gmem *gmem, u64 max_bytes) must_check; /* 0, -ENOMEM */

/* Frees all memory, to be scrubbed later. No vCPU may run any more. */
void gmem_fini(struct gmem *gmem);

/*
 * Backs [guest, guest+bytes) with zeroed host memory in the largest blocks available and maps it in
 * `slat`. Large pages of the wanted node come first, then those of other nodes, then small ones.
 * Both 4 KiB aligned. Return: 0, -ENOMEM (partly populated; gmem_fini frees it), -EEXIST,
 * -EINVAL.
 */
int gmem_populate(struct gmem *gmem, struct slat *slat, gpa_t guest, u64 bytes) must_check;

/* True if the whole range is RAM. */
bool gmem_is_ram(const struct gmem *gmem, gpa_t guest, u64 bytes);

/* Copy out of and into guest memory; ranges may cross slots. Return: 0, -EFAULT (nothing copied).
 */
int gmem_read(const struct gmem *gmem, gpa_t guest, void *dst, size_t bytes) must_check;
int gmem_write(const struct gmem *gmem, gpa_t guest, const void *src, size_t bytes) must_check;
int gmem_zero(const struct gmem *gmem, gpa_t guest, size_t bytes) must_check;

/*
 * For words that vCPUs look at or write meanwhile. Loads and stores are in one piece; a store comes
 * after every earlier write, a load before every later read; the exchange is atomic. Return: 0,
 * -EFAULT (not RAM; nothing done), -EINVAL (not a multiple of the word's size).
 */
int gmem_load_u16(const struct gmem *gmem, gpa_t guest, u16 *value) must_check;
int gmem_store_u16(const struct gmem *gmem, gpa_t guest, u16 value) must_check;
int gmem_store_u32(const struct gmem *gmem, gpa_t guest, u32 value) must_check;
int gmem_exchange_u8(const struct gmem *gmem, gpa_t guest, u8 value, u8 *old) must_check;

#endif
