/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU data: one struct pcpu per physical CPU, found through GS.
 *
 * GS base points at the structure for as long as the hypervisor runs; its first word points to
 * itself, so that this_pcpu() is one load. Only the CPU itself writes its structure, but for
 * `remote`, which is atomic.
 */
#ifndef SOCLE_X86_PERCPU_H
#define SOCLE_X86_PERCPU_H

#include "core/config.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct task;

struct task_state_segment {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_map_base;
} packed;

#define IST_NMI         1
#define IST_DF          2
#define IST_MC          3
#define IST_STACK_BYTES 8192

struct pcpu {
    struct pcpu *self;             /* must be first: this_pcpu() reads it at GS:0 */
    u32 id;                        /* (c) 0 is the boot CPU */
    u32 apic_id;                   /* (c) */
    u32 node;                      /* (c) NUMA node, as mm/pmm.h numbers them */
    struct task *current;          /* (o) running task */
    void *hvm_page;                /* (c) vendor layer's per-CPU page */
    u64 last_vm;                   /* (o) whose guest ran here last: VM id + 1, or 0 */
    u32 lock_depth;                /* (o) spinlocks held, debug builds */
    const void *locks[8];          /* (o) which ones */
    u64 gdt[8];                    /* (c) */
    struct task_state_segment tss; /* (c) */
    void *ist_stacks;              /* (c) three of IST_STACK_BYTES */
    u64 idle_ns;                   /* (o) time in HLT */
    u64 idle_since_ns;             /* (a) start of the HLT it is in, or 0 */
    u64 guest_ns;                  /* (o) time in guest mode */
    bool is_online;                /* (a) */
    struct {
        u32 resched; /* a better task became runnable, or the slice is over */
    } remote;        /* (a) */
};

static inline struct pcpu *this_pcpu(void)
{
    struct pcpu *p;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(p));
    return p;
}

/* Return: NULL if there is no such pCPU. */
struct pcpu *pcpu_get(u32 id);

/* pCPUs that have a structure: online, or about to be. */
u32 pcpu_count(void);

/* Takes the next free structure. Context: boot CPU. Return: NULL if PCPUS_MAX are in use. */
struct pcpu *pcpu_add(u32 apic_id, void *ist_stacks);

/* Loads GDT, TSS and GS of this CPU. Context: the CPU itself, interrupts off. */
void pcpu_activate(struct pcpu *p);

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

#endif
