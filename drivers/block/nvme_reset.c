/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller's own task: looks after the controller once a second, aborts late commands, resets
 * what does not answer, and says when it is gone.
 *
 * A reset stops all queues first, so that their tasks leave the device alone; when the controller
 * says that it is off it uses no memory any more, and only then do its requests end. One that does
 * not even turn off loses its access to memory (bus mastering) instead.
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/block/nvme.h"

#define WATCH_NS       NS_PER_S
#define SMART_NS       (60 * NS_PER_S)
#define PAUSE_NS       (1 * NS_PER_MS)
#define ABORT_GRACE_NS NS_PER_S
#define SHUTDOWN_NS    (5 * NS_PER_S)

/* Spec: CC: entries of 2^6 and 2^4 bytes, NVM command set, pages of 4 KiB. */
#define CC_SETTINGS (FIELD_PREP(NVME_CC_IOSQES, 6) | FIELD_PREP(NVME_CC_IOCQES, 4))
#define SHN_NORMAL  FIELD_PREP(NVME_CC_SHN, 1)

void nvme_pause(const struct nvme *n)
{
    if (n->can_sleep)
        (void)task_wait_until(time_ns() + PAUSE_NS);
    else
        cpu_pause();
}

/* Waits until the bits of CSTS are so. Return: 0, -ETIMEDOUT, -ENODEV, -EIO (fatal status). */
static int wait_status(struct nvme *n, u32 mask, u32 wanted, u64 timeout_ns)
{
    u64 deadline = time_ns() + timeout_ns;

    for (;;) {
        u32 csts = nvme_read(n, NVME_CSTS);

        if (!nvme_is_present(n))
            return -ENODEV;
        if ((csts & mask) == wanted)
            return 0;
        if ((csts & NVME_CSTS_CFS) != 0 && wanted != 0)
            return -EIO;
        if (time_ns() > deadline)
            return -ETIMEDOUT;
        nvme_pause(n);
    }
}

static u64 ready_timeout_ns(const struct nvme *n)
{
    return (FIELD_GET(NVME_CAP_TO, n->cap) + 1) * NVME_CAP_TO_NS;
}

int nvme_disable(struct nvme *n)
{
    u32 cc = nvme_read(n, NVME_CC);

    nvme_write(n, NVME_CC, cc & ~(NVME_CC_EN | NVME_CC_SHN));
    return wait_status(n, NVME_CSTS_RDY, 0, ready_timeout_ns(n));
}

/* Spec: "Initialization" (of controllers), steps 2 to 6. */
int nvme_enable(struct nvme *n)
{
    nvme_ring_init(&n->admin, n->admin_sq.cpu, n->admin_cq.cpu, NVME_ADMIN_ENTRIES);
    nvme_write(n, NVME_AQA, (NVME_ADMIN_ENTRIES - 1) << 16 | (NVME_ADMIN_ENTRIES - 1));
    nvme_write(n, NVME_ASQ, (u32)n->admin_sq.bus.v);
    nvme_write(n, NVME_ASQ + 4, (u32)(n->admin_sq.bus.v >> 32));
    nvme_write(n, NVME_ACQ, (u32)n->admin_cq.bus.v);
    nvme_write(n, NVME_ACQ + 4, (u32)(n->admin_cq.bus.v >> 32));
    nvme_write(n, NVME_CC, (u32)CC_SETTINGS);
    nvme_write(n, NVME_CC, (u32)CC_SETTINGS | NVME_CC_EN);
    return wait_status(n, NVME_CSTS_RDY, NVME_CSTS_RDY, ready_timeout_ns(n));
}

/* The end: all requests fail, of now and later. */
static void give_up(struct nvme *n, enum blk_state state, const char *why)
{
    n->is_gone = true;
    pci_disable(n->pci);
    for (struct nvme_ns *ns = n->namespaces; ns != NULL; ns = ns->next)
        blk_set_state(&ns->dev, state, why);
    for (u32 i = 0; i < n->io_count; i++)
        blkq_kill(&n->io[i]->q);
}

