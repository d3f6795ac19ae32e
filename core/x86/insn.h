/* SPDX-License-Identifier: BSD-2-Clause */
/* One inline function per x86 instruction that C cannot express. */
#ifndef SOCLE_X86_INSN_H
#define SOCLE_X86_INSN_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define RFLAGS_IF BIT(9)

static inline void cpu_pause(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline u64 read_rflags(void)
{
    u64 flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return flags;
}

/* Turns interrupts off. Return: RFLAGS before, for irq_restore. */
static inline u64 irq_save(void)
{
    u64 flags = read_rflags();

    irq_disable();
    return flags;
}

static inline void irq_restore(u64 flags)
{
    if ((flags & RFLAGS_IF) != 0)
        irq_enable();
}

static inline bool irqs_are_on(void)
{
    return (read_rflags() & RFLAGS_IF) != 0;
}

/* Turns interrupts on and halts with no gap: STI holds interrupts back for one instruction. */
static inline void sti_hlt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

static inline void cpu_hlt(void)
{
    __asm__ volatile("hlt" ::: "memory");
}

static inline void outb(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
    u8 value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u16 inw(u16 port)
{
    u16 value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u32 inl(u16 port)
{
    u32 value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u64 rdmsr(u32 msr)
{
    u32 lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return ((u64)hi << 32) | lo;
}

static inline void wrmsr(u32 msr, u64 value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
    u32 lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return ((u64)hi << 32) | lo;
}

struct cpuid_regs {
    u32 eax, ebx, ecx, edx;
};

static inline void cpuid_count(u32 leaf, u32 subleaf, struct cpuid_regs *out)
{
    __asm__ volatile("cpuid"
                     : "=a"(out->eax), "=b"(out->ebx), "=c"(out->ecx), "=d"(out->edx)
                     : "a"(leaf), "c"(subleaf));
}

static inline u64 xgetbv(u32 index)
{
    u32 lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
    return ((u64)hi << 32) | lo;
}

static inline void xsetbv(u32 index, u64 value)
{
    __asm__ volatile("xsetbv" ::"c"(index), "a"((u32)value), "d"((u32)(value >> 32)));
}

#define DEFINE_CONTROL_REGISTER(name)                                    \
    static inline u64 read_##name(void)                                  \
    {                                                                    \
        u64 value;                                                       \
                                                                         \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value)::"memory"); \
        return value;                                                    \
    }                                                                    \
    static inline void write_##name(u64 value)                           \
    {                                                                    \
        __asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory");    \
    }

DEFINE_CONTROL_REGISTER(cr0)
DEFINE_CONTROL_REGISTER(cr2)
DEFINE_CONTROL_REGISTER(cr3)
DEFINE_CONTROL_REGISTER(cr4)
DEFINE_CONTROL_REGISTER(dr0)
DEFINE_CONTROL_REGISTER(dr1)
DEFINE_CONTROL_REGISTER(dr2)
DEFINE_CONTROL_REGISTER(dr3)
DEFINE_CONTROL_REGISTER(dr6)
DEFINE_CONTROL_REGISTER(dr7)

static inline void invlpg(const volatile void *address)
{
    __asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

struct descriptor_pointer {
    u16 limit;
    u64 base;
} packed;

static inline void lgdt(const struct descriptor_pointer *p)
{
    __asm__ volatile("lgdt %0" ::"m"(*p));
}

static inline void lidt(const struct descriptor_pointer *p)
{
    __asm__ volatile("lidt %0" ::"m"(*p));
}

static inline void sgdt(struct descriptor_pointer *p)
{
    __asm__ volatile("sgdt %0" : "=m"(*p));
}

static inline void sidt(struct descriptor_pointer *p)
{
    __asm__ volatile("sidt %0" : "=m"(*p));
}

static inline void ltr(u16 selector)
{
    __asm__ volatile("ltr %0" ::"r"(selector));
}

/* Return: true and *value if the generator had a number ready. The CPU must have RDRAND. */
static inline bool rdrand(u64 *value)
{
    bool ok;

    __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=q"(ok)::"cc");
    return ok;
}

/* As rdrand, from the entropy source itself. The CPU must have RDSEED. */
static inline bool rdseed(u64 *value)
{
    bool ok;

    __asm__ volatile("rdseed %0; setc %1" : "=r"(*value), "=q"(ok)::"cc");
    return ok;
}

#endif
