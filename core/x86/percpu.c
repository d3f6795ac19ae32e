/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-CPU structures and the segment registers that lead to them. */
#include "core/x86/percpu.h"

#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/msr.h"

/* A bigger array would be mostly empty: structures beyond the first come from memory given by
 * smp.c. */
static struct pcpu pcpus[PCPUS_MAX];
static u32 count;

/* Spec: APM vol. 2 "Legacy Segment Descriptors", "Long-Mode Segment Descriptors". */
#define DESCRIPTOR_CODE64 0x00af9b000000ffffull
#define DESCRIPTOR_DATA   0x00cf93000000ffffull
#define DESCRIPTOR_TSS    0x0000890000000000ull

struct pcpu *pcpu_get(u32 id)
{
    return id < count ? &pcpus[id] : NULL;
}

u32 pcpu_count(void)
{
    return count;
}

struct pcpu *pcpu_add(u32 apic_id, void *ist_stacks)
{
    struct pcpu *p;

    if (count == PCPUS_MAX)
        return NULL;
    p = &pcpus[count];
    p->self = p;
    p->id = count;
    p->apic_id = apic_id;
    p->ist_stacks = ist_stacks;
    count++;
    return p;
}

static void build_tables(struct pcpu *p)
{
    u64 tss = (u64)&p->tss, stacks = (u64)p->ist_stacks;

    for (unsigned i = 0; i < 3; i++)
        p->tss.ist[i] = stacks + (i + 1) * IST_STACK_BYTES;
    p->tss.io_map_base = sizeof p->tss;
    p->gdt[SELECTOR_CODE / 8] = DESCRIPTOR_CODE64;
    p->gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
    p->gdt[SELECTOR_TSS / 8] = DESCRIPTOR_TSS | (sizeof p->tss - 1) | ((tss & 0xffffff) << 16) |
                               (((tss >> 24) & 0xff) << 56);
    p->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
}

static void load_segments(void)
{
    u64 code = SELECTOR_CODE;

    __asm__ volatile("push %0\n"
                     "lea 1f(%%rip), %%rax\n"
                     "push %%rax\n"
                     "lretq\n"
                     "1: mov %1, %%ds\n mov %1, %%es\n mov %1, %%ss\n"
                     "xor %%eax, %%eax\n mov %%eax, %%fs\n mov %%eax, %%gs\n"
                     :
                     : "r"(code), "r"(SELECTOR_DATA)
                     : "rax", "memory");
}

void pcpu_activate(struct pcpu *p)
{
    struct descriptor_pointer gdt = {sizeof p->gdt - 1, (u64)p->gdt};

    build_tables(p);
    lgdt(&gdt);
    load_segments();
    wrmsr(MSR_GS_BASE, (u64)p);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    ltr(SELECTOR_TSS);
}
