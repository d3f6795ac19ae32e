/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a micro-guest can use: console, verdicts, traps, port and memory access.
 *
 * A micro-guest asks one question of the machine it runs on and ends with one verdict line:
 * "VERDICT SUCCESS|SKIP|ERROR|FAILURE: text", then switches the machine off by ACPI. It is a PVH
 * kernel, so it runs under plain `qemu-system-x86_64 -kernel` as well, which tells a wrong test
 * from a wrong hypervisor.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define COM1        0x3f8
#define LAPIC_BASE  0xfee00000ull
#define IOAPIC_BASE 0xfec00000ull
#define PM1A_EVT    0x600
#define PM1A_CNT    0x604
#define PM_TIMER    0x608
#define PM_TIMER_HZ 3579545ull
#define NO_TRAP     0xffffffffu

/* The guest's own entry; returning from it is SUCCESS. */
void guest_main(void);

/* The next number of a sequence that is the same in every run (xorshift); *seed is not 0. */
static inline u32 random_next(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (u32)(*seed >> 16);
}

/* %s %d %u %x %c, l and 0-padded widths. */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Verdicts: none returns. */
__attribute__((noreturn)) void success(void);
__attribute__((noreturn, format(printf, 1, 2))) void skip(const char *fmt, ...);
__attribute__((noreturn, format(printf, 1, 2))) void failure(const char *fmt, ...);
__attribute__((noreturn)) void power_off(void);

/* Fails the test, naming the condition and the values. */
#define EXPECT(cond)                                 \
    do {                                             \
        if (!(cond))                                 \
            failure("line %d: %s", __LINE__, #cond); \
    } while (0)
#define EXPECT_EQ(a, b)                                                            \
    do {                                                                           \
        u64 a_ = (u64)(a), b_ = (u64)(b);                                          \
        if (a_ != b_)                                                              \
            failure("line %d: %s is 0x%lx, expected 0x%lx", __LINE__, #a, a_, b_); \
    } while (0)

/* TSC at the first instruction: under Socle, time since the VM began to be built. */
extern u64 entry_tsc;

/* Stack frame of a trap, as the stubs push it. */
struct trap {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* Installs a handler for a vector; it may change the frame. NULL: the default (a FAILURE verdict).
 */
void on_trap(u8 vector, void (*handler)(struct trap *t));

/*
 * Runs fn(arg) and catches the first exception in it. Return: its vector, or NO_TRAP; the error
 * code and CR2 go to trap_error and trap_cr2.
 */
u32 catch_trap(void (*fn)(void *arg), void *arg);
extern volatile u64 trap_error;
extern volatile u64 trap_cr2;

/* Puts the values in ascending order. */
void sort(u64 *values, unsigned count);

/* Both PICs remapped to 0x20 and fully masked. */
void pic_disable(void);

static inline void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outw(u16 port, u16 v)
{
    __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(u16 port, u32 v)
{
    __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u16 inw(u16 port)
{
    u16 v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u32 inl(u16 port)
{
    u32 v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline u64 rdmsr(u32 msr)
{
    u32 lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return ((u64)hi << 32) | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 rdtsc(void)
{
    u32 lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return ((u64)hi << 32) | lo;
}
struct cpuid {
    u32 eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}
static inline u32 mmio_read(u64 addr)
{
    return *(volatile u32 *)addr;
}
static inline void mmio_write(u64 addr, u32 v)
{
    *(volatile u32 *)addr = v;
}
static inline void sti(void)
{
    __asm__ volatile("sti" ::: "memory");
}
static inline void cli(void)
{
    __asm__ volatile("cli" ::: "memory");
}
/* Enables interrupts and halts without a gap; interrupts are off again on return. */
static inline void sti_hlt_cli(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

/* Local APIC registers (xAPIC). */
#define LAPIC_ID        0x020
#define LAPIC_VERSION   0x030
#define LAPIC_TPR       0x080
#define LAPIC_EOI       0x0b0
#define LAPIC_SVR       0x0f0
#define LAPIC_ISR       0x100
#define LAPIC_IRR       0x200
#define LAPIC_ESR       0x280
#define LAPIC_ICR_LOW   0x300
#define LAPIC_ICR_HIGH  0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_TIMER_ICR 0x380
#define LAPIC_TIMER_CCR 0x390
#define LAPIC_TIMER_DCR 0x3e0
#define LVT_PERIODIC    0x20000u

static inline u32 lapic_read(u32 reg)
{
    return mmio_read(LAPIC_BASE + reg);
}
static inline void lapic_write(u32 reg, u32 v)
{
    mmio_write(LAPIC_BASE + reg, v);
}
/* Software-enables the local APIC, spurious vector 0xff. */
static inline void lapic_enable(void)
{
    lapic_write(LAPIC_SVR, 0x1ff);
}

static inline u32 ioapic_read(u32 reg)
{
    mmio_write(IOAPIC_BASE, reg);
    return mmio_read(IOAPIC_BASE + 0x10);
}
static inline void ioapic_write(u32 reg, u32 v)
{
    mmio_write(IOAPIC_BASE, reg);
    mmio_write(IOAPIC_BASE + 0x10, v);
}

#endif
