/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-rng: random bytes from the host CPU's generator.
 *
 * A request gets what a budget allows; when it is spent, requests wait for a timer. So a guest that
 * asks without end costs little, and slows down nobody who shares the generator. Spec:
 * Virtio 1.2, 5.4 "Entropy Device".
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vm/vm.h"
#include "core/x86/insn.h"
#include "mm/kheap.h"

#define RNG_QUEUE       0u
#define RNG_QUEUE_SIZE  64u
#define RNG_CLASS       0x00ff00u /* no class has a name for it */
#define BUDGET_BYTES    4096u     /* at once */
#define BUDGET_PER_MS   256u      /* 256 kB a second in the long run */
#define BUDGET_NS       (BUDGET_BYTES / BUDGET_PER_MS * NS_PER_MS) /* until it is full again */
#define REQUEST_BYTES   256u /* given to one request; the driver comes again for more */
#define SEGMENT_BYTES   16u  /* what a piece of a request costs, however little it holds */
#define RDRAND_ATTEMPTS 10u  /* as the CPU's manual advises */

struct rng {
    struct virtio virtio; /* its lock protects everything below */
    u32 budget_bytes;
    u64 filled_ns; /* when the budget was last topped up */
    struct timer timer;
    struct virtq_chain chain; /* the request at work */
};

static bool random_u64(u64 *value)
{
    for (unsigned i = 0; i < RDRAND_ATTEMPTS; i++) {
        if (rdrand(value))
            return true;
    }
    return false;
}

static void top_up(struct rng *rng)
{
    u64 now = time_ns();
    u64 gained = (now - rng->filled_ns) / NS_PER_MS;

    if (gained == 0)
        return;
    rng->filled_ns = now;
    rng->budget_bytes = (u32)MIN(rng->budget_bytes + gained * BUDGET_PER_MS, (u64)BUDGET_BYTES);
}

/* Return: bytes written. */
static u32 fill(struct rng *rng)
{
    const struct gmem *gmem = &rng->virtio.dev.vm->gmem;
    u64 wanted = MIN(rng->chain.write_bytes, (u64)MIN(REQUEST_BYTES, rng->budget_bytes));
    u32 done = 0;
    u64 number;

    while (done < wanted && random_u64(&number)) {
        size_t n = MIN(wanted - done, sizeof(number));

        (void)virtq_chain_write(gmem, &rng->chain, done, &number, n);
        done += (u32)n;
    }
    rng->budget_bytes -= MIN(rng->budget_bytes, MAX(done, rng->chain.count * SEGMENT_BYTES));
    return done;
}

/* Requests, until there are none or the budget is spent. Context: lock held. */
static void serve(struct rng *rng)
{
    top_up(rng);
    while (rng->budget_bytes > 0) {
        if (virtio_pop(&rng->virtio, RNG_QUEUE, &rng->chain))
            return;
        virtio_push(&rng->virtio, RNG_QUEUE, &rng->chain, fill(rng));
        virtio_signal(&rng->virtio, RNG_QUEUE);
    }
    timer_arm(&rng->timer, time_ns() + BUDGET_NS);
}

static void on_refill(void *arg)
{
    struct rng *rng = arg;
    u64 flags = spin_lock_irqsave(&rng->virtio.dev.lock);

    serve(rng);
    spin_unlock_irqrestore(&rng->virtio.dev.lock, flags);
}

static void rng_notify(struct virtio *dev, u16 queue)
{
    (void)queue;
    on_refill(container_of(dev, struct rng, virtio));
}

/* The budget outlives a reset, or resetting would be a way around it. */
static void rng_reset(struct virtio *dev)
{
    (void)dev;
}

static void rng_fini(struct virtio *dev)
{
    struct rng *rng = container_of(dev, struct rng, virtio);

    timer_cancel(&rng->timer);
    virtio_fini(dev);
    kfree(rng);
}

static const struct virtio_ops rng_ops = {
    .notify = rng_notify, .reset = rng_reset, .fini = rng_fini};

static const struct virtio_model rng_model = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_RNG,
    .class_code = RNG_CLASS,
    .queue_count = 1,
    .queue_size = RNG_QUEUE_SIZE,
    .ops = &rng_ops,
};

int virtio_rng_create(struct vm *vm)
{
    struct rng *rng = kzalloc(sizeof(*rng));
    int rc;

    if (!rng)
        return -ENOMEM;
    timer_init(&rng->timer, on_refill, rng);
    rng->filled_ns = time_ns();
    rng->budget_bytes = BUDGET_BYTES;
    rc = virtio_create(&rng->virtio, vm, &rng_model);
    if (rc == -ENOMEM)
        kfree(rng);
    return rc;
}
