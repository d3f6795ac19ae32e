/* SPDX-License-Identifier: BSD-2-Clause */
/* Local APIC of the host. Spec: APM vol. 2 "Advanced Programmable Interrupt Controller (APIC)". */
#include "core/x86/lapic.h"

#include "core/lib/errno.h"
#include "core/x86/cpu_features.h"
#include "core/x86/idt.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "core/x86/msr.h"
#include "core/x86/tsc.h"

#define REG_ID        0x020u
#define REG_EOI       0x0b0u
#define REG_SVR       0x0f0u
#define REG_ICR_LOW   0x300u
#define REG_ICR_HIGH  0x310u
#define REG_LVT_TIMER 0x320u
#define REG_LVT_LINT0 0x350u
#define REG_LVT_LINT1 0x360u
#define REG_LVT_ERROR 0x370u
#define REG_TIMER_ICR 0x380u
#define REG_TIMER_CCR 0x390u
#define REG_TIMER_DCR 0x3e0u

#define SVR_ENABLE       0x100u
#define LVT_MASKED       0x10000u
#define LVT_TSC_DEADLINE 0x40000u
#define DCR_DIVIDE_1     0xbu
#define ICR_NMI          0x400u
#define ICR_INIT         0x500u
#define ICR_STARTUP      0x600u
#define ICR_ASSERT       0x4000u
#define ICR_PENDING      0x1000u
#define ICR_ALL_BUT_SELF 0xc0000u
#define X2APIC_MSR(reg)  (MSR_X2APIC_FIRST + ((reg) >> 4))
#define CALIBRATE_US     2000u
#define TIMER_TICKS_MAX  0x7fffffffu /* a longer sleep wakes early and is set again */

static volatile u32 *registers; /* xAPIC: mapped page */
static bool use_x2apic;
static bool use_deadline;
static u64 timer_per_tsc_q16; /* APIC timer ticks per TSC tick, 16.16 fixed point */

static u32 reg_read(u32 reg)
{
    return use_x2apic ? (u32)rdmsr(X2APIC_MSR(reg)) : registers[reg / 4];
}

static void reg_write(u32 reg, u32 value)
{
    if (use_x2apic)
        wrmsr(X2APIC_MSR(reg), value);
    else
        registers[reg / 4] = value;
}

static void icr_write(u32 apic_id, u32 low)
{
    u64 flags;

    if (use_x2apic) {
        wrmsr(X2APIC_MSR(REG_ICR_LOW), ((u64)apic_id << 32) | low);
        return;
    }
    flags = irq_save(); /* an interrupt between the two writes could send an IPI of its own */
    while ((reg_read(REG_ICR_LOW) & ICR_PENDING) != 0)
        cpu_pause();
    reg_write(REG_ICR_HIGH, apic_id << 24);
    reg_write(REG_ICR_LOW, low);
    irq_restore(flags);
}

int lapic_init(u64 *page)
{
    u64 base = rdmsr(MSR_APIC_BASE);

    *page = 0;
    use_x2apic = cpu_features.has_x2apic;
    use_deadline = cpu_features.has_tsc_deadline;
    if (use_x2apic)
        return 0;
    if ((base & APIC_BASE_ENABLE) == 0)
        return -ENODEV;
    *page = base & APIC_BASE_ADDRESS;
    return 0;
}

void lapic_set_registers(volatile void *page)
{
    registers = page;
}

void lapic_cpu_enable(void)
{
    if (use_x2apic)
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    reg_write(REG_LVT_TIMER, LVT_MASKED);
    reg_write(REG_LVT_LINT0, LVT_MASKED); /* no PIC on this host */
    reg_write(REG_LVT_LINT1, LVT_MASKED);
    reg_write(REG_LVT_ERROR, LVT_MASKED);
    reg_write(REG_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    reg_write(REG_TIMER_DCR, DCR_DIVIDE_1);
    reg_write(REG_LVT_TIMER, VECTOR_TIMER | (use_deadline ? LVT_TSC_DEADLINE : 0));
}

u32 lapic_id(void)
{
    return use_x2apic ? reg_read(REG_ID) : reg_read(REG_ID) >> 24;
}

void lapic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

void lapic_send(u32 apic_id, u8 vector)
{
    icr_write(apic_id, ICR_ASSERT | vector);
}

void lapic_nmi_others(void)
{
    if (use_x2apic || registers != NULL)
        icr_write(0, ICR_ALL_BUT_SELF | ICR_ASSERT | ICR_NMI);
}

void lapic_send_init(u32 apic_id)
{
    icr_write(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(u32 apic_id, u8 page)
{
    icr_write(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

void lapic_timer_calibrate(void)
{
    u64 start, ticks;

    if (use_deadline)
        return;
    reg_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    reg_write(REG_TIMER_ICR, 0xffffffff);
    start = rdtsc();
    tsc_delay_us(CALIBRATE_US);
    ticks = 0xffffffff - reg_read(REG_TIMER_CCR);
    timer_per_tsc_q16 = (ticks << 16) / (rdtsc() - start);
    reg_write(REG_TIMER_ICR, 0);
    reg_write(REG_LVT_TIMER, VECTOR_TIMER);
}

void lapic_timer_set(u64 tsc)
{
    u64 now, ticks;

    if (use_deadline) {
        wrmsr(MSR_TSC_DEADLINE, tsc);
        return;
    }
    now = rdtsc();
    ticks = tsc > now ? MIN(tsc - now, (u64)TIMER_TICKS_MAX << 16) : 0;
    ticks = (ticks * timer_per_tsc_q16) >> 16;
    reg_write(REG_TIMER_ICR, (u32)MAX(MIN(ticks + 1, (u64)TIMER_TICKS_MAX), 1ull));
}

void lapic_timer_stop(void)
{
    if (use_deadline)
        wrmsr(MSR_TSC_DEADLINE, 0);
    else
        reg_write(REG_TIMER_ICR, 0);
}