static int restart(struct nvme *n)
{
    u32 count = n->io_count;
    int rc = nvme_enable(n);

    if (rc == 0)
        rc = nvme_set_queue_count(n, &count);
    if (rc == 0 && count < n->io_count)
        rc = -EIO;
    for (u32 i = 0; i < n->io_count && rc == 0; i++) {
        nvme_io_reset(n->io[i]);
        rc = nvme_create_queues(n, n->io[i], n->io[i]->vector != 0 ? (u16)i : 0);
    }
    return rc;
}

static void reset(struct nvme *n, const char *why)
{
    int rc;

    log_warn("nvme", "%s: %s: the controller is reset", n->name, why);
    for (u32 i = 0; i < n->io_count; i++)
        blkq_stop(&n->io[i]->q);
    rc = nvme_disable(n);
    if (rc != 0) {
        give_up(n, rc == -ENODEV ? BLK_REMOVED : BLK_FAILED,
                rc == -ENODEV ? "it no longer answers" : "it does not even turn off");
        return;
    }
    for (u32 i = 0; i < n->io_count; i++)
        blkq_fail_all(&n->io[i]->q, -ETIMEDOUT);
    rc = restart(n);
    if (rc != 0) {
        give_up(n, rc == -ENODEV ? BLK_REMOVED : BLK_FAILED, "it does not come back from a reset");
        return;
    }
    for (u32 i = 0; i < n->io_count; i++)
        blkq_resume(&n->io[i]->q);
}

/* A late command: a gentle word first. Spec: "Abort command". */
static void abort_late(struct nvme *n, struct nvme_io *io, u32 tag)
{
    u64 deadline;

    log_warn("nvme", "%s: command %u of queue %u is late: it is aborted", n->name, tag, io->id);
    deadline = nvme_abort(n, io, tag) == 0 ? time_ns() + ABORT_GRACE_NS : 0;
    blkq_wake(&io->q);
    while (blkq_has(&io->q, tag) && time_ns() < deadline)
        nvme_pause(n);
    if (blkq_has(&io->q, tag))
        reset(n, "it did not abort a late command");
}

static void look_after(struct nvme *n)
{
    bool is_confused = __atomic_exchange_n(&n->is_confused, false, __ATOMIC_ACQ_REL);

    if (!nvme_is_present(n))
        give_up(n, BLK_REMOVED, "it no longer answers");
    else if ((nvme_read(n, NVME_CSTS) & NVME_CSTS_CFS) != 0)
        reset(n, "it reports a fatal error");
    else if (is_confused)
        reset(n, "it answered a command that it was not given");
    for (u32 i = 0; i < n->io_count && !n->is_gone; i++) {
        u32 tag = blkq_late(&n->io[i]->q);

        if (tag != BLKQ_NO_TAG)
            abort_late(n, n->io[i], tag);
    }
}

static void controller_main(void *arg)
{
    struct nvme *n = arg;
    u64 smart_ns = 0;

    n->can_sleep = true;
    while (!n->is_gone) {
        look_after(n);
        if (!n->is_gone && time_ns() >= smart_ns) {
            nvme_read_smart(n);
            smart_ns = time_ns() + SMART_NS;
        }
        (void)task_wait_until(time_ns() + WATCH_NS);
    }
    for (;;)
        task_wait();
}

int nvme_start_task(struct nvme *n)
{
    return task_start(&n->task, n->name, TASK_DRIVER, 0, controller_main, n);
}

/* Spec: "Shutdown": once for the controller, whichever namespace is asked. */
void nvme_shutdown(struct blkdev *dev)
{
    struct nvme *n = container_of(dev, struct nvme_ns, dev)->ctrl;

    if (n->is_gone)
        return;
    n->is_gone = true;
    for (u32 i = 0; i < n->io_count; i++)
        blkq_stop(&n->io[i]->q);
    nvme_write(n, NVME_CC, (nvme_read(n, NVME_CC) & ~NVME_CC_SHN) | (u32)SHN_NORMAL);
    if (wait_status(n, NVME_CSTS_SHST, NVME_CSTS_SHST_DONE, SHUTDOWN_NS) != 0)
        log_warn("nvme", "%s: it does not say that it is ready for power to go", n->name);
}
