/* SPDX-License-Identifier: BSD-2-Clause */
/* Cross-CPU calls and kicks. */
#include "core/kern/work.h"

#include "core/kern/kern.h"
#include "core/x86/idt.h"
#include "core/x86/insn.h"
#include "core/x86/lapic.h"
#include "core/x86/percpu.h"

static u32 busy; /* (a) one call at a time */
static void (*call_fn)(void *arg);
static void *call_arg;
static u32 calls_left; /* (a) CPUs that have not run it yet */

void work_interrupt(void)
{
    call_fn(call_arg);
    __atomic_fetch_sub(&calls_left, 1, __ATOMIC_RELEASE);
}

void work_call_all(void (*fn)(void *arg), void *arg)
{
    u32 idle = 0, others = 0;
    u64 flags;

    /* Interrupts stay on while waiting for the turn, so that the other caller's call gets through.
     */
    while (
        !__atomic_compare_exchange_n(&busy, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        idle = 0;
        cpu_pause();
    }
    for (u32 i = 0; i < pcpu_count(); i++)
        others += pcpu_get(i) != this_pcpu() && pcpu_get(i)->is_online;
    call_fn = fn;
    call_arg = arg;
    __atomic_store_n(&calls_left, others, __ATOMIC_RELEASE);
    for (u32 i = 0; i < pcpu_count(); i++) {
        if (pcpu_get(i) != this_pcpu() && pcpu_get(i)->is_online)
            lapic_send(pcpu_get(i)->apic_id, VECTOR_CALL);
    }
    flags = irq_save();
    fn(arg);
    irq_restore(flags);
    while (__atomic_load_n(&calls_left, __ATOMIC_ACQUIRE) != 0)
        cpu_pause();
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

void work_post_irqs(u32 pcpu)
{
    const struct pcpu *p = pcpu_get(pcpu);

    if (p != NULL)
        lapic_send(p->apic_id, VECTOR_POSTED);
}

void work_kick(u32 pcpu)
{
    const struct pcpu *p = pcpu_get(pcpu);

    if (p != NULL)
        lapic_send(p->apic_id, VECTOR_KICK);
}
