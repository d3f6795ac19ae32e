/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks an ELF64 image and lists what to load where; pure. */
#ifndef SOCLE_BOOT_ELF_LOAD_H
#define SOCLE_BOOT_ELF_LOAD_H

#include "core/lib/types.h"

#define ELF_SEGMENTS_MAX 8

struct elf_segment {
    u64 vaddr; /* page aligned */
    u64 file_offset;
    u64 file_bytes;
    u64 memory_bytes; /* >= file_bytes; the rest is zero */
    bool is_writable;
    bool is_executable;
};

struct elf_plan {
    u64 entry;
    u64 low;  /* lowest virtual address, page aligned */
    u64 high; /* end of the highest segment, page aligned */
    u32 segment_count;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/*
 * Return: NULL and *plan, or a sentence that says what is wrong with the image: every offset lies
 * inside it, segments do not overlap, none is both writable and executable, the entry point is in
 * an executable one.
 */
const char *elf_plan_make(const void *image, u64 bytes, struct elf_plan *plan);

/* Copies the segments to `memory` (plan->high - plan->low bytes, where plan->low lies) and zeroes
 * the rest. */
void elf_plan_load(const struct elf_plan *plan, const void *image, void *memory);

#endif
