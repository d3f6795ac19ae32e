/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual times and the leftist heap that orders them. */
#include "core/kern/fair_queue.h"

#ifndef FAIR_COMPARED
#define FAIR_COMPARED() ((void)0) /* the unit test counts here */
#endif

static u64 virtual_ns(const struct fair_node *node, u64 run_ns)
{
    return run_ns * FAIR_WEIGHT_DEFAULT / node->weight;
}

/* Right for differences below 2^63, so that times may wrap. */
static bool is_less(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

static bool is_before(const struct fair_node *a, const struct fair_node *b)
{
    FAIR_COMPARED();
    return a->vtime == b->vtime ? is_less(a->arrival, b->arrival) : is_less(a->vtime, b->vtime);
}

static u32 rank_of(const struct fair_node *node)
{
    return node == NULL ? 0 : node->rank;
}

/*
 * Merges two heaps along their right sides. The left subtree's rank is never the smaller one, so a
 * right side has at most log2(n + 1) nodes, which bounds the recursion as well.
 */
static struct fair_node *merge(struct fair_node *a, struct fair_node *b)
{
    struct fair_node *top, *other;

    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    top = is_before(b, a) ? b : a;
    other = top == a ? b : a;
    top->right = merge(top->right, other);
    if (rank_of(top->left) < rank_of(top->right)) {
        struct fair_node *left = top->left;

        top->left = top->right;
        top->right = left;
    }
    top->rank = rank_of(top->right) + 1;
    return top;
}

void fair_init(struct fair_queue *q)
{
    *q = (struct fair_queue){.root = NULL};
}

void fair_node_init(struct fair_node *node, u32 weight)
{
    *node = (struct fair_node){.weight = weight};
}

void fair_enter(const struct fair_queue *q, struct fair_node *node)
{
    node->vtime += q->floor;
}

void fair_leave(const struct fair_queue *q, struct fair_node *node)
{
    node->vtime -= q->floor;
}

void fair_catch_up(const struct fair_queue *q, struct fair_node *node, u64 slice_ns)
{
    u64 earliest = q->floor - virtual_ns(node, slice_ns);

    if (is_less(node->vtime, earliest))
        node->vtime = earliest;
}

void fair_charge(struct fair_node *node, u64 ran_ns)
{
    u64 scaled = ran_ns * FAIR_WEIGHT_DEFAULT + node->remainder;

    node->vtime += scaled / node->weight;
    node->remainder = (u32)(scaled % node->weight);
}

void fair_advance(struct fair_queue *q, const struct fair_node *running)
{
    const struct fair_node *least = q->root;

    if (least == NULL || (running != NULL && is_less(running->vtime, least->vtime)))
        least = running;
    if (least != NULL && is_less(q->floor, least->vtime))
        q->floor = least->vtime;
}

void fair_add(struct fair_queue *q, struct fair_node *node)
{
    node->left = node->right = NULL;
    node->rank = 1;
    node->arrival = q->arrivals++;
    q->root = merge(q->root, node);
    q->count++;
}

struct fair_node *fair_take(struct fair_queue *q)
{
    struct fair_node *first = q->root;

    if (first == NULL)
        return NULL;
    q->root = merge(first->left, first->right);
    q->count--;
    return first;
}

bool fair_leads(const struct fair_node *a, const struct fair_node *b, u64 lead_ns)
{
    return !is_less(b->vtime, a->vtime + virtual_ns(a, lead_ns));
}
