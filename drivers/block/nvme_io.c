/* SPDX-License-Identifier: BSD-2-Clause */
/* The queues that carry requests to namespaces: one per pCPU, each with a task there. */
#include "core/lib/errno.h"
#include "drivers/block/nvme.h"
#include "mm/kheap.h"

/* Answers taken before the others get their turn. */
#define NVME_BATCH NVME_ENTRIES

static struct nvme_io *io_of(struct blkq *q)
{
    return container_of(q, struct nvme_io, q);
}

static int io_start(struct blkq *q, struct blk_req *req, u32 tag)
{
    struct nvme_io *io = io_of(q);
    const struct nvme_ns *ns = container_of(req->dev, struct nvme_ns, dev);
    u64 offset = (u64)tag * NVME_LIST_BYTES;
    struct nvme_sqe cmd;

    nvme_build(&cmd, req, ns->nsid, &io->ctrl->facts, (u8 *)io->lists.cpu + offset,
               hpa(io->lists.bus.v + offset));
    cmd.cid = (u16)tag;
    nvme_ring_push(&io->ring, &cmd);
    return 0;
}

static void io_kick(struct blkq *q)
{
    struct nvme_io *io = io_of(q);

    if (io->told_tail == io->ring.sq_tail)
        return; /* controllers take the same value twice for an error */
    io->told_tail = io->ring.sq_tail;
    compiler_barrier(); /* the commands before the doorbell; x86 keeps the order of stores */
    nvme_write(io->ctrl, nvme_doorbell(io->ctrl, io->id, false), io->ring.sq_tail);
}

static void io_poll(struct blkq *q)
{
    struct nvme_io *io = io_of(q);
    struct nvme *n = io->ctrl;
    struct nvme_cqe cqe;
    bool is_odd = false;
    u32 taken = 0;

    for (; taken < NVME_BATCH && nvme_ring_take(&io->ring, &cqe); taken++)
        is_odd |= cqe.sq_id != io->id || !blkq_end(q, cqe.cid, nvme_status_to_errno(cqe.status));
    if (taken > 0)
        nvme_write(n, nvme_doorbell(n, io->id, true), io->ring.cq_head);
    if (is_odd)
        blkq_request_recovery(q); /* it answered what nobody asked: nothing it says counts now */
    if (n->irq.kind == PCI_IRQ_INTX && __atomic_exchange_n(&n->irq_masked, false, __ATOMIC_ACQ_REL))
        nvme_write(n, NVME_INTMC, 1);
}

/* The controller's task sees when it is gone. */
static bool io_is_present(struct blkq *q)
{
    return !io_of(q)->ctrl->is_gone;
}

/* Recovery is of the controller as a whole: its task does it, and looks itself for what is late. */
static void io_recover(struct blkq *q, u32 tag)
{
    struct nvme *n = io_of(q)->ctrl;

    if (tag == BLKQ_NO_TAG)
        __atomic_store_n(&n->is_confused, true, __ATOMIC_RELEASE);
    task_wake(&n->task);
}

static const struct blkq_ops io_ops = {
    .start = io_start,
    .kick = io_kick,
    .poll = io_poll,
    .is_present = io_is_present,
    .recover = io_recover,
};

void nvme_io_reset(struct nvme_io *io)
{
    nvme_ring_init(&io->ring, io->sq.cpu, io->cq.cpu, io->ring.entries);
    io->told_tail = 0;
}

int nvme_io_create(struct nvme *n, u32 index, u16 entries, struct nvme_io **out)
{
    struct nvme_io *io = kzalloc(sizeof *io);

    if (io == NULL)
        return -ENOMEM;
    if (dma_alloc(&io->sq, entries * sizeof(struct nvme_sqe)) != 0 ||
        dma_alloc(&io->cq, entries * sizeof(struct nvme_cqe)) != 0 ||
        dma_alloc(&io->lists, (u64)entries * NVME_LIST_BYTES) != 0) {
        nvme_io_free(io);
        return -ENOMEM;
    }
    /* One entry stays free, or a full ring would look empty. */
    blkq_init(&io->q, &io_ops, n, entries - 1u);
    io->ctrl = n;
    io->id = (u16)(index + 1);
    io->ring.entries = entries;
    nvme_io_reset(io);
    *out = io;
    return 0;
}

void nvme_io_free(struct nvme_io *io)
{
    struct dma_buf *bufs[] = {&io->sq, &io->cq, &io->lists};

    for (u32 i = 0; i < ARRAY_SIZE(bufs); i++) {
        if (bufs[i]->cpu != NULL)
            dma_free(bufs[i]);
    }
    kfree(io);
}
