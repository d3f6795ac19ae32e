/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatches interrupts to the timer, cross-CPU calls and devices. */
#include "core/kern/irq.h"

#include "core/kern/kern.h"
#include "core/lib/errno.h"
#include "core/x86/idt.h"
#include "core/x86/lapic.h"
#include "core/x86/log.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"

struct vector_use {
    irq_handler handler;
    void *arg;
};

static struct spinlock lock = SPINLOCK_INIT("irq vectors", LOCK_POOL);
static struct vector_use vectors[256]; /* lock for changes; read by dispatch without */

static void dispatch(u8 vector)
{
    switch (vector) {
    case VECTOR_SPURIOUS:
        return; /* takes no EOI */
    case VECTOR_TIMER:
        timer_interrupt();
        break;
    case VECTOR_KICK:
    case VECTOR_POSTED:
        break; /* coming here was all it is for */
    case VECTOR_CALL:
        work_interrupt();
        break;
    default: {
        irq_handler handler = __atomic_load_n(&vectors[vector].handler, __ATOMIC_ACQUIRE);

        if (handler != NULL)
            (void)handler(vectors[vector].arg);
        else
            log_warn("irq", "interrupt on vector 0x%x, which nobody uses", (unsigned)vector);
    }
    }
    lapic_eoi();
}

void irq_init(void)
{
    idt_set_dispatcher(dispatch);
}

/* Vectors are unique over all CPUs: there are far more than devices. */
int irq_alloc(u32 pcpu, irq_handler handler, void *arg, u8 *vector, u32 *apic_id)
{
    const struct pcpu *p = pcpu_get(pcpu);
    int rc = -ENOSPC;
    u64 flags;

    if (p == NULL)
        return -ENOSPC;
    flags = spin_lock_irqsave(&lock);
    for (u32 v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++) {
        if (vectors[v].handler == NULL) {
            vectors[v].arg = arg;
            __atomic_store_n(&vectors[v].handler, handler, __ATOMIC_RELEASE);
            *vector = (u8)v;
            *apic_id = p->apic_id;
            rc = 0;
            break;
        }
    }
    spin_unlock_irqrestore(&lock, flags);
    return rc;
}

void irq_free(u32 pcpu, u8 vector)
{
    u64 flags = spin_lock_irqsave(&lock);

    (void)pcpu;
    __atomic_store_n(&vectors[vector].handler, NULL, __ATOMIC_RELEASE);
    spin_unlock_irqrestore(&lock, flags);
}
