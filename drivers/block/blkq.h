/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of a disk controller: which requests the device has, which wait for it, and until when an
 * answer is due. What is the same for all controllers is here; a driver turns a request into
 * commands of its device and says which of them have ended.
 *
 * Each command has a tag below the queue's depth. Requests beyond wait in line: they are their
 * submitters', so the line costs nothing here, and who has all of its requests in line must wait.
 * One command moves as much as the device can take at once; the rest of a request follows by
 * further commands.
 */
#ifndef SOCLE_BLOCK_BLKQ_H
#define SOCLE_BLOCK_BLKQ_H

#include "core/kern/task.h"
#include "core/lib/compiler.h"
#include "core/lib/list.h"
#include "core/lib/types.h"
#include "core/x86/spinlock.h"
#include "drivers/block/blk.h"

#define BLKQ_DEPTH_MAX 128u

/* Until when a command must have been answered. */
#define BLK_TIMEOUT_NS (10 * NS_PER_S)

struct blkq_ops {
    /*
     * Gives the device one command for the request's rest, under this tag, and moves the rest on.
     * Return: 0; -EAGAIN: when a command it has now has ended; others: it cannot be done, the
     * request ends so. Context: lock held.
     */
    int (*start)(struct blkq *q, struct blk_req *req, u32 tag);
    /* Tells the device about commands started, and of those the driver wants to be started again
     * when blkq_resume is called. Context: lock held. */
    void (*kick)(struct blkq *q);
    /* Calls blkq_end() for each command that has ended. Context: lock held. */
    void (*poll)(struct blkq *q);
    /* False once the device is gone: asked every second; recover is called then. Context: the
     * queue's task, no lock. */
    bool (*is_present)(struct blkq *q);
    /*
     * The command has not been answered in time, or blkq_request_recovery() was called (tag
     * BLKQ_NO_TAG): the driver makes sure that the device has forgotten all commands and calls
     * blkq_fail_all(), now or soon. Context: the queue's task, no lock.
     */
    void (*recover)(struct blkq *q, u32 tag);
};

#define BLKQ_NO_TAG 0xffffffffu

struct blkq {
    const struct blkq_ops *ops; /* (c) */
    void *driver_data;          /* (c) */
    u32 depth;                  /* (c) tags */
    bool is_polled;             /* (c) no interrupt arrives: the task looks every millisecond */
    struct spinlock lock;
    bool is_stopped;      /* (L) the driver is recovering: the device is left alone */
    bool is_dead;         /* (L) every request fails */
    bool recovery_wanted; /* (a) */
    u64 watch_ns;         /* (o) when to ask for the device's presence */
    u32 in_flight;        /* (L) commands the device has */
    u32 bogus_count;      /* (L) answers to commands it does not have */
    struct list waiting;  /* (L) requests with a rest to be started */
    struct list done;     /* (L) requests whose done() is to be called */
    u32 free_count;       /* (L) */
    u16 free_tags[BLKQ_DEPTH_MAX];
    struct blk_req *owner[BLKQ_DEPTH_MAX]; /* (L) by tag, or NULL */
    u64 due_ns[BLKQ_DEPTH_MAX];            /* (L) by tag */
    struct task task;
};

/* An empty queue. depth: 1 to BLKQ_DEPTH_MAX. */
void blkq_init(struct blkq *q, const struct blkq_ops *ops, void *driver_data, u32 depth);

/* Starts its task, on that pCPU. Context: boot. Return: 0, -ENOMEM, -EINVAL (no such pCPU). */
int blkq_start_task(struct blkq *q, const char *name, u32 pcpu) must_check;

/* Makes the task look at the queue. Context: any, interrupts included. */
void blkq_wake(struct blkq *q);

/* Takes a request that blk_submit() has found good. Context: task. */
void blkq_submit(struct blkq *q, struct blk_req *req);

/*
 * From ops->poll: the device has ended this command. Return: false if it does not have it, which is
 * counted; nothing happens then. Context: lock held.
 */
bool blkq_end(struct blkq *q, u32 tag, int status);

/* Asks the task to call ops->recover. Context: any, interrupts included. */
void blkq_request_recovery(struct blkq *q);

/* Nothing is given to the device, and poll is not called, until blkq_resume. Context: task. */
void blkq_stop(struct blkq *q);
void blkq_resume(struct blkq *q);

/* The device has forgotten its commands: their requests end so. Context: task. */
void blkq_fail_all(struct blkq *q, int status);

/* The same for one command. */
void blkq_fail(struct blkq *q, u32 tag, int status);

/* The device is gone: all requests, of now and later, end with -ENODEV. Context: task. */
void blkq_kill(struct blkq *q);

/* True while the device has this command. Context: task. */
bool blkq_has(struct blkq *q, u32 tag);

/* The tag of a command that should have been answered by now; BLKQ_NO_TAG: none. Context: task. */
u32 blkq_late(struct blkq *q);

/*
 * One turn of the queue's task: collects, starts, calls done(), looks for late answers. Return:
 * when to look again (ns since boot). Context: the queue's task.
 */
u64 blkq_turn(struct blkq *q);

#endif
