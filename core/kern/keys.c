/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of typed bytes, and how much each device may put into it. */
#include "core/kern/keys.h"

#include "core/x86/insn.h"

static struct key_source *sources;
static void (*wake)(void);

/* Counters go up for ever; interrupts write head, the task tail. */
static u8 queue[KEYS_QUEUE];
static u32 head, tail;

void keys_add_source(struct key_source *source)
{
    source->next = sources;
    sources = source;
}

void keys_set_wake(void (*fn)(void))
{
    wake = fn;
}

static void put(u8 key)
{
    if (head - __atomic_load_n(&tail, __ATOMIC_ACQUIRE) == KEYS_QUEUE)
        return;
    queue[head % KEYS_QUEUE] = key;
    __atomic_store_n(&head, head + 1, __ATOMIC_RELEASE);
}

bool keys_take(struct key_source *source)
{
    bool has_read = false, has_key = false;

    while (source->left > 0) {
        int key = source->read();

        if (key == KEYS_EMPTY)
            break;
        source->left--;
        has_read = true;
        if (key != KEYS_NOTHING) {
            put((u8)key);
            has_key = true;
        }
    }
    if (source->left == 0)
        source->allow(false);
    if (has_key && wake != NULL)
        wake();
    return has_read;
}

bool keys_refill(void)
{
    bool is_urgent = false;

    for (struct key_source *s = sources; s != NULL; s = s->next) {
        u64 flags = irq_save();

        s->left = KEYS_ALLOWANCE;
        s->allow(true);
        (void)keys_take(s);
        is_urgent |= !s->has_interrupt || s->left == 0;
        irq_restore(flags);
    }
    return is_urgent;
}

bool keys_get(u8 *key)
{
    if (tail == __atomic_load_n(&head, __ATOMIC_ACQUIRE))
        return false;
    *key = queue[tail % KEYS_QUEUE];
    __atomic_store_n(&tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}
