/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted list of timers. */
#include "core/kern/timerq.h"

void timerq_init(struct timerq *q)
{
    list_init(&q->head);
}

void timerq_insert(struct timerq *q, struct timer *t)
{
    struct list *before = q->head.prev;

    while (before != &q->head &&
           list_entry(before, struct timer, link)->deadline_ns > t->deadline_ns)
        before = before->prev;
    list_insert_between(&t->link, before, before->next);
    t->armed = true;
}

void timerq_remove(struct timerq *q, struct timer *t)
{
    (void)q;
    list_remove(&t->link);
    t->armed = false;
}

struct timer *timerq_pop_due(struct timerq *q, u64 now_ns)
{
    struct timer *t;

    if (list_empty(&q->head))
        return NULL;
    t = list_entry(q->head.next, struct timer, link);
    if (t->deadline_ns > now_ns)
        return NULL;
    timerq_remove(q, t);
    return t;
}

u64 timerq_next(const struct timerq *q)
{
    return list_empty(&q->head) ? TIMERQ_NEVER
                                : list_entry(q->head.next, struct timer, link)->deadline_ns;
}
