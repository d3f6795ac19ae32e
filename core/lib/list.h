/* SPDX-License-Identifier: BSD-2-Clause */
/* Intrusive doubly linked circular list; a list head is a node that belongs to no element. */
#ifndef SOCLE_LIB_LIST_H
#define SOCLE_LIB_LIST_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_INIT(head)  \
    {                    \
        &(head), &(head) \
    }

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_between(node, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_between(node, head->prev, head);
}

/* Unlinks the node and makes it an empty list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

#define list_for_each(pos, head) \
    for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

/* As list_for_each, but the current node may be removed inside the loop. */
#define list_for_each_safe(pos, tmp, head)                                 \
    for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head); \
         pos = tmp, tmp = pos->next)

#endif
