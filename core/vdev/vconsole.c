/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's two rings.
 *
 * on_output is called once per silence: after it has been called it is not called again until
 * somebody has looked at the log, so that a guest printing byte by byte costs its host one wake-up
 * and not thousands.
 */
#include "core/vdev/vconsole.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/kheap.h"

#define INPUT_MASK (VCONSOLE_INPUT_MAX - 1)

int vconsole_init(struct vconsole *con, u32 log_bytes)
{
    if (log_bytes == 0 || (log_bytes & (log_bytes - 1)) != 0)
        return -EINVAL;
    *con = (struct vconsole){.log_bytes = log_bytes};
    spin_init(&con->lock, "vconsole", LOCK_CONSOLE);
    con->log = kmalloc(log_bytes);
    return con->log ? 0 : -ENOMEM;
}

void vconsole_fini(struct vconsole *con)
{
    kfree(con->log);
    kfree(con->input);
    con->log = NULL;
    con->log_bytes = 0;
    con->input = NULL;
}

/* Only the last log_bytes of it can be seen by anybody. */
void vconsole_write(struct vconsole *con, const void *src, size_t bytes)
{
    const u8 *from = src;
    u64 flags = spin_lock_irqsave(&con->lock);
    bool wakes = !con->is_notified && bytes > 0;
    size_t skip = bytes - MIN(bytes, (size_t)con->log_bytes), start, first;

    con->written += skip;
    start = con->written & (con->log_bytes - 1);
    first = MIN(bytes - skip, con->log_bytes - start);
    memcpy(con->log + start, from + skip, first);
    memcpy(con->log, from + skip + first, bytes - skip - first);
    con->written += bytes - skip;
    con->is_notified |= bytes > 0;
    spin_unlock_irqrestore(&con->lock, flags);
    if (wakes && con->on_output)
        con->on_output(con->on_output_arg);
}

void vconsole_put(struct vconsole *con, u8 byte)
{
    vconsole_write(con, &byte, 1);
}

bool vconsole_get(struct vconsole *con, u8 *byte)
{
    u64 flags = spin_lock_irqsave(&con->lock);
    bool has_input = con->input_tail != con->input_head;

    if (has_input)
        *byte = con->input[con->input_tail++ & INPUT_MASK];
    if (con->input && con->input_tail == con->input_head) {
        kfree(con->input);
        con->input = NULL;
    }
    spin_unlock_irqrestore(&con->lock, flags);
    return has_input;
}

bool vconsole_has_input(struct vconsole *con)
{
    u64 flags = spin_lock_irqsave(&con->lock);
    bool has_input = con->input_tail != con->input_head;

    spin_unlock_irqrestore(&con->lock, flags);
    return has_input;
}

void vconsole_attach(struct vconsole *con, void (*on_input)(void *arg), void *arg)
{
    u64 flags = spin_lock_irqsave(&con->lock);

    con->on_input = on_input;
    con->on_input_arg = arg;
    spin_unlock_irqrestore(&con->lock, flags);
}

/* Lock held. */
static u64 oldest(const struct vconsole *con)
{
    return con->written > con->log_bytes ? con->written - con->log_bytes : 0;
}

size_t vconsole_read(struct vconsole *con, u64 *offset, void *dst, size_t bytes)
{
    u64 flags = spin_lock_irqsave(&con->lock);
    u64 from = MAX(*offset, oldest(con));
    size_t start = from & (con->log_bytes - 1);
    size_t count = 0, first;

    con->is_notified = false;
    if (from < con->written)
        count = MIN(bytes, (size_t)(con->written - from));
    first = MIN(count, con->log_bytes - start);
    memcpy(dst, con->log + start, first);
    memcpy((u8 *)dst + first, con->log, count - first);
    spin_unlock_irqrestore(&con->lock, flags);
    *offset = from + count;
    return count;
}

u64 vconsole_written(struct vconsole *con)
{
    u64 flags = spin_lock_irqsave(&con->lock);
    u64 written = con->written;

    con->is_notified = false;
    spin_unlock_irqrestore(&con->lock, flags);
    return written;
}

u64 vconsole_oldest(struct vconsole *con)
{
    u64 flags = spin_lock_irqsave(&con->lock);
    u64 offset = oldest(con);

    spin_unlock_irqrestore(&con->lock, flags);
    return offset;
}

/* The callback runs without the lock: it takes the UART's, which ranks before, and reads from here.
 */
size_t vconsole_input(struct vconsole *con, const void *src, size_t bytes)
{
    const u8 *from = src;
    u64 flags = spin_lock_irqsave(&con->lock);
    size_t count = MIN(bytes, (size_t)(VCONSOLE_INPUT_MAX - (con->input_head - con->input_tail)));
    void (*on_input)(void *arg) = con->on_input;
    void *arg = con->on_input_arg;

    if (!con->input && count > 0)
        con->input = kmalloc(VCONSOLE_INPUT_MAX);
    if (!con->input)
        count = 0;
    for (size_t i = 0; i < count; i++)
        con->input[con->input_head++ & INPUT_MASK] = from[i];
    spin_unlock_irqrestore(&con->lock, flags);
    if (count > 0 && on_input)
        on_input(arg);
    return count;
}
