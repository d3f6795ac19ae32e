/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: host blocks as large as the allocator has them, so a VM has a handful of slots and
 * a look-up is a few comparisons. Accesses are by copy only; nobody outside holds a pointer into
 * guest memory.
 */
#include "mm/gmem.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define SLOTS_AT_FIRST 16u
#define GUEST_ACCESS   (SLAT_READ | SLAT_WRITE | SLAT_EXEC)

int gmem_init(struct gmem *gmem, u64 max_bytes)
{
    *gmem = (struct gmem){
        .max_bytes = max_bytes, .slot_capacity = SLOTS_AT_FIRST, .node = PMM_NODE_ANY};
    gmem->slots = kmalloc(SLOTS_AT_FIRST * sizeof(struct gmem_slot));
    return gmem->slots ? 0 : -ENOMEM;
}

void gmem_fini(struct gmem *gmem)
{
    for (u32 i = 0; i < gmem->slot_count; i++)
        pmm_free_dirty(gmem->slots[i].host, gmem->slots[i].order, PMM_GUEST);
    kfree(gmem->slots);
    *gmem = (struct gmem){0};
}

/* Index of the first slot that ends above the address; slot_count if none does. */
static u32 slot_index(const struct gmem *gmem, u64 address)
{
    u32 low = 0;
    u32 high = gmem->slot_count;

    while (low < high) {
        u32 mid = low + (high - low) / 2;
        const struct gmem_slot *slot = &gmem->slots[mid];

        if (address - slot->guest.v < slot->bytes)
            return mid;
        if (slot->guest.v > address)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* Makes room for one more slot. Return: 0, -ENOMEM (also if GMEM_SLOTS_MAX is reached). */
static int slots_grow(struct gmem *gmem)
{
    u32 capacity = gmem->slot_capacity * 2;
    struct gmem_slot *slots;

    if (gmem->slot_count < gmem->slot_capacity)
        return 0;
    if (capacity > GMEM_SLOTS_MAX)
        return -ENOMEM;
    slots = kmalloc(capacity * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    memcpy(slots, gmem->slots, gmem->slot_count * sizeof(*slots));
    kfree(gmem->slots);
    gmem->slots = slots;
    gmem->slot_capacity = capacity;
    return 0;
}

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
 * The best block aligned to the guest address and not larger than the rest. Large pages count for
 * more than the right node, and that for more than saving the work of zeroing.
 */
static int block_alloc(u32 node, u64 guest, u64 bytes, hpa_t *host, unsigned *order)
{
    unsigned o = PMM_ORDER_MAX;

    while (o > 0 && (!IS_ALIGNED(guest, PAGE_SIZE << o) || PAGE_SIZE << o > bytes))
        o--;
    *order = o;
    if (block_take(node, PMM_WANT_CLEAN, PMM_ORDER_2M, order, host) ||
        block_take(node, PMM_WANT_ZEROED, PMM_ORDER_2M, order, host) ||
        block_take(PMM_NODE_ANY, PMM_WANT_ZEROED, PMM_ORDER_2M, order, host))
        return 0;
    *order = MIN(o, PMM_ORDER_2M - 1);
    if (block_take(node, PMM_WANT_ZEROED, PMM_ORDER_4K, order, host) ||
        block_take(PMM_NODE_ANY, PMM_WANT_ZEROED, PMM_ORDER_4K, order, host))
        return 0;
    return -ENOMEM;
}

/* Backs the start of the range with one block. Return: bytes backed, or negative. */
static s64 populate_block(struct gmem *gmem, struct slat *slat, u64 guest, u64 bytes)
{
    unsigned order;
    hpa_t host;
    u32 at;
    int rc = slots_grow(gmem);

    if (rc)
        return rc;
    rc = block_alloc(gmem->node, guest, bytes, &host, &order);
    if (rc)
        return rc;
    at = slot_index(gmem, guest);
    memmove(&gmem->slots[at + 1], &gmem->slots[at],
            (gmem->slot_count - at) * sizeof(gmem->slots[0]));
    gmem->slots[at] = (struct gmem_slot){gpa(guest), PAGE_SIZE << order, host, (u8)order};
    gmem->slot_count++;
    gmem->total_bytes += PAGE_SIZE << order;
    if (order >= PMM_ORDER_2M)
        gmem->large_bytes += PAGE_SIZE << order;
    rc = slat_map(slat, gpa(guest), host, PAGE_SIZE << order, GUEST_ACCESS, SLAT_MEM_WB);
    return rc ? rc : (s64)(PAGE_SIZE << order);
}

int gmem_populate(struct gmem *gmem, struct slat *slat, gpa_t guest, u64 bytes)
{
    u32 at = slot_index(gmem, guest.v);

    assert(!gmem->frozen);
    if (!IS_ALIGNED(guest.v | bytes, PAGE_SIZE) || guest.v + bytes < guest.v ||
        bytes > gmem->max_bytes - gmem->total_bytes)
        return -EINVAL;
    if (at < gmem->slot_count && gmem->slots[at].guest.v < guest.v + bytes)
        return -EEXIST;
    while (bytes > 0) {
        s64 done = populate_block(gmem, slat, guest.v, bytes);

        if (done < 0)
            return (int)done;
        guest.v += (u64)done;
        bytes -= (u64)done;
    }
    return 0;
}

bool gmem_is_ram(const struct gmem *gmem, gpa_t guest, u64 bytes)
{
    u32 i = slot_index(gmem, guest.v);

    for (; i < gmem->slot_count && gmem->slots[i].guest.v <= guest.v; i++) {
        u64 left = gmem->slots[i].bytes - (guest.v - gmem->slots[i].guest.v);

        if (bytes <= left)
            return true;
        guest.v += left;
        bytes -= left;
    }
    return bytes == 0;
}

/* Host address of guest RAM and how many bytes follow it in its slot. The caller has checked that
 * it is RAM. */
static u8 *slot_pointer(const struct gmem *gmem, u64 guest, size_t bytes, size_t *chunk)
{
    const struct gmem_slot *slot = &gmem->slots[slot_index(gmem, guest)];
    u64 offset = guest - slot->guest.v;

    *chunk = MIN(bytes, slot->bytes - offset);
    return (u8 *)hpa_to_ptr(slot->host) + offset;
}

/* NULL unless the whole range lies in one slot. */
static u8 *within_slot(const struct gmem *gmem, u64 guest, size_t bytes)
{
    u32 i = slot_index(gmem, guest);
    const struct gmem_slot *slot = &gmem->slots[i];

    if (i >= gmem->slot_count || guest < slot->guest.v ||
        bytes > slot->bytes - (guest - slot->guest.v))
        return NULL;
    return (u8 *)hpa_to_ptr(slot->host) + (guest - slot->guest.v);
}

int gmem_read(const struct gmem *gmem, gpa_t guest, void *dst, size_t bytes)
{
    const u8 *whole = within_slot(gmem, guest.v, bytes);
    u8 *to = dst;
    size_t chunk;

    if (whole != NULL) {
        if (bytes == sizeof(u64)) /* page-table entries: by far the most frequent */
            __builtin_memcpy(dst, whole, sizeof(u64));
        else
            memcpy(dst, whole, bytes);
        return 0;
    }
    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    for (; bytes > 0; bytes -= chunk, guest.v += chunk, to += chunk) {
        const u8 *from = slot_pointer(gmem, guest.v, bytes, &chunk);

        memcpy(to, from, chunk);
    }
    return 0;
}

int gmem_write(const struct gmem *gmem, gpa_t guest, const void *src, size_t bytes)
{
    const u8 *from = src;
    size_t chunk;

    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    for (; bytes > 0; bytes -= chunk, guest.v += chunk, from += chunk) {
        u8 *to = slot_pointer(gmem, guest.v, bytes, &chunk);

        memcpy(to, from, chunk);
    }
    return 0;
}

int gmem_zero(const struct gmem *gmem, gpa_t guest, size_t bytes)
{
    size_t chunk;

    if (!gmem_is_ram(gmem, guest, bytes))
        return -EFAULT;
    for (; bytes > 0; bytes -= chunk, guest.v += chunk) {
        u8 *to = slot_pointer(gmem, guest.v, bytes, &chunk);

        memset(to, 0, chunk);
    }
    return 0;
}

int gmem_load_u16(const struct gmem *gmem, gpa_t guest, u16 *value)
{
    const u8 *word = within_slot(gmem, guest.v, sizeof(*value));

    if (!IS_ALIGNED(guest.v, sizeof(*value)))
        return -EINVAL;
    if (word == NULL)
        return -EFAULT;
    *value = __atomic_load_n((const u16 *)(const void *)word, __ATOMIC_ACQUIRE);
    return 0;
}

int gmem_store_u16(const struct gmem *gmem, gpa_t guest, u16 value)
{
    u8 *word = within_slot(gmem, guest.v, sizeof(value));

    if (!IS_ALIGNED(guest.v, sizeof(value)))
        return -EINVAL;
    if (word == NULL)
        return -EFAULT;
    __atomic_store_n((u16 *)(void *)word, value, __ATOMIC_RELEASE);
    return 0;
}

int gmem_store_u32(const struct gmem *gmem, gpa_t guest, u32 value)
{
    u8 *word = within_slot(gmem, guest.v, sizeof(value));

    if (!IS_ALIGNED(guest.v, sizeof(value)))
        return -EINVAL;
    if (word == NULL)
        return -EFAULT;
    __atomic_store_n((u32 *)(void *)word, value, __ATOMIC_RELEASE);
    return 0;
}

int gmem_exchange_u8(const struct gmem *gmem, gpa_t guest, u8 value, u8 *old)
{
    u8 *byte = within_slot(gmem, guest.v, sizeof(value));

    if (byte == NULL)
        return -EFAULT;
    *old = __atomic_exchange_n(byte, value, __ATOMIC_SEQ_CST);
    return 0;
}
