/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a virtual CPU: its loop from requests over events into the guest and back. What keeps
 * requests from being lost stands in vcpu_request.c.
 */
#include "core/vm/vcpu.h"

#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/vm/events.h"
#include "core/vm/exit.h"
#include "core/vm/pv_clock.h"
#include "core/vm/pv_steal.h"
#include "core/vm/spin.h"
#include "core/vm/vm.h"
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/insn.h"
#include "core/x86/msr.h"
#include "core/x86/percpu.h"
#include "core/x86/tsc.h"

#define PASSING_REQUESTS (VCPU_REQ_EVENT | VCPU_REQ_FLUSH | VCPU_REQ_KICK)

static void set_state(struct vcpu *vcpu, enum vcpu_state state)
{
    __atomic_store_n(&vcpu->state, state, __ATOMIC_SEQ_CST);
}

static void set_spinning(struct vcpu *vcpu, bool value)
{
    __atomic_store_n(&vcpu->is_spinning, value, __ATOMIC_RELAXED);
}

static bool has_irq_requests(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->apic->has_requests, __ATOMIC_SEQ_CST) != 0;
}

static u32 requests(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST);
}

static void settle_account(struct vcpu *vcpu)
{
    if (vcpu->exit_tsc != 0)
        exit_account(vcpu, rdtsc());
}

/*
 * Branch predictors must not carry one guest's training into another. Spec: APM 2 "Indirect Branch
 * Prediction Barrier"; SDM, IA32_PRED_CMD.
 */
static void barrier_between_vms(const struct vm *vm)
{
    struct pcpu *pcpu = this_pcpu();

    if (cpu_features.has_ibpb && pcpu->last_vm != 0 && pcpu->last_vm != vm->id + 1ull)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    pcpu->last_vm = vm->id + 1ull;
}

static void load(struct vcpu *vcpu)
{
    barrier_between_vms(vcpu->vm);
    hvm->vcpu_load(vcpu);
    pv_steal_loaded(vcpu);
}

static void put(struct vcpu *vcpu)
{
    settle_account(vcpu);
    pv_steal_leaving(vcpu);
    hvm->vcpu_put(vcpu);
}

/* Read once: whoever waits may have seen enough and be gone before it is told. */
static void tell_waiter(const struct vm *vm)
{
    struct task *waiter = __atomic_load_n(&vm->waiter, __ATOMIC_SEQ_CST);

    if (waiter != NULL)
        task_wake(waiter);
}

/* Leaves the CPU to others until one of the bits is set (wanted) or cleared (!wanted), or a stop is
 * asked for. */
static void wait_for_request(struct vcpu *vcpu, enum vcpu_state state, u32 bits, bool wanted)
{
    put(vcpu);
    set_state(vcpu, state);
    if (state == VCPU_PAUSED)
        tell_waiter(vcpu->vm);
    while ((requests(vcpu) & VCPU_REQ_STOP) == 0 && ((requests(vcpu) & bits) != 0) != wanted)
        task_wait();
    set_state(vcpu, VCPU_RUNNING);
    load(vcpu);
}

/* Lets others run, or waits for the VM's limit on CPU time to allow more. The state is set before
 * the requests are looked at, as when waiting. */
static void yield(struct vcpu *vcpu)
{
    put(vcpu);
    set_state(vcpu, VCPU_READY);
    if ((requests(vcpu) & VCPU_REQ_YIELD_ENDS) == 0)
        task_yield();
    set_state(vcpu, VCPU_RUNNING);
    set_spinning(vcpu, false);
    load(vcpu);
}

/* -- events
 * ---------------------------------------------------------------------------------------------------
 */

static void set_window(struct vcpu *vcpu, enum vm_event_kind kind, bool *is_wanted, bool want)
{
    if (*is_wanted != want) {
        hvm->window_request(vcpu, kind, want);
        *is_wanted = want;
    }
}

static void inject(struct vcpu *vcpu, enum events_choice choice, int irq)
{
    struct vm_event event = {.kind = EVENT_NONE};

    switch (choice) {
    case INJECT_NOTHING:
        return;
    case INJECT_INTERRUPTED:
        event = vcpu->interrupted;
        vcpu->interrupted.kind = EVENT_NONE;
        break;
    case INJECT_EXCEPTION:
        event = vcpu->exception;
        vcpu->exception.kind = EVENT_NONE;
        break;
    case INJECT_NMI:
        if (!vcpu->vm->irqchip->nmi_take(vcpu))
            return;
        event = (struct vm_event){.kind = EVENT_NMI, .vector = VECTOR_NMI};
        break;
    case INJECT_IRQ:
        event = (struct vm_event){.kind = EVENT_EXTINT,
                                  .vector = vcpu->vm->irqchip->acknowledge(vcpu, (u8)irq)};
        break;
    }
    vcpu->is_halted = false;
    vcpu->is_injected = true;
    hvm->inject(vcpu, &event);
}

