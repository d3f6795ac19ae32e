/* SPDX-License-Identifier: BSD-2-Clause */
/* Admin commands: one at a time, waited for. Spec: NVM Express Base 1.4 "Admin Command Set". */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/nvme.h"

#define ADMIN_TIMEOUT_NS (5 * NS_PER_S)

/* Takes answers until that of command cid; others are of commands that were given up. */
static bool take_answer(struct nvme *n, u16 cid, struct nvme_cqe *cqe)
{
    while (nvme_ring_take(&n->admin, cqe)) {
        nvme_write(n, nvme_doorbell(n, 0, true), n->admin.cq_head);
        if (cqe->cid == cid)
            return true;
    }
    return false;
}

int nvme_admin(struct nvme *n, struct nvme_sqe *cmd, u32 *result)
{
    u64 deadline = time_ns() + ADMIN_TIMEOUT_NS;
    struct nvme_cqe cqe;

    cmd->cid = n->admin_cid++;
    nvme_ring_push(&n->admin, cmd);
    compiler_barrier(); /* the command before the doorbell */
    nvme_write(n, nvme_doorbell(n, 0, false), n->admin.sq_tail);
    while (!take_answer(n, cmd->cid, &cqe)) {
        if (!nvme_is_present(n))
            return -ENODEV;
        if (time_ns() > deadline)
            return -ETIMEDOUT;
        nvme_pause(n);
    }
    if (result != NULL)
        *result = cqe.result;
    return nvme_status_to_errno(cqe.status);
}

int nvme_identify(struct nvme *n, u32 cns, u32 nsid)
{
    struct nvme_sqe cmd = {
        .opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .prp1 = n->page.bus.v, .cdw10 = cns};

    memset(n->page.cpu, 0, NVME_ID_BYTES);
    return nvme_admin(n, &cmd, NULL);
}

/* Spec: "Number of Queues": the controller says how many it really gives, less one. */
int nvme_set_queue_count(struct nvme *n, u32 *count)
{
    u32 wanted = *count - 1, got;
    struct nvme_sqe cmd = {.opcode = NVME_ADMIN_SET_FEATURES,
                           .cdw10 = NVME_FEATURE_QUEUES,
                           .cdw11 = wanted << 16 | wanted};
    int rc = nvme_admin(n, &cmd, &got);

    if (rc == 0)
        *count = MIN(*count, MIN(got & 0xffffu, got >> 16) + 1);
    return rc;
}

/* Spec: "Create I/O Completion Queue command", "Create I/O Submission Queue command". */
int nvme_create_queues(struct nvme *n, const struct nvme_io *io, u16 irq_entry)
{
    u32 id_and_size = (u32)(io->ring.entries - 1u) << 16 | io->id;
    struct nvme_sqe cq = {.opcode = NVME_ADMIN_CREATE_CQ,
                          .prp1 = io->cq.bus.v,
                          .cdw10 = id_and_size,
                          .cdw11 = (u32)irq_entry << 16 | NVME_QUEUE_IEN | NVME_QUEUE_PC};
    struct nvme_sqe sq = {.opcode = NVME_ADMIN_CREATE_SQ,
                          .prp1 = io->sq.bus.v,
                          .cdw10 = id_and_size,
                          .cdw11 = (u32)io->id << 16 | NVME_QUEUE_PC};
    int rc = nvme_admin(n, &cq, NULL);

    return rc != 0 ? rc : nvme_admin(n, &sq, NULL);
}

int nvme_abort(struct nvme *n, const struct nvme_io *io, u32 tag)
{
    struct nvme_sqe cmd = {.opcode = NVME_ADMIN_ABORT, .cdw10 = tag << 16 | io->id};

    return nvme_admin(n, &cmd, NULL);
}

void nvme_read_smart(struct nvme *n)
{
    struct nvme_sqe cmd = {.opcode = NVME_ADMIN_LOG_PAGE,
                           .nsid = NVME_NSID_ALL,
                           .prp1 = n->page.bus.v,
                           .cdw10 = (NVME_SMART_BYTES / 4 - 1) << 16 | NVME_LOG_SMART};
    const u8 *log = n->page.cpu;

    if (nvme_admin(n, &cmd, NULL) != 0)
        return;
    for (struct nvme_ns *ns = n->namespaces; ns != NULL; ns = ns->next) {
        ns->dev.wear_percent = log[NVME_SMART_USED];
        ns->dev.temp_k = (u16)(log[NVME_SMART_TEMP] | log[NVME_SMART_TEMP + 1] << 8);
    }
}
