/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of extended page tables.
 *
 * A and D are set from the start, so the CPU need not; the memory type of a page is the host's
 * decision for device memory (UC) and the guest's PAT for RAM (WB, not ignoring PAT), as under
 * nested paging on the other vendor. Spec: SDM 3C "The Extended Page Table Mechanism (EPT)".
 */
#include "vmx/ept.h"

#include "vmx/vmcs.h"

#define EPT_R       BIT(0)
#define EPT_W       BIT(1)
#define EPT_X       BIT(2)
#define EPT_RWX     (EPT_R | EPT_W | EPT_X)
#define EPT_TYPE    0x0000000000000038ull
#define EPT_TYPE_UC 0u
#define EPT_TYPE_WB 6u
#define EPT_PS      BIT(7)
#define EPT_A       BIT(8)
#define EPT_D       BIT(9)
#define EPT_ADDRESS 0x000ffffffffff000ull
#define EPT_LEVELS  4

static u64 ept_leaf(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type)
{
    u64 entry = page.v | EPT_R | EPT_A | EPT_D;

    if ((access & SLAT_WRITE) != 0)
        entry |= EPT_W;
    if ((access & SLAT_EXEC) != 0)
        entry |= EPT_X;
    if (page_bytes != PAGE_SIZE)
        entry |= EPT_PS;
    return entry | FIELD_PREP(EPT_TYPE, type == SLAT_MEM_UC ? EPT_TYPE_UC : EPT_TYPE_WB);
}

static u64 ept_table(hpa_t table)
{
    return table.v | EPT_RWX | EPT_A;
}

static bool ept_is_present(u64 entry)
{
    return (entry & EPT_RWX) != 0;
}

static bool ept_is_leaf(u64 entry, unsigned level)
{
    return level == 1 || (entry & EPT_PS) != 0;
}

static hpa_t ept_address(u64 entry)
{
    return hpa(entry & EPT_ADDRESS);
}

static unsigned ept_access(u64 entry)
{
    unsigned access = SLAT_READ;

    if ((entry & EPT_W) != 0)
        access |= SLAT_WRITE;
    if ((entry & EPT_X) != 0)
        access |= SLAT_EXEC;
    return access;
}

struct slat_format ept_format = {
    .name = "EPT",
    .levels = EPT_LEVELS,
    .page_sizes = PAGE_SIZE,
    .leaf = ept_leaf,
    .table = ept_table,
    .is_present = ept_is_present,
    .is_leaf = ept_is_leaf,
    .address = ept_address,
    .access = ept_access,
};

void ept_allow(u64 page_bytes)
{
    ept_format.page_sizes |= page_bytes;
}

u64 ept_pointer(hpa_t root, bool has_access_dirty)
{
    return root.v | EPTP_WB | EPTP_WALK_4 | (has_access_dirty ? EPTP_ACCESS_DIRTY : 0);
}
