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

struct fair_node {
    u32 weight;
    u32 rank;      /* nodes on the way down the right side; only in a queue */
    u32 remainder; /* of the last division by the weight */
    u64 vtime;     /* of the queue it belongs to; relative to the floor after fair_leave */
    u64 arrival;   /* equals go in this order */
    struct fair_node *left;
    struct fair_node *right;
};

struct fair_queue {
    struct fair_node *root; /* the least virtual time */
    u64 floor;
    u64 arrivals;
    u32 count;
};

void fair_init(struct fair_queue *q);

/* A node that belongs to no queue yet, level with the floor of the first one it enters. */
void fair_node_init(struct fair_node *node, u32 weight);

/* Belonging to a queue (waiting in it, running or asleep): between the two the virtual time is the
 * queue's. */
void fair_enter(const struct fair_queue *q, struct fair_node *node);
void fair_leave(const struct fair_queue *q, struct fair_node *node);

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

/* True if a has at least lead_ns of its run time less of its share than b. Both belong to one
 * queue. */
bool fair_leads(const struct fair_node *a, const struct fair_node *b, u64 lead_ns);

#endif
