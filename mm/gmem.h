/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: which host pages are behind a guest's RAM, and the only way to read or write it.
 *
 * Every access of ours is by copy: what a guest can change under our feet is read once, then
 * checked. Look-ups take no lock. While the VM runs, frames of 2 MiB can be given back to the host;
 * the next access to one, the guest's or ours, finds it anew, full of zeroes. README.md says why
 * nobody is left with a page that another VM has by then.
 */
#ifndef SOCLE_MM_GMEM_H
#define SOCLE_MM_GMEM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/slat.h"

/* What guest memory comes and goes by. */
#define GMEM_FRAME_BYTES PAGE_2M

struct gmem_ram; /* mm/gmem*.c */

struct gmem {
    struct gmem_ram *ram;
    u64 max_bytes; /* of RAM */
    u32 node;      /* whose memory is taken first; PMM_NODE_ANY unless the builder sets it */
    bool frozen;   /* no RAM is added any more */
};

struct gmem_stats {
    u64 total_bytes;    /* RAM as the guest sees it */
    u64 resident_bytes; /* of it, with host memory behind */
    u64 large_bytes;    /* of that, in blocks of 2 MiB and more */
};

/* Frames on their way back to the host. */
#define GMEM_BATCH_FRAMES 64u
struct gmem_batch {
    u32 count;
    u64 frames[GMEM_BATCH_FRAMES];
};

int gmem_init(struct gmem *gmem, u64 max_bytes) must_check; /* 0, -ENOMEM */

/* Frees all memory, to be scrubbed later. No vCPU may run any more. */
void gmem_fini(struct gmem *gmem);

/*
 * Backs [guest, guest+bytes) with zeroed host memory in the largest blocks available and maps it in
 * `slat`, which is gmem's from then on. Large pages of the wanted node come first, then those of
 * other nodes, then small ones. Both of whole frames. Return: 0, -ENOMEM (partly populated;
 * gmem_fini frees it), -EEXIST, -EINVAL.
 */
int gmem_populate(struct gmem *gmem, struct slat *slat, gpa_t guest, u64 bytes) must_check;

void gmem_get_stats(const struct gmem *gmem, struct gmem_stats *out);

/*
 * Keeps so much host memory for this guest: what it has given back of that stays free for it, what
 * it wants beyond is had only if available. Nothing at first. Context: any. Return: 0; -ENOMEM
 * (not available; as before).
 */
int gmem_assure(const struct gmem *gmem, u64 bytes) must_check;

/*
 * Puts zeroes behind the frame at an address that has nothing. Context: any; zeroing takes its
 * time. Return: 0; -EEXIST (something is there already); -EFAULT (not RAM); -ENOMEM.
 */
int gmem_fill(const struct gmem *gmem, gpa_t guest) must_check;

/*
 * Takes the frame away from the guest; its content is lost. The batch has room. Afterwards every
 * vCPU flushes its translations, then comes gmem_release. Context: any. Return: false if there is
 * nothing to take (not RAM; nothing there; pinned; no memory for tables).
 */
bool gmem_detach(const struct gmem *gmem, gpa_t frame, struct gmem_batch *batch);

/* Waits for accesses that may have begun before, frees what is in the batch, and empties it.
 * Context: task, no lock held, interrupts on. */
void gmem_release(const struct gmem *gmem, struct gmem_batch *batch);

/*
 * For devices of the host that read or write guest memory by themselves: what is behind the range
 * stays there until gmem_unpin of the same range. Nested any number of times. Context: any. Return:
 * 0; -EFAULT (not RAM, or no host memory for a frame that was given back; nothing is pinned).
 */
int gmem_pin(const struct gmem *gmem, gpa_t guest, u64 bytes) must_check;
void gmem_unpin(const struct gmem *gmem, gpa_t guest, u64 bytes);

/* Where the first byte of a range lies that is pinned. Return: bytes of it that follow in one
 * piece.
 */
u64 gmem_pinned(const struct gmem *gmem, gpa_t guest, u64 bytes, hpa_t *host);

/* True if the whole range is RAM. */
bool gmem_is_ram(const struct gmem *gmem, gpa_t guest, u64 bytes);

/*
 * Copy out of and into guest memory; ranges may cross frames. Context: any. Return: 0; -EFAULT (not
 * RAM, nothing copied; or the host has no memory for a frame that was given back).
 */
int gmem_read(const struct gmem *gmem, gpa_t guest, void *dst, size_t bytes) must_check;
int gmem_write(const struct gmem *gmem, gpa_t guest, const void *src, size_t bytes) must_check;
int gmem_zero(const struct gmem *gmem, gpa_t guest, size_t bytes) must_check;

/*
 * For words that vCPUs look at or write meanwhile. Loads and stores are in one piece; a store comes
 * after every earlier write, a load before every later read; the exchange is atomic. Return: 0,
 * -EFAULT (not RAM, or no memory; nothing done), -EINVAL (not a multiple of the word's size).
 */
int gmem_load_u16(const struct gmem *gmem, gpa_t guest, u16 *value) must_check;
int gmem_store_u16(const struct gmem *gmem, gpa_t guest, u16 value) must_check;
int gmem_store_u32(const struct gmem *gmem, gpa_t guest, u32 value) must_check;
int gmem_exchange_u8(const struct gmem *gmem, gpa_t guest, u8 value, u8 *old) must_check;

#endif
