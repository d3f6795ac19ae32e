/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC timer: one-shot, periodic, TSC deadline.
 *
 * The bus clock is 1 GHz, so a count is a number of nanoseconds times the divisor. Periodic
 * deadlines lie on a grid fixed by the first one: they do not drift, and those missed are dropped,
 * never made up for. A period below VDEV_MIN_PERIOD_NS is served at that rate, so that no guest can
 * storm its host with timers. The vCPU's task and the host timer's callback (interrupt context)
 * meet under dev.lock. Spec: SDM 3A "APIC Timer".
 */
#include "core/vdev/vlapic.h"
#include "core/vdev/vdev_util.h"
#include "core/vm/vm.h"
#include "core/x86/tsc.h"

#define LVT_TIMER_MODE 0x60000u
#define TIMER_ONE_SHOT 0x00000u
#define TIMER_PERIODIC 0x20000u
#define TIMER_TSC      0x40000u

#define DCR_LOW  0x3u
#define DCR_HIGH BIT(3)
#define DCR_BY_1 7u

#define TSC_WAIT_MAX BIT(60) /* further away is never: more than nine years */

static u32 timer_mode(const struct vlapic *lapic)
{
    return vlapic_lvt(lapic, LVT_TIMER) & LVT_TIMER_MODE;
}

/* Spec: SDM 3A "Divide Configuration Register": bits 3, 1, 0 are an exponent minus one; 7 means 1.
 */
static u64 tick_ns(const struct vlapic_timer *t)
{
    u32 code = (t->divide & DCR_LOW) | (t->divide & DCR_HIGH ? 4u : 0);

    return code == DCR_BY_1 ? 1 : 2ull << code;
}

static u64 period_ns(const struct vlapic_timer *t)
{
    return MAX(t->initial * tick_ns(t), VDEV_MIN_PERIOD_NS);
}

/* Sets the deadline; a host timer left armed without one does nothing when it comes. Lock held. */
static void set_deadline(struct vlapic_timer *t, u64 deadline_ns)
{
    t->deadline_ns = deadline_ns;
    if (deadline_ns != VDEV_NEVER_NS)
        timer_arm(&t->host, deadline_ns);
}

/* Takes the expiry, if it is one. Lock held. Return: true if the interrupt is due. */
static bool expire(struct vlapic *lapic)
{
    struct vlapic_timer *t = &lapic->timer;
    u64 now = time_ns();

    if (now < t->deadline_ns) {
        set_deadline(t, t->deadline_ns);
        return false;
    }
    if (timer_mode(lapic) == TIMER_PERIODIC)
        set_deadline(t, vdev_next_period(t->deadline_ns, period_ns(t), now));
    else
        t->deadline_ns = VDEV_NEVER_NS;
    t->tsc_deadline = 0;
    return true;
}

static void on_expiry(void *arg)
{
    struct vlapic *lapic = arg;
    u64 flags = spin_lock_irqsave(&lapic->dev.lock);
    bool is_due = expire(lapic);

    spin_unlock_irqrestore(&lapic->dev.lock, flags);
    if (is_due)
        vlapic_lvt_fire(lapic, LVT_TIMER);
}

void vlapic_timer_init(struct vlapic *lapic)
{
    timer_init(&lapic->timer.host, on_expiry, lapic);
    lapic->timer.deadline_ns = VDEV_NEVER_NS;
}

void vlapic_timer_stop(struct vlapic *lapic)
{
    struct vlapic_timer *t = &lapic->timer;
    u64 flags = spin_lock_irqsave(&lapic->dev.lock);

    t->deadline_ns = VDEV_NEVER_NS;
    t->tsc_deadline = 0;
    t->initial = 0;
    t->divide = 0;
    spin_unlock_irqrestore(&lapic->dev.lock, flags);
    timer_cancel(&t->host);
}

