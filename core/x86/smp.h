/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the other processors. */
#ifndef SOCLE_X86_SMP_H
#define SOCLE_X86_SMP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* What the caller, who may use the layers above, provides for one CPU. */
struct smp_resources {
    u64 stack_top;
    void *ist_stacks; /* 3 * IST_STACK_BYTES */
    u64 kernel_cr3;
    u64 handover_cr3; /* boot_info.handover_cr3 */
    u64 page_address; /* boot_info.ap_page */
    u8 *page;         /* the same page, mapped */
};

/*
 * Starts the CPU with this local APIC ID and waits until it is online. entry runs there on its
 * stack, with the kernel's tables, GS and IDT loaded, interrupts off; it must call smp_online().
 * Context: boot CPU. Return: 0, -ENOSPC (PCPUS_MAX; the resources are not used), -ETIMEDOUT (it did
 * not come and is left out; the resources stay its own, in case it comes late).
 */
int smp_start(u32 apic_id, const struct smp_resources *res, void (*entry)(void)) must_check;

/* Tells the starter that this CPU is running. */
void smp_online(void);

#endif