static void deliver_events(struct vcpu *vcpu)
{
    const struct irqchip_ops *chip = vcpu->vm->irqchip;
    struct events_input in = {
        .has_interrupted = vcpu->interrupted.kind != EVENT_NONE,
        .interrupted_kind = vcpu->interrupted.kind,
        .has_exception = vcpu->exception.kind != EVENT_NONE,
        .nmi_pending = chip->nmi_pending(vcpu),
        .nmi_blocked = hvm->nmi_blocked(vcpu),
        .irqs_enabled = (hvm->reg_get(vcpu, HVM_RFLAGS) & RFLAGS_IF) != 0,
        .in_shadow = hvm->reg_get(vcpu, HVM_INTR_SHADOW) != 0,
    };
    struct events_plan plan;
    int irq = chip->pending(vcpu);

    in.irq_pending = irq >= 0;
    /* An event waits for an entry that was put off: another one would overwrite it. */
    in.is_occupied = vcpu->is_injected;
    events_select(&in, &plan);
    inject(vcpu, plan.choice, irq);
    /* What was taken may have left more behind it. */
    if (plan.choice == INJECT_IRQ)
        plan.want_irq_window = chip->pending(vcpu) >= 0;
    set_window(vcpu, EVENT_NMI, &vcpu->nmi_window_wanted, plan.want_nmi_window);
    set_window(vcpu, EVENT_EXTINT, &vcpu->irq_window_wanted, plan.want_irq_window);
    vcpu->events_pending =
        vcpu->interrupted.kind != EVENT_NONE || vcpu->exception.kind != EVENT_NONE;
}

/* A halted CPU wakes for an NMI, or for an interrupt it would take. */
static bool has_wake_event(struct vcpu *vcpu)
{
    const struct irqchip_ops *chip = vcpu->vm->irqchip;

    if (chip->nmi_pending(vcpu) || vcpu->exception.kind != EVENT_NONE)
        return true;
    return (hvm->reg_get(vcpu, HVM_RFLAGS) & RFLAGS_IF) != 0 && chip->has_pending(vcpu);
}

/* -- the loop
 * ----------------------------------------------------------------------------------------------------
 */

static void halt(struct vcpu *vcpu)
{
    u64 start = time_ns(), waited_ns = vcpu->task.wait_ns;

    wait_for_request(vcpu, VCPU_BLOCKED,
                     VCPU_REQ_EVENT | VCPU_REQ_PAUSE | VCPU_REQ_INIT | VCPU_REQ_KICK, true);
    waited_ns = vcpu->task.wait_ns - waited_ns;
    vcpu->halted_ns += time_ns() - start - waited_ns;
}

static void set_in_guest(struct vcpu *vcpu, u32 value)
{
    __atomic_store_n(&vcpu->in_guest, value, __ATOMIC_SEQ_CST);
}

/* Return: false if something must be looked at first. */
static bool enter(struct vcpu *vcpu)
{
    u64 entry_tsc;
    u8 cr8 = vcpu_cr8(vcpu);

    irq_disable();
    set_in_guest(vcpu, 1);
    if (requests(vcpu) != 0 || has_irq_requests(vcpu) || task_should_yield()) {
        set_in_guest(vcpu, 0);
        irq_enable();
        return false;
    }
    entry_tsc = rdtsc();
    if (vcpu->exit_tsc != 0)
        exit_account(vcpu, entry_tsc);
    hvm->run(vcpu, &vcpu->exit);
    vcpu->is_injected = false;
    vcpu->exit_tsc = rdtsc();
    set_in_guest(vcpu, 0);
    irq_enable();
    this_pcpu()->guest_ns += tsc_to_ns(vcpu->exit_tsc - entry_tsc);

    if (unlikely(vcpu_cr8(vcpu) != cr8))
        vcpu->events_pending = true; /* interrupts held back may go in now */
    if (unlikely(vcpu->exit.interrupted.kind != EVENT_NONE)) {
        vcpu->interrupted = vcpu->exit.interrupted;
        vcpu->events_pending = true;
    }
    return true;
}

/* Spec: SDM 3A "Processor State After Reset", INIT. A start-up IPI that follows at once stays
 * requested, and finds the vCPU waiting. */
static void take_init(struct vcpu *vcpu)
{
    __atomic_fetch_and(&vcpu->requests, ~(u32)VCPU_REQ_INIT, __ATOMIC_SEQ_CST);
    put(vcpu);
    vcpu_reset(vcpu, HVM_RESET_INIT);
    vcpu->vm->irqchip->vcpu_init(vcpu);
    load(vcpu);
    vcpu->exception.kind = vcpu->interrupted.kind = EVENT_NONE;
    vcpu->is_injected = vcpu->is_halted = false;
    vcpu->irq_window_wanted = vcpu->nmi_window_wanted = false;
    vcpu->waits_for_sipi = true;
}

