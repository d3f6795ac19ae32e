/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has had the least of its share: a queue ordered by virtual time, pure.
 *
 * A node's virtual time is the time it has run, divided by its weight (a nanosecond at the default
 * weight is one of virtual time). Who always runs the node with the least of it gives all the same
 * virtual time, that is, shares in proportion to the weights.
 *
 * The floor is the virtual time that everybody in the queue or running has reached; it only rises.
 * A node that was away comes back at most one slice behind the floor: it is served soon, but does
 * not make up for what it did not ask for.
 *
 * Queues compare themselves by their clocks: the floor, plus an offset by which a queue is moved as
 * a whole, its order unchanged. A node that goes from one queue to another keeps its place on that
 * common scale, so that moves make nobody's share larger or smaller. But what lies further apart
 * than FAIR_CAP_NS of the node's run time (and FAIR_CAP_LEAST_NS of virtual time, which queues
 * differ by while all goes well) is forgotten: pins and weights beyond a whole CPU let clocks drift
 * apart for as long as they please, and that is not a debt.
 *
 * The order is a leftist heap: adding and taking cost at most 2 log2(n) comparisons each, without
 * memory of its own. Virtual times are compared by difference, which holds for years of it.
 */
#ifndef SOCLE_KERN_FAIR_QUEUE_H
#define SOCLE_KERN_FAIR_QUEUE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define FAIR_WEIGHT_MIN     1u
#define FAIR_WEIGHT_MAX     10000u
#define FAIR_WEIGHT_DEFAULT 100u

#define FAIR_CAP_NS       (200 * NS_PER_MS)
#define FAIR_CAP_LEAST_NS (100 * NS_PER_MS)

struct fair_node {
    u32 weight;
    u32 rank;      /* nodes on the way down the right side; 0: not waiting in a queue */
    u32 remainder; /* of the last division by the weight */
    u64 vtime;     /* of the queue it belongs to; on the common scale after fair_leave */
    u64 arrival;   /* equals go in this order */
    struct fair_node *parent;
    struct fair_node *left;
    struct fair_node *right;
};

struct fair_queue {
    struct fair_node *root; /* the least virtual time */
    u64 floor;
    u64 offset; /* what is added to a virtual time for the common scale */
    u64 arrivals;
    u32 count; /* who waits; others may read it, atomically, as a hint */
};

void fair_init(struct fair_queue *q);

/* A node that belongs to no queue yet. */
void fair_node_init(struct fair_node *node, u32 weight);

/* Belonging to a queue (waiting in it, running or asleep): a node begins level with the floor of
 * the first one. */
void fair_join(const struct fair_queue *q, struct fair_node *node);

/* Leaves for another queue. If that one's clock is idle (nobody waits or runs there) it follows the
 * node's. */
void fair_leave(const struct fair_queue *q, struct fair_node *node);
void fair_enter(struct fair_queue *q, struct fair_node *node, bool is_idle);

/* The floor on the common scale. */
static inline u64 fair_clock(const struct fair_queue *q)
{
    return q->floor + q->offset;
}

/* The least virtual time of the waiting nodes and the running one (NULL: none), on the common
 * scale. Return: false if there is none. */
bool fair_least(const struct fair_queue *q, const struct fair_node *running, u64 *out);

/* True if the node, which belongs to the queue, is behind that time by at least so much of its run
 * time. */
bool fair_is_behind(const struct fair_queue *q, const struct fair_node *node, u64 time, u64 run_ns);

/* Moves the queue on, if need be, so that the node, which belongs to it, is not behind that time
 * by more than the cap. */
void fair_follow(struct fair_queue *q, const struct fair_node *node, u64 time);

/* Moves the queue on, if need be, so that its clock is not behind a node of another one by more
 * than the cap of either that or the node that runs here. */
void fair_forget(struct fair_queue *q, const struct fair_node *running,
                 const struct fair_node *elsewhere);

/* Takes back what a node that slept has fallen behind the floor by more than slice_ns of its run
 * time. */
void fair_catch_up(const struct fair_queue *q, struct fair_node *node, u64 slice_ns);

/* Accounts run time. The node is not waiting. */
void fair_charge(struct fair_node *node, u64 ran_ns);

/* Raises the floor to what the waiting nodes and the running one (NULL: none) have all reached. */
void fair_advance(struct fair_queue *q, const struct fair_node *running);

/* The node belongs to the queue and does not wait in it yet. */
void fair_add(struct fair_queue *q, struct fair_node *node);

/* Takes out the node with the least virtual time. Return: NULL if none waits. */
struct fair_node *fair_take(struct fair_queue *q);

/* True between fair_add and taking it out again. */
static inline bool fair_is_waiting(const struct fair_node *node)
{
    return node->rank != 0;
}

/* Takes out a node that waits in the queue. */
void fair_remove(struct fair_queue *q, struct fair_node *node);

/* True if a has at least lead_ns of its run time less of its share than b. Both belong to one
 * queue. */
bool fair_leads(const struct fair_node *a, const struct fair_node *b, u64 lead_ns);

/* The node that ran lets the other one, which does not wait either, have its place and takes that
 * one's, if that is the later one. Both belong to the queue and are of one owner. */
void fair_let_pass(struct fair_node *running, struct fair_node *other);

#endif
