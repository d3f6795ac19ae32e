/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of nested page tables.
 *
 * They look like the host's own long-mode tables. Every entry has U set, for the CPU treats each
 * access of a guest as a user access on this level; A and D are set from the start, so the CPU need
 * not. Spec: APM 2 "Nested Paging".
 */
#include "svm/npt.h"

#define NPT_P   BIT(0)
#define NPT_W   BIT(1)
#define NPT_U   BIT(2)
#define NPT_PWT BIT(3)
#define NPT_PCD BIT(4)
#define NPT_A   BIT(5)
#define NPT_D   BIT(6)
#define NPT_PS  BIT(7)
#define NPT_NX  BIT(63)

#define NPT_ADDRESS 0x000ffffffffff000ull
#define NPT_LEVELS  4

/* Entry 3 of the host PAT, which types nested tables, is UC (HPT_PAT in mm/hpt.h). */
#define NPT_UC (NPT_PCD | NPT_PWT)

static u64 npt_leaf(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type)
{
    u64 entry = page.v | NPT_P | NPT_U | NPT_A | NPT_D;

    if ((access & SLAT_WRITE) != 0)
        entry |= NPT_W;
    if ((access & SLAT_EXEC) == 0)
        entry |= NPT_NX;
    if (type == SLAT_MEM_UC)
        entry |= NPT_UC;
    if (page_bytes != PAGE_SIZE)
        entry |= NPT_PS;
    return entry;
}

static u64 npt_table(hpa_t table)
{
    return table.v | NPT_P | NPT_W | NPT_U | NPT_A;
}

static bool npt_is_present(u64 entry)
{
    return (entry & NPT_P) != 0;
}

static bool npt_is_leaf(u64 entry, unsigned level)
{
    return level == 1 || (entry & NPT_PS) != 0;
}

static hpa_t npt_address(u64 entry)
{
    return hpa(entry & NPT_ADDRESS);
}

static unsigned npt_access(u64 entry)
{
    unsigned access = SLAT_READ;

    if ((entry & NPT_W) != 0)
        access |= SLAT_WRITE;
    if ((entry & NPT_NX) == 0)
        access |= SLAT_EXEC;
    return access;
}

struct slat_format npt_format = {
    .name = "NPT",
    .levels = NPT_LEVELS,
    .page_sizes = PAGE_SIZE | PAGE_2M,
    .leaf = npt_leaf,
    .table = npt_table,
    .is_present = npt_is_present,
    .is_leaf = npt_is_leaf,
    .address = npt_address,
    .access = npt_access,
};

void npt_allow_1g(void)
{
    npt_format.page_sizes |= PAGE_1G;
}
