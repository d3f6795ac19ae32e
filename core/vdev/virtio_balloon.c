/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-balloon: the guest gives memory back, on request (the balloon, page by page) and by itself
 * (free pages it reports, in large pieces).
 *
 * The host takes whole frames of 2 MiB only: of the balloon, those that all pages are in. What the
 * guest touches afterwards it has again, as zeroes, whether it said so or not; so leaving the
 * balloon costs nothing here but a bit.
 *
 * One vCPU serves at a time, for all that ring meanwhile; how much it does for one doorbell is
 * bounded. Chains beyond are left until the next one, pages beyond are simply not taken, which the
 * device is free to do. Spec: Virtio 1.2, 5.5 "Traditional Memory Balloon Device".
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_balloon_map.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vm/vm.h"
#include "core/vm/vm_memory.h"
#include "mm/kheap.h"

#define BALLOON_CLASS 0x00ff00u /* no class has a name for it */

#define F_DEFLATE_ON_OOM BIT(2)
#define F_REPORTING      BIT(5)

/*
 * Queues. Reporting is number 4 in the specification; drivers that leave out the numbers of queues
 * not negotiated (Linux up to 6.10) use 2. There is no other queue behind 1, so any is for reports.
 */
#define QUEUE_INFLATE 0u
#define QUEUE_DEFLATE 1u
#define QUEUES        5u
#define QUEUE_SIZE    64u

/* Spec: Virtio 1.2, 5.5.4 "Device configuration layout". */
#define CONFIG_NUM_PAGES   0u
#define CONFIG_ACTUAL      4u
#define CONFIG_ACTUAL_MASK 0xf0u
#define CONFIG_BYTES       16u

/* Bounds of the work for one doorbell. */
#define ROUNDS      4u /* of looking at queues that rang meanwhile */
#define CHAINS      QUEUE_SIZE
#define CHAIN_PAGES 1024u /* Linux puts 256 into one */
#define FRAMES      512u  /* looked at; Linux reports up to 64 at once */

#define PIECE_PAGES GMEM_BATCH_FRAMES /* of a list, under the lock: each may make a frame whole */

struct balloon {
    struct virtio virtio;   /* its lock protects the map */
    struct balloon_map map; /* words: NULL before the first page comes */
    u32 pending;            /* (a) queues that rang, a bit each */
    u32 is_serving;         /* (a) protects everything below */
    struct virtq_chain chain;
    struct gmem_batch batch;
    u32 pages[PIECE_PAGES];
    u32 frames_left;
};

_Static_assert(BALLOON_FRAME_PAGES *PAGE_SIZE == GMEM_FRAME_BYTES, "frames of memory");

static struct vm *vm_of(const struct balloon *b)
{
    return b->virtio.dev.vm;
}

/* False after a reset: what the chain says does not hold any more. Context: device's lock. */
static bool is_current(const struct balloon *b, u16 queue)
{
    return b->virtio.queues[queue].ring.generation == b->chain.generation;
}

/* -- the balloon
 * ----------------------------------------------------------------------------------------------
 */

/* Context: device's lock. */
static void move_page(struct balloon *b, u16 queue, u64 page)
{
    const struct gmem *gmem = &vm_of(b)->gmem;
    gpa_t at = gpa(page * PAGE_SIZE);

    if (!gmem_is_ram(gmem, at, PAGE_SIZE))
        return;
    if (queue == QUEUE_DEFLATE)
        balloon_map_remove(&b->map, page);
    else if (balloon_map_add(&b->map, page))
        (void)gmem_detach(gmem, at, &b->batch);
}

/* Return: false if there is no memory for the map: then the device takes nothing. */
static bool map_make(struct balloon *b)
{
    u64 *words;
    u64 flags;

    if (__atomic_load_n(&b->map.words, __ATOMIC_RELAXED))
        return true;
    words = kzalloc(balloon_map_bytes(b->map.pages));
    flags = spin_lock_irqsave(&b->virtio.dev.lock);
    b->map.words = words; /* only who serves sets it */
    spin_unlock_irqrestore(&b->virtio.dev.lock, flags);
    return words != NULL;
}

/* A list of page numbers, 32 bits each. */
static void move_pages(struct balloon *b, u16 queue)
{
    struct vm *vm = vm_of(b);
    u32 done = 0;
    size_t count;

    if (queue == QUEUE_INFLATE && !map_make(b))
        return;
    do {
        u64 flags;

        count =
            virtq_chain_read(&vm->gmem, &b->chain, done * sizeof(u32), b->pages, sizeof(b->pages)) /
            sizeof(u32);
        flags = spin_lock_irqsave(&b->virtio.dev.lock);
        for (size_t i = 0; i < count && b->map.words && is_current(b, queue); i++)
            move_page(b, queue, b->pages[i]);
        spin_unlock_irqrestore(&b->virtio.dev.lock, flags);
        vm_memory_release(vm, &b->batch);
        done += PIECE_PAGES;
    } while (count == PIECE_PAGES && done < CHAIN_PAGES);
}

/* -- free pages
 * -----------------------------------------------------------------------------------------------
 */

