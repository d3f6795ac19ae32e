/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slab heap: a slab is one page with a header and equal objects; larger blocks come straight from
 * the page allocator.
 *
 * Because of its header no slab hands out the start of a page, so a page-aligned pointer is a large
 * block and any other finds its slab by rounding down. Slabs with free objects are linked per
 * class; full ones are not linked at all and come back when an object is freed.
 */
#include "mm/kheap.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/list.h"
#include "core/lib/string.h"
#include "core/x86/spinlock.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define SLAB_MAGIC 0x51ab51abu

struct slab {
    struct list link; /* class list, or alone when full */
    void *free;       /* freed objects, linked through their first word */
    u32 magic;
    u16 class;
    u16 used;   /* live objects */
    u16 carved; /* objects ever handed out; those beyond were never touched */
} aligned_to(16);

struct object {
    struct object *next;
};

/* Chosen to fill (page - header) with little waste; multiples of 16. */
static const u16 class_bytes[] = {16,  32,  48,  64,  96,   128,  192,
                                  256, 336, 496, 672, 1008, 1344, 2016};

#define CLASSES ARRAY_SIZE(class_bytes)

static struct {
    struct spinlock lock;
    bool is_ready;
    struct list partial[CLASSES];
    struct kheap_stats stats;
} heap = {.lock = SPINLOCK_INIT("heap", LOCK_HEAP)};

static unsigned class_for(size_t bytes)
{
    unsigned class = 0;

    while (class < CLASSES && class_bytes[class] < bytes)
        class ++;
    return class;
}

static u16 slab_capacity(const struct slab *slab)
{
    return (u16)((PAGE_SIZE - sizeof(struct slab)) / class_bytes[slab->class]);
}

/* Return: NULL if there is no memory. */
static struct slab *slab_create(unsigned class)
{
    struct slab *slab;
    hpa_t page;

    if (pmm_alloc(PMM_ORDER_4K, PMM_HYPERVISOR, false, &page))
        return NULL;
    slab = hpa_to_ptr(page);
    *slab = (struct slab){.magic = SLAB_MAGIC, .class = (u16) class};
    list_push_front(&heap.partial[class], &slab->link);
    heap.stats.page_bytes += PAGE_SIZE;
    return slab;
}

static void *slab_take(struct slab *slab)
{
    struct object *object = slab->free;

    if (object)
        slab->free = object->next;
    else
        object = (void *)((u8 *)(slab + 1) + (size_t)slab->carved++ * class_bytes[slab->class]);
    slab->used++;
    if (slab->used == slab_capacity(slab))
        list_remove(&slab->link);
    return object;
}

static void heap_prepare(void)
{
    for (unsigned class = 0; class < CLASSES; class ++)
        list_init(&heap.partial[class]);
    heap.is_ready = true;
}

static void *small_alloc(unsigned class)
{
    u64 flags = spin_lock_irqsave(&heap.lock);
    struct slab *slab = NULL;
    void *p = NULL;

    if (!heap.is_ready)
        heap_prepare();
    if (!list_empty(&heap.partial[class]))
        slab = list_entry(heap.partial[class].next, struct slab, link);
    else
        slab = slab_create(class);
    if (slab) {
        p = slab_take(slab);
        heap.stats.live_blocks++;
        heap.stats.live_bytes += class_bytes[class];
    }
    spin_unlock_irqrestore(&heap.lock, flags);
    return p;
}

static void account_large(u64 bytes, bool is_alloc)
{
    u64 flags = spin_lock_irqsave(&heap.lock);

    heap.stats.live_blocks += is_alloc ? 1 : -1ull;
    heap.stats.live_bytes += is_alloc ? bytes : -bytes;
    heap.stats.page_bytes += is_alloc ? bytes : -bytes;
    spin_unlock_irqrestore(&heap.lock, flags);
}

static void *large_alloc(size_t bytes)
{
    unsigned order = pmm_order_for(bytes);
    hpa_t block;

    if (pmm_alloc(order, PMM_HYPERVISOR, false, &block))
        return NULL;
    account_large(PAGE_SIZE << order, true);
    return hpa_to_ptr(block);
}

void *kmalloc(size_t bytes)
{
    unsigned class = class_for(bytes);

    return class < CLASSES ? small_alloc(class) : large_alloc(bytes);
}

void *kzalloc(size_t bytes)
{
    void *p = kmalloc(bytes);

    if (p)
        memset(p, 0, bytes);
    return p;
}

static void small_free(void *p)
{
    struct slab *slab = (void *)((u8 *)p - ((uintptr_t)p & PAGE_MASK));
    struct object *object = p;
    u64 flags = spin_lock_irqsave(&heap.lock);

    assert(slab->magic == SLAB_MAGIC && slab->used > 0);
    heap.stats.live_blocks--;
    heap.stats.live_bytes -= class_bytes[slab->class];
    if (slab->used == slab_capacity(slab))
        list_push_front(&heap.partial[slab->class], &slab->link);
    object->next = slab->free;
    slab->free = object;
    slab->used--;
    if (slab->used == 0) {
        list_remove(&slab->link);
        slab->magic = 0;
        heap.stats.page_bytes -= PAGE_SIZE;
        pmm_free(ptr_to_hpa(slab), PMM_ORDER_4K, PMM_HYPERVISOR, false);
    }
    spin_unlock_irqrestore(&heap.lock, flags);
}

void kfree(void *p)
{
    unsigned order;

    if (!p)
        return;
    if (!IS_ALIGNED((uintptr_t)p, PAGE_SIZE)) {
        small_free(p);
        return;
    }
    order = pmm_order_of(ptr_to_hpa(p));
    account_large(PAGE_SIZE << order, false);
    pmm_free(ptr_to_hpa(p), order, PMM_HYPERVISOR, false);
}

void kheap_get_stats(struct kheap_stats *out)
{
    u64 flags = spin_lock_irqsave(&heap.lock);

    *out = heap.stats;
    spin_unlock_irqrestore(&heap.lock, flags);
}
