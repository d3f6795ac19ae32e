/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines that devices share: one vector for each line, all handlers called on each
 * interrupt.
 *
 * Lines of devices are level-triggered: an interrupt comes again after the EOI as long as a device
 * holds the line. Handlers therefore silence their device before they return. A device without a
 * driver that holds the line would keep the CPU in the handler for ever, so a line whose interrupts
 * nobody claims is masked for good.
 *
 * All interrupts of lines go to pCPU 0, where lines are attached too: a list never changes under a
 * handler that reads it, it can only be interrupted half-changed. So a slot's handler is stored
 * last and cleared first, and there is no lock.
 */
#include "core/kern/irq.h"
#include "core/lib/errno.h"
#include "core/x86/ioapic.h"
#include "core/x86/log.h"

#define LINES_MAX     16u
#define USERS_MAX     8u
#define UNCLAIMED_MAX 1000u /* in a row: no device does that for want of luck */

struct line_user {
    irq_handler handler; /* NULL: free */
    void *arg;
};

struct line {
    struct irq_line how;
    struct line_user users[USERS_MAX];
    u32 user_count; /* 0: the entry is free */
    u32 unclaimed;
    u8 vector;
};

static struct line lines[LINES_MAX];

static bool line_interrupt(void *arg)
{
    struct line *line = arg;
    bool is_claimed = false;

    for (u32 i = 0; i < USERS_MAX; i++) {
        irq_handler handler = __atomic_load_n(&line->users[i].handler, __ATOMIC_ACQUIRE);

        if (handler != NULL)
            is_claimed |= handler(line->users[i].arg);
    }
    line->unclaimed = is_claimed ? 0 : line->unclaimed + 1;
    if (line->unclaimed == UNCLAIMED_MAX) {
        ioapic_mask(line->how.gsi);
        log_error("irq", "GSI %u is off: interrupts keep coming that no driver claims",
                  line->how.gsi);
    }
    return is_claimed;
}

static struct line *line_find(u32 gsi)
{
    for (u32 i = 0; i < LINES_MAX; i++) {
        if (lines[i].user_count != 0 && lines[i].how.gsi == gsi)
            return &lines[i];
    }
    return NULL;
}

/* A line without users yet, its pin routed and masked. Return: 0 and *out, or an error. */
static int line_create(const struct irq_line *how, struct line **out)
{
    struct ioapic_route route = {.is_level = how->is_level, .is_active_low = how->is_active_low};
    struct line *line = lines;
    int rc;

    while (line < lines + LINES_MAX && line->user_count != 0)
        line++;
    if (line == lines + LINES_MAX)
        return -ENOSPC;
    *line = (struct line){.how = *how};
    rc = irq_alloc(0, line_interrupt, line, &line->vector, &route.apic_id);
    if (rc != 0)
        return rc;
    route.vector = line->vector;
    rc = ioapic_set_route(how->gsi, &route);
    if (rc != 0)
        irq_free(0, line->vector);
    *out = line;
    return rc;
}

static int add_user(struct line *line, irq_handler handler, void *arg)
{
    for (u32 i = 0; i < USERS_MAX; i++) {
        if (line->users[i].handler == NULL) {
            line->users[i].arg = arg;
            __atomic_store_n(&line->users[i].handler, handler, __ATOMIC_RELEASE);
            line->user_count++;
            return 0;
        }
    }
    return -ENOSPC;
}

int irq_line_attach(const struct irq_line *how, irq_handler handler, void *arg)
{
    struct line *line = line_find(how->gsi);
    int rc;

    if (line != NULL) {
        if (line->how.is_level != how->is_level || line->how.is_active_low != how->is_active_low)
            return -EBUSY;
        return add_user(line, handler, arg);
    }
    rc = line_create(how, &line);
    if (rc != 0)
        return rc;
    rc = add_user(line, handler, arg);
    ioapic_unmask(how->gsi);
    return rc;
}

void irq_line_detach(u32 gsi, irq_handler handler, void *arg)
{
    struct line *line = line_find(gsi);

    for (u32 i = 0; line != NULL && i < USERS_MAX; i++) {
        struct line_user *user = &line->users[i];

        if (user->handler != handler || user->arg != arg)
            continue;
        __atomic_store_n(&user->handler, NULL, __ATOMIC_RELEASE);
        line->user_count--;
        if (line->user_count == 0) {
            ioapic_mask(gsi);
            irq_free(0, line->vector);
        }
        return;
    }
}
