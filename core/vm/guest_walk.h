/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest-virtual to guest-physical translation, done in software as the guest's CPU would do it.
 *
 * Pure: guest memory is reached through callbacks. Covers paging off, 32-bit, PAE, 4-level and
 * 5-level. Protection keys and shadow stacks are not offered to guests and not known here.
 */
#ifndef SOCLE_VM_GUEST_WALK_H
#define SOCLE_VM_GUEST_WALK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/hvm_ops.h"

/* Kind of access: one of the first three, or-ed with IMPLICIT for the CPU's own (descriptor
 * tables). */
#define GUEST_READ     BIT(0)
#define GUEST_WRITE    BIT(1)
#define GUEST_FETCH    BIT(2)
#define GUEST_IMPLICIT BIT(3)

/* What of the vCPU's state decides a translation. */
struct guest_paging {
    u64 cr0;
    u64 cr3;
    u64 cr4;
    u64 efer;
    u64 rflags;   /* AC: allows supervisor access to user pages under SMAP */
    u8 cpl;       /* 0–3 */
    u8 phys_bits; /* guest-physical address width from CPUID; address bits above it are reserved */
};

/* Guest memory as the walk needs it. */
struct guest_mem {
    /* Copies out of RAM. Return: 0, or negative if the range is not RAM. */
    int (*read)(void *cookie, gpa_t from, void *dst, size_t bytes);
    /* Sets bits in one byte of RAM (accessed and dirty marks). Return: as read. */
    int (*set_bits)(void *cookie, gpa_t at, u8 bits);
    void *cookie;
};

struct guest_translation {
    gpa_t gpa;
    u64 page_bytes; /* size of the guest's page: 4 KiB, 2 MiB, 4 MiB, 1 GiB */
    u32 error_code; /* of the #PF, after -EFAULT; its address is the linear address asked for */
};

/*
 * Translates one linear address; an access must not cross a page, the caller splits it. Sets
 * accessed and dirty bits as the CPU does, only if the access is allowed. Return: 0 and *out;
 * -EFAULT: #PF with out->error_code; -EIO: a paging table is not in RAM. Spec: APM 2 "Page
 * Translation and Protection".
 */
int guest_walk(const struct guest_paging *paging, const struct guest_mem *mem, gva_t linear,
               unsigned access, struct guest_translation *out) must_check;

/* True if the address is canonical for the mode (always outside long mode). */
bool guest_is_canonical(const struct guest_paging *paging, u64 linear);

/*
 * Segment + offset → linear address, with the checks on limit, type and canonical form of [offset,
 * offset+bytes). code_64: the vCPU runs 64-bit code (EFER.LMA and CS.L).
 * Return: 0 and *linear; -EFAULT: the CPU raises #SS(0) if seg is HVM_SS, else #GP(0).
 */
int guest_linear(const struct guest_paging *paging, bool code_64, enum hvm_seg seg,
                 const struct hvm_segment *desc, u64 offset, unsigned bytes, unsigned access,
                 gva_t *linear) must_check;

#endif
