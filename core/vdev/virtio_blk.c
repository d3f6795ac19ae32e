/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-blk: a disk on a volume, with a queue per vCPU up to a few.
 *
 * The vCPU that rings the doorbell takes requests and hands them to the volume itself; what the
 * volume cannot answer at once is finished by the task that carries the answer (of the queue of the
 * host's disk). A request is in a slot, and there are so many slots at most; chains beyond wait in
 * the ring. What a doorbell leaves undone, for want of a slot, for the limit, or because there is
 * so much of it, is done by a task of the device. No lock is held while the volume works. Spec:
 * Virtio 1.2, 5.2 "Block Device".
 *
 * Not offered: CONFIG_WCE, secure erase, zoned devices, the geometry of cylinders.
 */
#include "core/vdev/virtio_blk.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_blk_impl.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define BLK_CLASS      0x018000u /* mass storage, other */
#define BLK_BATCH      64u       /* requests in one go, */
#define BLK_BATCH_MAX  MiB       /* and bytes that are copied for them, but for the last one */
#define BLK_SLOTS_KEPT 4u        /* without a request */

/* Spec: Virtio 1.2, 5.2.4 "Device configuration layout". */
struct blk_config {
    u64 capacity;
    u32 size_max;
    u32 seg_max;
    u8 geometry[4];
    u32 blk_size;
    u8 physical_block_exp;
    u8 alignment_offset;
    u16 min_io_size;
    u32 opt_io_size;
    u8 writeback;
    u8 unused0;
    u16 num_queues;
    u32 max_discard_sectors;
    u32 max_discard_seg;
    u32 discard_sector_alignment;
    u32 max_write_zeroes_sectors;
    u32 max_write_zeroes_seg;
    u8 write_zeroes_may_unmap;
    u8 unused1[3];
} packed;

_Static_assert(sizeof(struct blk_config) == 60, "layout");

static struct vblk *blk_of(struct virtio *dev)
{
    return container_of(dev, struct vblk, virtio);
}

/* -- slots
 * -----------------------------------------------------------------------------------------------
 */

/* One more, free. Return: false: no memory. */
static bool slot_make(struct vblk *blk)
{
    struct blk_slot *slot = kmalloc(sizeof(*slot));
    u64 flags;

    if (!slot)
        return false;
    slot->blk = blk;
    flags = spin_lock_irqsave(&blk->virtio.dev.lock);
    list_push_front(&blk->free_slots, &slot->link);
    blk->slots++;
    spin_unlock_irqrestore(&blk->virtio.dev.lock, flags);
    return true;
}

/* Return: NULL if none is free; then, if somebody waits for it, whoever gives one back wakes the
 * task. */
static struct blk_slot *slot_take(struct vblk *blk, bool waits)
{
    struct blk_slot *slot = NULL;
    u64 flags = spin_lock_irqsave(&blk->virtio.dev.lock);

    if (!list_empty(&blk->free_slots)) {
        slot = list_entry(blk->free_slots.next, struct blk_slot, link);
        list_remove(&slot->link);
    }
    blk->is_starved |= !slot && waits;
    spin_unlock_irqrestore(&blk->virtio.dev.lock, flags);
    return slot;
}

/* Return: NULL: as many as possible are in use. Whoever gives one of them back wakes the task; only
 * then, for the task gives slots back itself, and would keep itself awake. */
static struct blk_slot *slot_get(struct vblk *blk)
{
    struct blk_slot *slot = slot_take(blk, false);

    if (!slot && __atomic_load_n(&blk->slots, __ATOMIC_RELAXED) < BLK_IN_FLIGHT_MAX)
        (void)slot_make(blk);
    return slot ? slot : slot_take(blk, true);
}

static void slot_put(struct vblk *blk, struct blk_slot *slot)
{
    u64 flags = spin_lock_irqsave(&blk->virtio.dev.lock);
    bool was_starved = blk->is_starved;
    bool is_kept = was_starved || blk->slots <= BLK_SLOTS_KEPT;

    if (is_kept)
        list_push_front(&blk->free_slots, &slot->link);
    else
        blk->slots--;
    blk->is_starved = false;
    spin_unlock_irqrestore(&blk->virtio.dev.lock, flags);
    if (!is_kept)
        kfree(slot);
    if (was_starved)
        task_wake(&blk->task);
}

static void slots_free(struct vblk *blk)
{
    while (!list_empty(&blk->free_slots)) {
        struct blk_slot *slot = list_entry(blk->free_slots.next, struct blk_slot, link);

        list_remove(&slot->link);
        kfree(slot);
    }
}

/* -- requests
 * ----------------------------------------------------------------------------------------------
 */

/* Gives the chain back. The guest is told by the caller, with virtio_signal. */
static void give_back(struct blk_slot *slot)
{
    struct vblk *blk = slot->blk;

    virtio_push(&blk->virtio, slot->queue, &slot->chain, blk_slot_end(slot));
    slot_put(blk, slot);
}

void blk_slot_finish(struct blk_slot *slot)
{
    struct vblk *blk = slot->blk;
    u16 queue = slot->queue;

    give_back(slot);
    virtio_signal(&blk->virtio, queue);
    virtio_unlend(&blk->virtio);
}

/* False while the limit is used up: the timer comes when it is not. */
static bool is_within_limit(struct vblk *blk)
{
    u64 now = time_ns(), ready, flags;

    if (!blk->has_limits || blk_is_dead(blk))
        return true;
    flags = spin_lock_irqsave(&blk->virtio.dev.lock);
    ready = net_limiter_ready_ns(&blk->limiter, now);
    if (ready > now)
        timer_arm(&blk->timer, ready);
    spin_unlock_irqrestore(&blk->virtio.dev.lock, flags);
    return ready <= now;
}

/* Header and status are paid for, too. */
static void pay(struct vblk *blk, const struct virtq_chain *chain)
{
    u64 flags;

    if (!blk->has_limits)
        return;
    flags = spin_lock_irqsave(&blk->virtio.dev.lock);
    net_bucket_pay(&blk->limiter.frames, 1);
    net_bucket_pay(&blk->limiter.bytes, chain->read_bytes + chain->write_bytes);
    spin_unlock_irqrestore(&blk->virtio.dev.lock, flags);
}

/* What one go has done. */
struct batch {
    u32 count;
    u32 done;   /* of them, there and then */
    u64 copied; /* bytes for these */
};

/* Return: false if there is none, or none may be taken now. */
static bool serve_one(struct vblk *blk, u16 queue, struct batch *batch)
{
    struct blk_slot *slot = is_within_limit(blk) ? slot_get(blk) : NULL;

    if (!slot)
        return false;
    virtio_lend(&blk->virtio);
    if (virtio_pop(&blk->virtio, queue, &slot->chain)) {
        slot_put(blk, slot);
        virtio_unlend(&blk->virtio);
        return false;
    }
    pay(blk, &slot->chain);
    slot->queue = queue;
    batch->count++;
    if (!blk_slot_start(slot))
        return true;
    batch->done++;
    batch->copied += slot->moved;
    give_back(slot);
    virtio_unlend(&blk->virtio);
    return true;
}

/* Return: true if there may be more. */
static bool serve(struct vblk *blk, u16 queue)
{
    struct batch batch = {0};
    bool has_more = true;

    while (has_more && batch.count < BLK_BATCH && batch.copied < BLK_BATCH_MAX)
        has_more =
            !__atomic_load_n(&blk->is_ending, __ATOMIC_ACQUIRE) && serve_one(blk, queue, &batch);
    if (batch.done > 0)
        virtio_signal(&blk->virtio, queue);
    return has_more;
}

static void blk_notify(struct virtio *dev, u16 queue)
{
    struct vblk *blk = blk_of(dev);

    if (serve(blk, queue))
        task_wake(&blk->task);
}

/* Rests as long as it has worked, so that no guest takes this pCPU from those who are less urgent
 * than drivers. */
static void task_main(void *arg)
{
    struct vblk *blk = arg;

    while (!__atomic_load_n(&blk->is_ending, __ATOMIC_ACQUIRE)) {
        u64 begin = time_ns();
        bool has_more = false;

        for (u16 queue = 0; queue < blk->model.queue_count; queue++)
            has_more |= serve(blk, queue);
        if (has_more)
            (void)task_wait_until(2 * time_ns() - begin);
        else
            task_wait();
    }
}

/* Context: timer's interrupt. */
static void on_limit(void *arg)
{
    struct vblk *blk = arg;

    task_wake(&blk->task);
}

/* -- the device
 * --------------------------------------------------------------------------------------------
 */

/* What was taken comes back to nobody; until then the reset does not read as done. */
static void blk_reset(struct virtio *dev)
{
    (void)dev;
}

static bool is_of(const struct volume_req *req, void *arg)
{
    return req->arg == arg;
}

/* It is the management task that waits. */
static void hurry(struct virtio *dev)
{
    struct vblk *blk = blk_of(dev);

    if (blk->cfg.volume)
        volume_cancel(blk->cfg.volume, is_of, blk);
}

static void blk_fini(struct virtio *dev)
{
    struct vblk *blk = blk_of(dev);

    __atomic_store_n(&blk->is_ending, true, __ATOMIC_RELEASE);
    if (blk->has_task) {
        task_wake(&blk->task);
        task_join(&blk->task);
    }
    timer_cancel(&blk->timer);
    virtio_wait_lent(dev, hurry);
    slots_free(blk);
    virtio_fini(dev);
    kfree(blk);
}

static const struct virtio_ops blk_ops = {
    .notify = blk_notify, .reset = blk_reset, .fini = blk_fini};

static const char blk_name[] = "virtio-blk";

static u64 features_of(const struct vblk *blk)
{
    const struct volume *volume = blk->cfg.volume;
    u64 features = BLK_F_SIZE_MAX | BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY;

    if (blk->model.queue_count > 1)
        features |= BLK_F_MQ;
    if (blk->cfg.is_read_only)
        return features | BLK_F_RO;
    if (volume->can_discard && blk->cfg.can_discard)
        features |= BLK_F_DISCARD;
    if (volume->can_write_zeroes)
        features |= BLK_F_WRITE_ZEROES;
    return features;
}

static void set_config(struct vblk *blk)
{
    const struct volume *volume = blk->cfg.volume;
    struct blk_config config = {
        .capacity = volume_bytes(volume) / BLK_SECTOR,
        .size_max = BLK_SIZE_MAX,
        .seg_max = BLK_SEG_MAX,
        .blk_size = volume->block_bytes,
        .min_io_size = 1,
        .num_queues = blk->model.queue_count,
        .max_discard_sectors = BLK_RANGE_MAX,
        .max_discard_seg = BLK_RANGES_MAX,
        .discard_sector_alignment = volume->discard_bytes / BLK_SECTOR,
        .max_write_zeroes_sectors = BLK_RANGE_MAX,
        .max_write_zeroes_seg = BLK_RANGES_MAX,
        .write_zeroes_may_unmap = blk->cfg.can_discard,
    };

    virtio_config_set(&blk->virtio, 0, &config, sizeof(config));
}

static void init(struct vblk *blk, const struct vm *vm, const struct virtio_blk_config *cfg)
{
    const struct net_limits *limits = &cfg->limits;

    blk->cfg = *cfg;
    list_init(&blk->free_slots);
    timer_init(&blk->timer, on_limit, blk);
    blk->has_limits = limits->frames_per_s != 0 || limits->bytes_per_s != 0;
    net_limiter_init(&blk->limiter, limits, time_ns());
    blk->model = (struct virtio_model){
        .name = blk_name,
        .id = VIRTIO_ID_BLOCK,
        .class_code = BLK_CLASS,
        .queue_count = (u16)MIN(MAX(vm->vcpu_count, 1u), BLK_QUEUES_MAX),
        .queue_size = BLK_QUEUE_SIZE,
        .config_bytes = sizeof(struct blk_config),
        .can_leave = true,
        .ops = &blk_ops,
    };
    blk->model.features = features_of(blk);
}

int virtio_blk_create(struct vm *vm, const struct virtio_blk_config *cfg)
{
    struct vblk *blk = kzalloc(sizeof(*blk));
    int rc;

    if (!blk)
        return -ENOMEM;
    init(blk, vm, cfg);
    rc = virtio_create(&blk->virtio, vm, &blk->model);
    if (rc == -ENOMEM)
        kfree(blk);
    if (rc)
        return rc;
    set_config(blk);
    if (!slot_make(blk)) /* so whoever finds none knows that somebody has one */
        return -ENOMEM;
    rc = task_start(&blk->task, blk_name, TASK_DRIVER, 0, task_main, blk);
    blk->has_task = rc == 0;
    return rc;
}

/* The VM's disks: NULL for the first, NULL at the end. */
static struct vblk *next_disk(struct vm *vm, struct vblk *after)
{
    struct vdev *dev = after ? after->virtio.dev.next : vm->devices;

    while (dev && dev->name != blk_name)
        dev = dev->next;
    return dev ? container_of(dev, struct vblk, virtio.dev) : NULL;
}

static struct vblk *find_disk(struct vm *vm, const char *id)
{
    struct vblk *blk = next_disk(vm, NULL);

    while (blk && strcmp(blk->cfg.id, id) != 0)
        blk = next_disk(vm, blk);
    return blk;
}

struct vdev *virtio_blk_unplug(struct vm *vm, u32 slot)
{
    struct vblk *blk = next_disk(vm, NULL);

    while (blk && blk->virtio.fn.slot != slot)
        blk = next_disk(vm, blk);
    if (!blk)
        return NULL;
    virtio_unplug(&blk->virtio);
    return &blk->virtio.dev;
}

void virtio_blk_kill(struct vm *vm, const char *id)
{
    struct vblk *blk = find_disk(vm, id);

    if (!blk)
        return;
    __atomic_store_n(&blk->is_dead, true, __ATOMIC_SEQ_CST);
    virtio_wait_lent(&blk->virtio, hurry);
    blk->cfg.volume = NULL;
    blk->cfg.id[0] = '\0'; /* another one may be called so now */
}

u32 virtio_blk_slot(struct vm *vm, const char *id)
{
    const struct vblk *blk = find_disk(vm, id);

    return blk ? blk->virtio.fn.slot : 0;
}

void virtio_blk_resize(struct vm *vm, const struct volume *volume)
{
    u64 sectors = volume_bytes(volume) / BLK_SECTOR;

    for (struct vblk *blk = next_disk(vm, NULL); blk; blk = next_disk(vm, blk)) {
        if (blk->cfg.volume == volume)
            virtio_config_set(&blk->virtio, offsetof(struct blk_config, capacity), &sectors,
                              sizeof(sectors));
    }
}

const struct blk_stats *virtio_blk_stats(struct vm *vm, const char *id)
{
    const struct vblk *blk = find_disk(vm, id);

    return blk ? &blk->stats : NULL;
}
