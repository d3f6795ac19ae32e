/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host memory for guests: blocks as large as the allocator has them when a VM is built, frame by
 * frame when it takes again what it has given back.
 */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/gmem.h"
#include "mm/gmem_impl.h"
#include "mm/kheap.h"

#define GUEST_ACCESS (SLAT_READ | SLAT_WRITE | SLAT_EXEC)

int gmem_init(struct gmem *gmem, u64 max_bytes)
{
    *gmem = (struct gmem){.max_bytes = max_bytes, .node = PMM_NODE_ANY};
    gmem->ram = kzalloc(sizeof(*gmem->ram));
    if (!gmem->ram)
        return -ENOMEM;
    spin_init(&gmem->ram->lock, "guest memory", LOCK_GMEM);
    return 0;
}

/* Frees the blocks that `count` entries are parts of. */
static void entries_free(const u64 *entries, u64 count, unsigned entry_pages_order)
{
    for (u64 i = 0; i < count;) {
        unsigned order = entry_order(entries[i]);

        if (entry_is_absent(entries[i])) {
            i++;
            continue;
        }
        pmm_free_dirty(hpa(entries[i] & ENTRY_HOST), order, PMM_GUEST);
        i += BIT(order - entry_pages_order);
    }
}

void gmem_entry_free(u64 entry)
{
    if ((entry & ENTRY_SMALL) != 0) {
        entries_free(entry_table(entry), FRAME_PAGES, PMM_ORDER_4K);
        pmm_free(hpa(entry & ENTRY_HOST), PMM_ORDER_4K, PMM_HYPERVISOR, false);
    } else {
        entries_free(&entry, 1, PMM_ORDER_2M);
    }
}

void gmem_fini(struct gmem *gmem)
{
    struct gmem_ram *ram = gmem->ram;

    for (u64 i = 0; i < ram->frame_count;) {
        u64 entry = ram->frames[i];

        gmem_entry_free(entry);
        i += entry_order(entry) > PMM_ORDER_2M ? BIT(entry_order(entry) - PMM_ORDER_2M) : 1;
    }
    pmm_promise_change(-(s64)ram->promised_bytes);
    kfree(ram->frames);
    kfree(ram->pins);
    kfree(ram);
    *gmem = (struct gmem){0};
}

void gmem_get_stats(const struct gmem *gmem, struct gmem_stats *out)
{
    struct gmem_ram *ram = gmem->ram;
    u64 flags = spin_lock_irqsave(&ram->lock);

    *out = (struct gmem_stats){ram->total_bytes, ram->resident_bytes, ram->large_bytes};
    spin_unlock_irqrestore(&ram->lock, flags);
}

/* -- blocks
 * ---------------------------------------------------------------------------------------------------
 */

/* The largest block of at most order *order and at least `least`. Return: true if there is one. */
static bool block_take(u32 node, enum pmm_want want, unsigned least, unsigned *order, hpa_t *host)
{
    for (unsigned o = *order + 1; o-- > least;) {
        if (pmm_alloc_on(node, o, PMM_GUEST, want, host))
            continue;
        *order = o;
        return true;
    }
    return false;
}

/*
 * The best block of whole frames, aligned to the guest address and not larger than the rest. Large
 * pages count for more than the right node, and that for more than saving the work of zeroing.
 */
static bool large_take(u32 node, u64 guest, u64 bytes, hpa_t *host, unsigned *order)
{
    unsigned o = PMM_ORDER_MAX;

    while (o > PMM_ORDER_2M && (!IS_ALIGNED(guest, PAGE_SIZE << o) || PAGE_SIZE << o > bytes))
        o--;
    *order = o;
    return block_take(node, PMM_WANT_CLEAN, PMM_ORDER_2M, order, host) ||
           block_take(node, PMM_WANT_ZEROED, PMM_ORDER_2M, order, host) ||
           block_take(PMM_NODE_ANY, PMM_WANT_ZEROED, PMM_ORDER_2M, order, host);
}

/* Fills the pages of a small frame. Return: 0, -ENOMEM (what it has is in the table). */
static int table_fill(u32 node, u64 *table)
{
    for (u64 i = 0; i < FRAME_PAGES;) {
        unsigned order =
            i == 0 ? PMM_ORDER_2M - 1 : MIN(PMM_ORDER_2M - 1, (unsigned)__builtin_ctzll(i));
        hpa_t host;

        if (!block_take(node, PMM_WANT_ZEROED, PMM_ORDER_4K, &order, &host) &&
            !block_take(PMM_NODE_ANY, PMM_WANT_ZEROED, PMM_ORDER_4K, &order, &host))
            return -ENOMEM;
        for (u64 end = i + BIT(order); i < end; i++, host.v += PAGE_SIZE)
            table[i] = entry_of(host, order);
    }
    return 0;
}

/* A frame of small blocks. Return: 0, -ENOMEM. */
static int small_take(u32 node, u64 *entry)
{
    hpa_t table;
    int rc = pmm_alloc(PMM_ORDER_4K, PMM_HYPERVISOR, true, &table);

    if (rc)
        return rc;
    *entry = table.v | ENTRY_SMALL | ENTRY_RAM;
    rc = table_fill(node, hpa_to_ptr(table));
    if (rc)
        gmem_entry_free(*entry);
    return rc;
}

