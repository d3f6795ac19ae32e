/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pair of NVMe queues in memory, and the commands in it. Pure: it works on memory its owner
 * allocated and touches no register. The device's answers are read once each.
 *
 * Spec: NVM Express Base 1.4 "Submission Queue Entry", "Completion Queue Entry", "Physical Region
 * Page Entry and List", "Scatter Gather List (SGL)". Context of all: the owner's lock, or the one
 * task there is.
 */
#ifndef SOCLE_BLOCK_NVME_QUEUE_H
#define SOCLE_BLOCK_NVME_QUEUE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/blk.h"
#include "drivers/block/nvme_identify.h"
#include "drivers/block/nvme_regs.h"

/* Pages of a transfer beyond the first, and the memory each command has for their list; or for one
 * of pieces of any length. */
#define NVME_LIST_ENTRIES 64u
#define NVME_LIST_BYTES   (NVME_LIST_ENTRIES * 8u)
#define NVME_SGL_ENTRIES  (NVME_LIST_BYTES / sizeof(struct nvme_sgl))

struct nvme_ring {
    volatile struct nvme_sqe *sq;
    volatile struct nvme_cqe *cq;
    u16 entries; /* of each */
    u16 sq_tail;
    u16 cq_head;
    u16 phase; /* of entries that are new */
};

/* Empty queues in memory that may hold anything. */
void nvme_ring_init(struct nvme_ring *ring, void *sq, void *cq, u16 entries);

/* Adds a command; the owner sees to it that fewer than `entries` are in the device's hands. */
void nvme_ring_push(struct nvme_ring *ring, const struct nvme_sqe *cmd);

/* Takes the next answer. Return: false if there is none. */
bool nvme_ring_take(struct nvme_ring *ring, struct nvme_cqe *out) must_check;

/* True if there is an answer. Context: any. */
bool nvme_ring_has_answer(const struct nvme_ring *ring) must_check;

/* What a status means to a submitter: 0, -EIO, -ETIMEDOUT, -ENODEV. */
int nvme_status_to_errno(u16 status) must_check;

/*
 * Makes the command for the request's rest, or for as much of it as the controller and one list
 * allow, and moves the rest on. list: NVME_LIST_BYTES of the command's own, which do not cross a
 * page.
 */
void nvme_build(struct nvme_sqe *cmd, struct blk_req *req, u32 nsid,
                const struct nvme_controller_facts *facts, void *list, hpa_t list_hpa);

#endif