/* Spec: SDM 3A "MP Initialization Protocol": one that nobody waits for is lost. */
static void take_sipi(struct vcpu *vcpu)
{
    u32 vector = __atomic_load_n(&vcpu->sipi_vector, __ATOMIC_SEQ_CST);
    struct hvm_segment cs;

    __atomic_fetch_and(&vcpu->requests, ~(u32)VCPU_REQ_SIPI, __ATOMIC_SEQ_CST);
    if (!vcpu->waits_for_sipi)
        return;
    vcpu->waits_for_sipi = false;
    hvm->seg_get(vcpu, HVM_CS, &cs);
    cs.selector = (u16)(vector << 8);
    cs.base = (u64)vector << PAGE_SHIFT;
    hvm->seg_set(vcpu, HVM_CS, &cs);
    hvm->reg_set(vcpu, HVM_RIP, 0);
}

/* Return: true if the vCPU runs no code before the next request. */
static bool serve_start_up(struct vcpu *vcpu, u32 bits)
{
    if ((bits & VCPU_REQ_INIT) != 0)
        take_init(vcpu);
    else if ((bits & VCPU_REQ_SIPI) != 0)
        take_sipi(vcpu);
    if (vcpu->waits_for_sipi)
        wait_for_request(vcpu, VCPU_BLOCKED, VCPU_REQ_INIT | VCPU_REQ_SIPI | VCPU_REQ_PAUSE, true);
    return vcpu->waits_for_sipi;
}

/* Requests that are carried out in passing. */
static void take_passing(struct vcpu *vcpu, u32 bits)
{
    __atomic_fetch_and(&vcpu->requests, ~(bits & (u32)PASSING_REQUESTS), __ATOMIC_SEQ_CST);
    if ((bits & VCPU_REQ_FLUSH) != 0)
        hvm->tlb_flush(vcpu, HVM_TLB_VCPU);
    if ((bits & VCPU_REQ_KICK) != 0)
        vcpu->pv.is_kicked = true;
    vcpu->events_pending = true;
}

static void run_once(struct vcpu *vcpu)
{
    u32 bits = requests(vcpu);

    if ((bits & VCPU_REQ_PAUSE) != 0) {
        wait_for_request(vcpu, VCPU_PAUSED, VCPU_REQ_PAUSE, false);
        pv_clock_resumed(vcpu);
        return;
    }
    if (unlikely(vcpu->waits_for_sipi || (bits & (VCPU_REQ_INIT | VCPU_REQ_SIPI)) != 0) &&
        serve_start_up(vcpu, bits))
        return;
    if ((bits & PASSING_REQUESTS) != 0)
        take_passing(vcpu, bits);
    if (task_should_yield() || (vcpu->is_spinning && spin_give_way(vcpu))) {
        yield(vcpu);
        return;
    }
    if (vcpu->is_spinning)
        set_spinning(vcpu, false);
    if (vcpu->is_halted && !vcpu->pv.is_kicked && !has_wake_event(vcpu)) {
        halt(vcpu);
        return;
    }
    if (vcpu->is_halted)
        vcpu->is_halted = vcpu->pv.is_kicked = false;
    if (vcpu->events_pending || has_irq_requests(vcpu))
        deliver_events(vcpu);
    if (enter(vcpu))
        exit_dispatch(vcpu, &vcpu->exit);
}

static void vcpu_loop(void *arg)
{
    struct vcpu *vcpu = arg;
    struct vm *vm = vcpu->vm;

    set_state(vcpu, VCPU_RUNNING);
    load(vcpu);
    while ((requests(vcpu) & VCPU_REQ_STOP) == 0)
        run_once(vcpu);
    put(vcpu);
    set_state(vcpu, VCPU_STOPPED);
    tell_waiter(vm);
    if (__atomic_sub_fetch(&vm->vcpus_alive, 1, __ATOMIC_ACQ_REL) == 0 && vm->on_stopped != NULL)
        vm->on_stopped(vm);
}

int vcpu_start(struct vcpu *vcpu, const struct cpu_share *share)
{
    char name[TASK_NAME_MAX];
    int rc;

    ksnprintf(name, sizeof name, "vm%u/vcpu%u", vcpu->vm->id, vcpu->index);
    vcpu->events_pending = true;
    set_state(vcpu, VCPU_READY);
    __atomic_fetch_add(&vcpu->vm->vcpus_alive, 1, __ATOMIC_ACQ_REL);
    rc = task_start_vcpu(&vcpu->task, name, share, vcpu_loop, vcpu);
    if (rc != 0)
        __atomic_fetch_sub(&vcpu->vm->vcpus_alive, 1, __ATOMIC_ACQ_REL);
    return rc;
}