int gmem_entry_take(u32 node, u64 guest, u64 bytes, u64 *entry)
{
    unsigned order;
    hpa_t host;

    if (!large_take(node, guest, bytes, &host, &order))
        return small_take(node, entry);
    *entry = entry_of(host, order);
    return 0;
}

int gmem_entry_map(struct slat *slat, u64 guest, u64 entry)
{
    bool is_small = (entry & ENTRY_SMALL) != 0;
    const u64 *entries = is_small ? entry_table(entry) : &entry;
    u64 bytes = is_small ? GMEM_FRAME_BYTES : PAGE_SIZE << entry_order(entry);
    int rc = 0;

    for (u64 at = 0; rc == 0 && at < bytes; at += PAGE_SIZE << entry_order(*entries)) {
        entries = is_small ? &entry_table(entry)[at / PAGE_SIZE] : &entry;
        rc = slat_map(slat, gpa(guest + at), hpa(*entries & ENTRY_HOST),
                      PAGE_SIZE << entry_order(*entries), GUEST_ACCESS, SLAT_MEM_WB);
    }
    if (rc != 0) {
        int undone = slat_unmap(slat, gpa(guest), bytes);

        assert(undone == 0); /* whole blocks are never split, so it needs no memory */
    }
    return rc;
}

void gmem_count(struct gmem_ram *ram, u64 entry, s64 bytes)
{
    ram->resident_bytes += (u64)bytes;
    if ((entry & ENTRY_SMALL) == 0)
        ram->large_bytes += (u64)bytes;
}

/* -- the builder
 * ----------------------------------------------------------------------------------------------
 */

/* Makes the table reach up to `end`. Return: 0, -ENOMEM. */
static int frames_grow(struct gmem_ram *ram, u64 end)
{
    u64 count = end / GMEM_FRAME_BYTES;
    u64 *frames;
    u32 *pins;

    if (count <= ram->frame_count)
        return 0;
    frames = kzalloc(count * sizeof(*frames));
    pins = kzalloc(count * sizeof(*pins)); /* nobody has pinned anything yet */
    if (!frames || !pins) {
        kfree(frames);
        kfree(pins);
        return -ENOMEM;
    }
    if (ram->frames)
        memcpy(frames, ram->frames, ram->frame_count * sizeof(*frames));
    kfree(ram->frames);
    kfree(ram->pins);
    ram->frames = frames;
    ram->pins = pins;
    ram->frame_count = count;
    return 0;
}

/* Enters a range, joined with those it touches. Return: 0, -EEXIST (overlap), -ENOMEM (too many).
 */
static int range_add(struct gmem_ram *ram, u64 base, u64 end)
{
    u32 at = 0, joined;

    while (at < ram->range_count && ram->ranges[at].end < base)
        at++;
    for (joined = at; joined < ram->range_count && ram->ranges[joined].base <= end; joined++) {
        const struct gmem_range *r = &ram->ranges[joined];

        if (r->base < end && base < r->end)
            return -EEXIST;
        base = MIN(base, r->base);
        end = MAX(end, r->end);
    }
    if (joined == at && ram->range_count == GMEM_RANGES_MAX)
        return -ENOMEM;
    memmove(&ram->ranges[at + 1], &ram->ranges[joined],
            (ram->range_count - joined) * sizeof(ram->ranges[0]));
    ram->range_count += 1 + at - joined;
    ram->ranges[at] = (struct gmem_range){base, end};
    return 0;
}

/* Backs the start of the range with one block, or one small frame. Return: bytes backed, or
 * negative. */
static s64 populate_block(struct gmem *gmem, u64 guest, u64 bytes)
{
    struct gmem_ram *ram = gmem->ram;
    u64 frame = guest / GMEM_FRAME_BYTES, entry;
    bool is_small;
    int rc = gmem_entry_take(gmem->node, guest, bytes, &entry);

    if (rc)
        return rc;
    rc = gmem_entry_map(ram->slat, guest, entry);
    if (rc) {
        gmem_entry_free(entry);
        return rc;
    }
    is_small = (entry & ENTRY_SMALL) != 0;
    bytes = is_small ? GMEM_FRAME_BYTES : PAGE_SIZE << entry_order(entry);
    for (u64 at = 0; at < bytes; at += GMEM_FRAME_BYTES)
        ram->frames[frame++] = entry + at;
    gmem_count(ram, entry, (s64)bytes);
    return (s64)bytes;
}

int gmem_populate(struct gmem *gmem, struct slat *slat, gpa_t guest, u64 bytes)
{
    struct gmem_ram *ram = gmem->ram;
    int rc;

    assert(!gmem->frozen && (ram->slat == NULL || ram->slat == slat));
    if (!IS_ALIGNED(guest.v | bytes, GMEM_FRAME_BYTES) || guest.v + bytes < guest.v ||
        bytes > gmem->max_bytes - ram->total_bytes)
        return -EINVAL;
    ram->slat = slat;
    rc = frames_grow(ram, guest.v + bytes);
    if (rc == 0)
        rc = range_add(ram, guest.v, guest.v + bytes);
    if (rc)
        return rc;
    ram->total_bytes += bytes;
    while (bytes > 0) {
        s64 done = populate_block(gmem, guest.v, bytes);

        if (done < 0)
            return (int)done;
        guest.v += (u64)done;
        bytes -= (u64)done;
    }
    return 0;
}