/* The frames that lie in the range as a whole. */
static void take_range(struct balloon *b, u16 queue, u64 at, u64 end)
{
    struct vm *vm = vm_of(b);

    at = ALIGN_UP(at, GMEM_FRAME_BYTES);
    while (at < end && end - at >= GMEM_FRAME_BYTES && b->frames_left > 0) {
        u64 flags = spin_lock_irqsave(&b->virtio.dev.lock);

        if (is_current(b, queue))
            (void)gmem_detach(&vm->gmem, gpa(at), &b->batch);
        spin_unlock_irqrestore(&b->virtio.dev.lock, flags);
        if (b->batch.count == GMEM_BATCH_FRAMES)
            vm_memory_release(vm, &b->batch);
        b->frames_left--;
        at += GMEM_FRAME_BYTES;
    }
}

static void take_reported(struct balloon *b, u16 queue)
{
    for (u32 i = b->chain.read_count; i < b->chain.count; i++) {
        const struct virtq_segment *s = &b->chain.segments[i];

        take_range(b, queue, s->guest.v, s->guest.v + s->bytes);
    }
    vm_memory_release(vm_of(b), &b->batch);
}

/* -- the device
 * -----------------------------------------------------------------------------------------------
 */

/* Chains go back when nobody remembers their pages any more: the guest may use those at once. */
static void serve_queue(struct balloon *b, u16 queue)
{
    u32 chains = 0;

    while (chains < CHAINS && virtio_pop(&b->virtio, queue, &b->chain) == 0) {
        if (queue <= QUEUE_DEFLATE)
            move_pages(b, queue);
        else
            take_reported(b, queue);
        virtio_push(&b->virtio, queue, &b->chain, 0);
        chains++;
    }
    if (chains > 0)
        virtio_signal(&b->virtio, queue);
    if (chains == CHAINS) /* those left are announced by the next one's doorbell */
        (void)virtio_listen(&b->virtio, queue);
}

static void serve(struct balloon *b)
{
    u32 pending = __atomic_exchange_n(&b->pending, 0, __ATOMIC_SEQ_CST);

    for (u16 queue = 0; queue < QUEUES; queue++) {
        if ((pending & BIT(queue)) != 0)
            serve_queue(b, queue);
    }
}

/* Who finds another one serving leaves it to that one, which looks again when it is done. */
static void balloon_notify(struct virtio *dev, u16 queue)
{
    struct balloon *b = container_of(dev, struct balloon, virtio);
    bool has_budget = false;

    __atomic_fetch_or(&b->pending, (u32)BIT(queue), __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < ROUNDS && __atomic_load_n(&b->pending, __ATOMIC_SEQ_CST) != 0; i++) {
        if (__atomic_exchange_n(&b->is_serving, 1, __ATOMIC_SEQ_CST) != 0)
            return;
        if (!has_budget)
            b->frames_left = FRAMES;
        has_budget = true;
        serve(b);
        __atomic_store_n(&b->is_serving, 0, __ATOMIC_SEQ_CST);
    }
}

/* A driver that begins anew has all its pages. */
static void balloon_reset(struct virtio *dev)
{
    struct balloon *b = container_of(dev, struct balloon, virtio);

    kfree(b->map.words);
    b->map.words = NULL;
}

static void balloon_fini(struct virtio *dev)
{
    struct balloon *b = container_of(dev, struct balloon, virtio);

    virtio_fini(dev);
    kfree(b->map.words);
    kfree(b);
}

static const struct virtio_ops balloon_ops = {
    .notify = balloon_notify, .reset = balloon_reset, .fini = balloon_fini};

static const struct virtio_model balloon_model = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .class_code = BALLOON_CLASS,
    .features = F_DEFLATE_ON_OOM | F_REPORTING,
    .queue_count = QUEUES,
    .queue_size = QUEUE_SIZE,
    .config_bytes = CONFIG_BYTES,
    .config_writable = CONFIG_ACTUAL_MASK,
    .ops = &balloon_ops,
};

int virtio_balloon_create(struct vm *vm, u64 ram_end, u64 balloon_bytes)
{
    struct balloon *b = kzalloc(sizeof(*b));
    u32 pages = (u32)(balloon_bytes / PAGE_SIZE);
    int rc;

    if (!b)
        return -ENOMEM;
    b->map.pages = ram_end / PAGE_SIZE;
    memcpy(&b->virtio.config[CONFIG_NUM_PAGES], &pages, sizeof(pages));
    rc = virtio_create(&b->virtio, vm, &balloon_model);
    if (rc == -ENOMEM)
        kfree(b);
    return rc;
}

void virtio_balloon_set(struct vm *vm, u64 balloon_bytes)
{
    u32 pages = (u32)(balloon_bytes / PAGE_SIZE);

    for (struct vdev *dev = vm->devices; dev; dev = dev->next) {
        if (dev->name == balloon_model.name)
            virtio_config_set(container_of(dev, struct virtio, dev), CONFIG_NUM_PAGES, &pages,
                              sizeof(pages));
    }
}
