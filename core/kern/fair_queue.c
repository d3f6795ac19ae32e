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

/* The subtree of the higher rank goes to the left. */
static void lean_left(struct fair_node *node)
{
    if (rank_of(node->left) < rank_of(node->right)) {
        struct fair_node *left = node->left;

        node->left = node->right;
        node->right = left;
    }
    node->rank = rank_of(node->right) + 1;
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
    top->right->parent = top;
    lean_left(top);
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

void fair_join(const struct fair_queue *q, struct fair_node *node)
{
    node->vtime = q->floor;
}

void fair_leave(const struct fair_queue *q, struct fair_node *node)
{
    node->vtime += q->offset;
}

static u64 cap_of(const struct fair_node *node)
{
    return MAX(FAIR_CAP_LEAST_NS, virtual_ns(node, FAIR_CAP_NS));
}

void fair_enter(struct fair_queue *q, struct fair_node *node, bool is_idle)
{
    u64 reach = cap_of(node);

    if (is_idle)
        q->offset = node->vtime - q->floor;
    node->vtime -= q->offset;
    if (is_less(node->vtime, q->floor - reach))
        node->vtime = q->floor - reach;
    if (is_less(q->floor + reach, node->vtime))
        node->vtime = q->floor + reach;
}

bool fair_is_behind(const struct fair_queue *q, const struct fair_node *node, u64 time, u64 run_ns)
{
    return !is_less(time, node->vtime + q->offset + virtual_ns(node, run_ns));
}

static void move_on(struct fair_queue *q, u64 time, u64 earliest)
{
    if (is_less(time, earliest))
        q->offset += earliest - time;
}

void fair_follow(struct fair_queue *q, const struct fair_node *node, u64 time)
{
    move_on(q, node->vtime + q->offset, time - cap_of(node));
}

void fair_forget(struct fair_queue *q, const struct fair_node *running,
                 const struct fair_node *elsewhere)
{
    move_on(q, fair_clock(q), elsewhere->vtime - MAX(cap_of(running), cap_of(elsewhere)));
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

static const struct fair_node *least_of(const struct fair_queue *q, const struct fair_node *running)
{
    if (q->root == NULL || (running != NULL && is_less(running->vtime, q->root->vtime)))
        return running;
    return q->root;
}

bool fair_least(const struct fair_queue *q, const struct fair_node *running, u64 *out)
{
    const struct fair_node *least = least_of(q, running);

    if (least != NULL)
        *out = least->vtime + q->offset;
    return least != NULL;
}

void fair_advance(struct fair_queue *q, const struct fair_node *running)
{
    const struct fair_node *least = least_of(q, running);

    if (least != NULL && is_less(q->floor, least->vtime))
        q->floor = least->vtime;
}

static void set_count(struct fair_queue *q, u32 count)
{
    __atomic_store_n(&q->count, count, __ATOMIC_RELAXED);
}

static void set_root(struct fair_queue *q, struct fair_node *root)
{
    q->root = root;
    if (root != NULL)
        root->parent = NULL;
}

void fair_add(struct fair_queue *q, struct fair_node *node)
{
    node->left = node->right = NULL;
    node->rank = 1;
    node->arrival = q->arrivals++;
    set_root(q, merge(q->root, node));
    set_count(q, q->count + 1);
}

struct fair_node *fair_take(struct fair_queue *q)
{
    struct fair_node *first = q->root;

    if (first == NULL)
        return NULL;
    set_root(q, merge(first->left, first->right));
    first->rank = 0;
    set_count(q, q->count - 1);
    return first;
}

/* What was below the node takes its place. Only ranks on the way up can change, and no further than
 * they do: log2(n) of them, as a rank counts the shortest way down. */
void fair_remove(struct fair_queue *q, struct fair_node *node)
{
    struct fair_node *below = merge(node->left, node->right), *above = node->parent;

    node->rank = 0;
    set_count(q, q->count - 1);
    if (above == NULL) {
        set_root(q, below);
        return;
    }
    if (above->left == node)
        above->left = below;
    else
        above->right = below;
    if (below != NULL)
        below->parent = above;
    for (; above != NULL; above = above->parent) {
        u32 rank = above->rank;

        lean_left(above);
        if (above->rank == rank)
            return;
    }
}

bool fair_leads(const struct fair_node *a, const struct fair_node *b, u64 lead_ns)
{
    return !is_less(b->vtime, a->vtime + virtual_ns(a, lead_ns));
}

void fair_let_pass(struct fair_node *running, struct fair_node *other)
{
    u64 vtime = running->vtime;

    if (!is_less(vtime, other->vtime))
        return;
    running->vtime = other->vtime;
    other->vtime = vtime;
}
