/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walker of four-level translation trees, whatever the entries look like.
 *
 * Tables may be in use by pCPUs while they change, so an entry changes by one store, from one valid
 * state to the next; a large page is split by filling a table aside and linking it in with one
 * store. Only write-back memory gets large pages, so a split needs no memory type. A table once
 * linked stays until slat_fini: pCPUs cache pointers to tables, and nobody here can make them
 * forget.
 */
#include "mm/slat.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "mm/pte_store.h"

#define ENTRIES      512u
#define LEVEL_BITS   9u
#define ADDRESS_BITS 48u

/* Bytes one entry of a table of that level covers; level 1 maps 4 KiB pages. */
static u64 entry_bytes(unsigned level)
{
    return PAGE_SIZE << (LEVEL_BITS * (level - 1));
}

static u64 *entry_at(hpa_t table, u64 address, unsigned level)
{
    u64 *entries = hpa_to_ptr(table);

    return &entries[(address / entry_bytes(level)) % ENTRIES];
}

static int table_alloc(struct slat *slat, hpa_t *out)
{
    int rc = pmm_alloc(PMM_ORDER_4K, slat->use, true, out);

    if (rc == 0)
        slat->table_pages++;
    return rc;
}

int slat_init_for(struct slat *slat, const struct slat_format *format, enum pmm_use use)
{
    *slat = (struct slat){.format = format, .use = use};
    return table_alloc(slat, &slat->root);
}

int slat_init(struct slat *slat, const struct slat_format *format)
{
    return slat_init_for(slat, format, PMM_GUEST);
}

static void table_free(struct slat *slat, hpa_t table, unsigned level)
{
    const struct slat_format *format = slat->format;
    u64 *entries = hpa_to_ptr(table);

    for (unsigned i = 0; level > 1 && i < ENTRIES; i++)
        if (format->is_present(entries[i]) && !format->is_leaf(entries[i], level))
            table_free(slat, format->address(entries[i]), level - 1);
    pmm_free(table, PMM_ORDER_4K, slat->use, true);
    slat->table_pages--;
}

void slat_fini(struct slat *slat)
{
    table_free(slat, slat->root, slat->format->levels);
    assert(slat->table_pages == 0);
}

static bool range_is_valid(u64 address, u64 bytes)
{
    return IS_ALIGNED(address | bytes, PAGE_SIZE) && bytes <= BIT(ADDRESS_BITS) &&
           address <= BIT(ADDRESS_BITS) - bytes;
}

/* Makes the entry point to an empty table unless it points to one. Return: 0, -ENOMEM, -EEXIST
 * (leaf). */
static int table_ensure(struct slat *slat, u64 *entry, unsigned level)
{
    hpa_t table;
    int rc;

    if (slat->format->is_present(*entry))
        return slat->format->is_leaf(*entry, level) ? -EEXIST : 0;
    rc = table_alloc(slat, &table);
    if (rc == 0)
        pte_store(entry, slat->format->table(table));
    return rc;
}

/* The entry for the address in a table of the wanted level, building tables on the way. */
static int walk_build(struct slat *slat, u64 address, unsigned level, u64 **out)
{
    hpa_t table = slat->root;

    for (unsigned l = slat->format->levels; l > level; l--) {
        u64 *entry = entry_at(table, address, l);
        int rc = table_ensure(slat, entry, l);

        if (rc)
            return rc;
        table = slat->format->address(*entry);
    }
    *out = entry_at(table, address, level);
    return 0;
}

/* The highest level whose pages are supported, aligned to both addresses, and not larger than the
 * rest. */
static unsigned largest_level(const struct slat *slat, u64 guest, u64 host, u64 bytes)
{
    unsigned level = 3;

    while (level > 1) {
        u64 page = entry_bytes(level);

        if ((slat->format->page_sizes & page) && IS_ALIGNED(guest | host, page) && page <= bytes)
            break;
        level--;
    }
    return level;
}

/* Follows tables that are there already, if only empty ones: they cannot give way to a larger page.
 */
static u64 *descend(const struct slat *slat, u64 address, u64 *entry, unsigned *level)
{
    const struct slat_format *format = slat->format;

    while (format->is_present(*entry) && !format->is_leaf(*entry, *level)) {
        (*level)--;
        entry = entry_at(format->address(*entry), address, *level);
    }
    return entry;
}

