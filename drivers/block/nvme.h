/* SPDX-License-Identifier: BSD-2-Clause */
/* An NVMe controller, shared between the driver's files. */
#ifndef SOCLE_BLOCK_NVME_H
#define SOCLE_BLOCK_NVME_H

#include "core/kern/task.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/blkq.h"
#include "drivers/block/nvme_identify.h"
#include "drivers/block/nvme_queue.h"
#include "drivers/block/nvme_regs.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_irq.h"
#include "mm/dma.h"

/* More pCPUs than that share queues. */
#define NVME_IO_QUEUES_MAX 16u
#define NVME_ENTRIES       64u /* of the I/O queues; the submission queue is one page */
#define NVME_ADMIN_ENTRIES 16u

struct nvme;

struct nvme_io {
    struct blkq q; /* first */
    struct nvme *ctrl;
    u16 id; /* the device's: from 1 on; the admin queue is 0 */
    struct nvme_ring ring;
    u16 told_tail; /* queue lock: what the doorbell was given last */
    struct dma_buf sq, cq, lists;
    u8 vector; /* MSI-X; 0: none */
};

struct nvme_ns {
    struct blkdev dev; /* first */
    struct nvme *ctrl;
    u32 nsid;
    struct nvme_ns *next;
};

struct nvme {
    const struct pci_device *pci; /* (c) */
    volatile u8 *regs;            /* (c) */
    u64 cap;                      /* (c) */
    char name[BLK_NAME_MAX];      /* (c) "nvme0" */
    u32 index;                    /* (c) */
    struct nvme_controller_facts facts;
    struct nvme_ring admin; /* (o) */
    struct dma_buf admin_sq, admin_cq, page;
    u16 admin_cid;                           /* (o) */
    struct nvme_io *io[NVME_IO_QUEUES_MAX];  /* (c) */
    struct blkq *queues[NVME_IO_QUEUES_MAX]; /* (c) the same, for blkdev */
    u32 io_count;                            /* (c) */
    struct pci_irq irq;                      /* (c) where there is one interrupt for all queues */
    bool irq_masked;                         /* (a) */
    struct nvme_ns *namespaces;              /* (c) */
    bool can_sleep;                          /* (o) its task runs: waiting need not spin */
    bool is_gone;                            /* (a) failed, removed or shut down */
    bool is_confused;                        /* (a) it answered what it was not asked */
    struct task task;                        /* owner of the admin queue and of all recovery */
};

static inline u32 nvme_read(const struct nvme *n, u32 reg)
{
    return *(const volatile u32 *)(const volatile void *)(n->regs + reg);
}

static inline void nvme_write(const struct nvme *n, u32 reg, u32 value)
{
    *(volatile u32 *)(volatile void *)(n->regs + reg) = value;
}

/* Absent devices read as ones, on the bus at least: their registers may read as anything. */
static inline bool nvme_is_present(const struct nvme *n)
{
    return nvme_read(n, NVME_CSTS) != NVME_GONE && pci_is_present(n->pci);
}

/* Spec: "Submission Queue y Tail Doorbell", "Completion Queue y Head Doorbell". */
static inline u32 nvme_doorbell(const struct nvme *n, u16 queue, bool is_completion)
{
    return NVME_DOORBELLS +
           ((2u * queue + is_completion) * (4u << FIELD_GET(NVME_CAP_DSTRD, n->cap)));
}

/* Lets a moment pass while the device works: sleeps where that is possible. */
void nvme_pause(const struct nvme *n);

/* nvme_admin.c: commands to the controller, one at a time. Context: probe, or its task. */

/* Return: 0 and *result (may be NULL); -ETIMEDOUT, -ENODEV (gone), -EIO and others as the status.
 */
int nvme_admin(struct nvme *n, struct nvme_sqe *cmd, u32 *result) must_check;
/* The answer is in n->page. */
int nvme_identify(struct nvme *n, u32 cns, u32 nsid) must_check;
int nvme_set_queue_count(struct nvme *n, u32 *count) must_check;
int nvme_create_queues(struct nvme *n, const struct nvme_io *io, u16 irq_entry) must_check;
int nvme_abort(struct nvme *n, const struct nvme_io *io, u32 tag) must_check;
/* Brings temperature and wear of all namespaces up to date. */
void nvme_read_smart(struct nvme *n);

/* nvme_io.c: queues of the namespaces. */

/* Return: 0, -ENOMEM. */
int nvme_io_create(struct nvme *n, u32 index, u16 entries, struct nvme_io **out) must_check;
void nvme_io_free(struct nvme_io *io);
/* Empties its rings. */
void nvme_io_reset(struct nvme_io *io);

/* nvme_reset.c: from any state to a running controller, and to its end. */

/* Turns the controller off: afterwards it uses no memory. Return: 0, -ETIMEDOUT, -ENODEV. */
int nvme_disable(struct nvme *n) must_check;
/* Turns it on with an empty admin queue. Return: 0, -ETIMEDOUT, -ENODEV, -EIO. */
int nvme_enable(struct nvme *n) must_check;
/* Starts its task. Return: 0, -ENOMEM. */
int nvme_start_task(struct nvme *n) must_check;
/* Tells the controller that power goes. Context: task. */
void nvme_shutdown(struct blkdev *dev);

#endif