void vlapic_timer_set_initial(struct vlapic *lapic, u32 count)
{
    struct vlapic_timer *t = &lapic->timer;
    u64 flags;

    if (timer_mode(lapic) == TIMER_TSC)
        return;
    flags = spin_lock_irqsave(&lapic->dev.lock);
    t->initial = count;
    vlapic_set(lapic, APIC_TIMER_ICR, count);
    set_deadline(t, count == 0 ? VDEV_NEVER_NS : time_ns() + count * tick_ns(t));
    spin_unlock_irqrestore(&lapic->dev.lock, flags);
}

/* Lock held. */
static u32 current_count(const struct vlapic *lapic)
{
    const struct vlapic_timer *t = &lapic->timer;
    u64 now = time_ns(), deadline = t->deadline_ns;

    if (deadline == VDEV_NEVER_NS || timer_mode(lapic) == TIMER_TSC)
        return 0;
    if (timer_mode(lapic) == TIMER_PERIODIC)
        deadline = vdev_next_period(deadline, period_ns(t), now);
    if (deadline <= now)
        return 0;
    return (u32)MIN((deadline - now + tick_ns(t) - 1) / tick_ns(t), (u64)t->initial);
}

u32 vlapic_timer_current(struct vlapic *lapic)
{
    u64 flags = spin_lock_irqsave(&lapic->dev.lock);
    u32 count = current_count(lapic);

    spin_unlock_irqrestore(&lapic->dev.lock, flags);
    return count;
}

void vlapic_timer_set_divide(struct vlapic *lapic, u32 divide)
{
    struct vlapic_timer *t = &lapic->timer;
    u64 flags = spin_lock_irqsave(&lapic->dev.lock);
    u32 count = current_count(lapic);

    t->divide = divide;
    vlapic_set(lapic, APIC_TIMER_DCR, divide);
    if (count != 0) /* goes on from where it is, at the new rate */
        set_deadline(t, time_ns() + count * tick_ns(t));
    spin_unlock_irqrestore(&lapic->dev.lock, flags);
}

void vlapic_timer_set_lvt(struct vlapic *lapic, u32 lvt)
{
    u64 flags = spin_lock_irqsave(&lapic->dev.lock);
    u32 old = timer_mode(lapic);

    vlapic_set(lapic, APIC_LVT_TIMER, lvt);
    if (old != timer_mode(lapic) && (old == TIMER_TSC || timer_mode(lapic) == TIMER_TSC)) {
        lapic->timer.deadline_ns = VDEV_NEVER_NS;
        lapic->timer.tsc_deadline = 0;
    }
    spin_unlock_irqrestore(&lapic->dev.lock, flags);
}

u64 vlapic_timer_tsc_deadline(struct vlapic *lapic)
{
    u64 flags = spin_lock_irqsave(&lapic->dev.lock);
    u64 tsc = lapic->timer.tsc_deadline;

    spin_unlock_irqrestore(&lapic->dev.lock, flags);
    return tsc;
}

/* The host time at which the guest's TSC will show that value. */
static u64 time_of_tsc(const struct vlapic *lapic, u64 tsc)
{
    u64 now = time_ns();
    u64 now_tsc = tsc_boot() + tsc_from_ns(now) + lapic->vcpu->tsc_offset;

    if (tsc <= now_tsc)
        return now;
    return tsc - now_tsc > TSC_WAIT_MAX ? VDEV_NEVER_NS : now + tsc_to_ns(tsc - now_tsc) + 1;
}

void vlapic_timer_set_tsc_deadline(struct vlapic *lapic, u64 tsc)
{
    struct vlapic_timer *t = &lapic->timer;
    u64 flags;

    if (timer_mode(lapic) != TIMER_TSC)
        return;
    flags = spin_lock_irqsave(&lapic->dev.lock);
    t->tsc_deadline = tsc;
    set_deadline(t, tsc == 0 ? VDEV_NEVER_NS : time_of_tsc(lapic, tsc));
    spin_unlock_irqrestore(&lapic->dev.lock, flags);
}