int slat_map(struct slat *slat, gpa_t guest, hpa_t host, u64 bytes, unsigned access,
             enum slat_memtype type)
{
    if (!range_is_valid(guest.v, bytes) || !range_is_valid(host.v, bytes))
        return -EINVAL;
    while (bytes > 0) {
        unsigned level = type == SLAT_MEM_WB ? largest_level(slat, guest.v, host.v, bytes) : 1;
        u64 *entry;
        u64 page;
        int rc = walk_build(slat, guest.v, level, &entry);

        if (rc)
            return rc;
        entry = descend(slat, guest.v, entry, &level);
        page = entry_bytes(level);
        if (slat->format->is_present(*entry))
            return -EEXIST;
        pte_store(entry, slat->format->leaf(host, page, access, type));
        guest.v += page;
        host.v += page;
        bytes -= page;
    }
    return 0;
}

int slat_reserve(struct slat *slat, gpa_t guest, u64 bytes, unsigned level)
{
    u64 end = guest.v + bytes;
    u64 *entry;

    for (u64 at = guest.v; at < end; at += entry_bytes(level + 1)) {
        int rc = walk_build(slat, at, level, &entry);

        if (rc)
            return rc;
    }
    return 0;
}

/* Replaces a large page by a table of smaller ones that translates the same. Return: 0, -ENOMEM. */
static int split_leaf(struct slat *slat, u64 *entry, unsigned level)
{
    const struct slat_format *format = slat->format;
    u64 page = entry_bytes(level - 1);
    hpa_t host = format->address(*entry);
    unsigned access = format->access(*entry);
    hpa_t table;
    u64 *entries;
    int rc = table_alloc(slat, &table);

    if (rc)
        return rc;
    entries = hpa_to_ptr(table);
    for (unsigned i = 0; i < ENTRIES; i++, host.v += page)
        entries[i] = format->leaf(host, page, access, SLAT_MEM_WB);
    pte_store(entry, format->table(table));
    return 0;
}

/*
 * Removes what [address, end) has in common with the entry under its table of this level.
 * Return: 0 and *next, the first address not dealt with; -ENOMEM.
 */
static int unmap_step(struct slat *slat, u64 address, u64 end, u64 *next)
{
    const struct slat_format *format = slat->format;
    hpa_t table = slat->root;

    for (unsigned level = format->levels;; level--) {
        u64 *entry = entry_at(table, address, level);
        u64 covered = entry_bytes(level);

        *next = ALIGN_DOWN(address, covered) + covered;
        if (!format->is_present(*entry))
            return 0;
        if (format->is_leaf(*entry, level)) {
            if (IS_ALIGNED(address, covered) && *next <= end) {
                pte_store(entry, 0);
                return 0;
            }
            if (split_leaf(slat, entry, level))
                return -ENOMEM;
        }
        table = format->address(*entry);
    }
}

int slat_unmap(struct slat *slat, gpa_t guest, u64 bytes)
{
    u64 end = guest.v + bytes;

    if (!range_is_valid(guest.v, bytes))
        return -EINVAL;
    slat->generation++;
    for (u64 at = guest.v; at < end;) {
        int rc = unmap_step(slat, at, end, &at);

        if (rc)
            return rc;
    }
    return 0;
}

int slat_lookup(const struct slat *slat, gpa_t guest, struct slat_translation *out)
{
    const struct slat_format *format = slat->format;
    hpa_t table = slat->root;

    if (guest.v >= BIT(ADDRESS_BITS))
        return -EFAULT;
    for (unsigned level = format->levels; level > 0; level--) {
        u64 entry = __atomic_load_n(entry_at(table, guest.v, level), __ATOMIC_ACQUIRE);

        if (!format->is_present(entry))
            return -EFAULT;
        table = format->address(entry);
        if (!format->is_leaf(entry, level))
            continue;
        out->host = hpa(table.v + guest.v % entry_bytes(level));
        out->page_bytes = entry_bytes(level);
        out->access = format->access(entry);
        return 0;
    }
    return -EFAULT;
}
