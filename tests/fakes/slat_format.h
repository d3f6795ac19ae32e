/* SPDX-License-Identifier: BSD-2-Clause */
/* A made-up format of second-level entries: present 1, write 2, execute 4, UC 8, leaf 128. */
#ifndef SOCLE_FAKES_SLAT_FORMAT_H
#define SOCLE_FAKES_SLAT_FORMAT_H

#include "mm/slat.h"

static u64 fake_leaf(hpa_t page, u64 page_bytes, unsigned access, enum slat_memtype type)
{
    return page.v | 1 | (access & SLAT_WRITE ? 2 : 0) | (access & SLAT_EXEC ? 4 : 0) |
           (type == SLAT_MEM_UC ? 8 : 0) | (page_bytes > PAGE_SIZE ? 128 : 0);
}

static u64 fake_table(hpa_t table)
{
    return table.v | 1;
}

static bool fake_is_present(u64 entry)
{
    return entry & 1;
}

static bool fake_is_leaf(u64 entry, unsigned level)
{
    return level == 1 || (entry & 128);
}

static hpa_t fake_address(u64 entry)
{
    return hpa(entry & 0x000ffffffffff000ull);
}

static unsigned fake_access(u64 entry)
{
    return (unsigned)(SLAT_READ | (entry & 2 ? SLAT_WRITE : 0) | (entry & 4 ? SLAT_EXEC : 0));
}

static const struct slat_format fake_format = {"fake",
                                               4,
                                               PAGE_SIZE | PAGE_2M | PAGE_1G,
                                               fake_leaf,
                                               fake_table,
                                               fake_is_present,
                                               fake_is_leaf,
                                               fake_address,
                                               fake_access};

#endif
