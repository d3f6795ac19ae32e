/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a virtual CPU: its loop from requests over events into the guest and back.
 *
 * How no request is lost: who asks sets the bit, then looks at in_guest and the state; the loop
 * sets in_guest (or the waiting state), then looks at the bits. Both sides are sequentially
 * consistent, so at least one of them sees the other. A kick that arrives with interrupts off stays
 * pending and ends the next VM entry.
 *
 * Posted interrupts need the same of the way out: who posts them sets has_requests, then looks at
 * in_guest, and where it is set only notifies the CPU, which does nothing once the guest has been
 * left. The loop therefore clears in_guest, then looks at has_requests before it blocks, again both
 * sequentially consistent: were the clearing still on its way to memory when has_requests is read,
 * the poster could see a guest that runs, and the loop no interrupt, and the vCPU would sleep
 * through it.
 *
 * A vCPU may go to another pCPU between two entries, so the kick may go where it no longer is. It
 * is not missed: the pCPU is read after in_guest, and written before in_guest is set there. Who
 * reads an outdated one has thus seen in_guest from before the move, and the bit, set before that,
 * is seen by the check that follows setting in_guest on the new pCPU.
 */
#include "core/vm/vcpu.h"

#include "core/kern/timer.h"
#include "core/kern/work.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/vm/events.h"
#include "core/vm/exit.h"
#include "core/vm/exit_msr.h"
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
#include "mm/kheap.h"

#define DR6_BS BIT(14)

/* Requests that do not wait until a limit on CPU time lets the vCPU run again. */
#define YIELD_ENDS (VCPU_REQ_STOP | VCPU_REQ_PAUSE)

#define PASSING_REQUESTS (VCPU_REQ_EVENT | VCPU_REQ_FLUSH | VCPU_REQ_KICK)

static void set_state(struct vcpu *vcpu, enum vcpu_state state)
{
    __atomic_store_n(&vcpu->state, state, __ATOMIC_SEQ_CST);
}

static void set_spinning(struct vcpu *vcpu, bool value)
{
    __atomic_store_n(&vcpu->is_spinning, value, __ATOMIC_RELAXED);
}

int vcpu_create(struct vm *vm, u32 index, struct vcpu **out)
{
    struct vcpu *vcpu = kzalloc(sizeof *vcpu);
    int rc;

    if (vcpu == NULL)
        return -ENOMEM;
    vcpu->vm = vm;
    vcpu->index = index;
    vcpu->waits_for_sipi = index != 0;
    vcpu->tsc_offset = 0 - vm->boot_tsc;
    vcpu->state = VCPU_NEW;
    msr_reset(vcpu);
    vcpu->apic = kzalloc(sizeof *vcpu->apic);
    rc = vcpu->apic != NULL ? hvm->vcpu_init(vcpu) : -ENOMEM;
    if (rc != 0) {
        kfree(vcpu->apic);
        kfree(vcpu);
        return rc;
    }
    hvm->tsc_offset_set(vcpu, vcpu->tsc_offset);
    *out = vcpu;
    return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
    hvm->vcpu_fini(vcpu);
    kfree(vcpu->apic);
    kfree(vcpu);
}

/* -- exceptions
 * ------------------------------------------------------------------------------------------- */

void vcpu_inject_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code)
{
    const struct vm_event *first =
        vcpu->exception.kind != EVENT_NONE ? &vcpu->exception : &vcpu->interrupted;

    if (first->kind == EVENT_EXCEPTION) {
        enum exception_merge merge = events_merge(first->vector, vector);

        if (merge == MERGE_TRIPLE_FAULT) {
            vm_crash(vcpu->vm, vcpu, "triple fault (exception %u while delivering %u)", vector,
                     first->vector);
            return;
        }
        vcpu->interrupted.kind = EVENT_NONE;
        if (merge == MERGE_DOUBLE_FAULT) {
            vector = VECTOR_DF;
            has_error_code = true;
            error_code = 0;
        }
    }
    vcpu->exception = (struct vm_event){.kind = EVENT_EXCEPTION,
                                        .vector = vector,
                                        .has_error_code = has_error_code,
                                        .error_code = error_code};
    vcpu->events_pending = true;
}

void vcpu_inject_gp(struct vcpu *vcpu)
{
    vcpu_inject_exception(vcpu, VECTOR_GP, true, 0);
}

void vcpu_inject_ud(struct vcpu *vcpu)
{
    vcpu_inject_exception(vcpu, VECTOR_UD, false, 0);
}

void vcpu_inject_pf(struct vcpu *vcpu, gva_t address, u32 error_code)
{
    vcpu_inject_exception(vcpu, VECTOR_PF, true, error_code);
    if (vcpu->exception.vector == VECTOR_PF) {
        vcpu->exception.address = address.v;
        hvm->reg_set(vcpu, HVM_CR2, address.v);
    }
}

void vcpu_advance(struct vcpu *vcpu, unsigned insn_len)
{
    const struct vm_exit *exit = &vcpu->exit;
    u64 rip = exit->rip + insn_len;

    /* Outside long mode RIP wraps at 4 GiB. */
    if (unlikely(((rip ^ exit->rip) >> 32) != 0) && (hvm->reg_get(vcpu, HVM_EFER) & EFER_LMA) == 0)
        rip = (u32)rip;
    hvm->reg_set(vcpu, HVM_RIP, rip);
    if (unlikely(exit->in_shadow))
        hvm->reg_set(vcpu, HVM_INTR_SHADOW, 0);
    if (unlikely((exit->rflags & RFLAGS_TF) != 0)) {
        hvm->reg_set(vcpu, HVM_DR6, hvm->reg_get(vcpu, HVM_DR6) | DR6_BS);
        vcpu_inject_exception(vcpu, VECTOR_DB, false, 0);
    }
}

/* -- requests
 * -----------------------------------------------------------------------------------------------
 */

void vcpu_request(struct vcpu *vcpu, u32 bits)
{
    enum vcpu_state state;

    __atomic_fetch_or(&vcpu->requests, bits, __ATOMIC_SEQ_CST);
    state = __atomic_load_n(&vcpu->state, __ATOMIC_SEQ_CST);
    if (state == VCPU_BLOCKED || state == VCPU_PAUSED ||
        (state == VCPU_READY && (bits & YIELD_ENDS) != 0))
        task_wake(&vcpu->task);
    else if (__atomic_load_n(&vcpu->in_guest, __ATOMIC_SEQ_CST) != 0 &&
             task_pcpu(&vcpu->task) != this_pcpu()->id)
        work_kick(task_pcpu(&vcpu->task));
}

/*
 * Why none is lost: the requests were set before this looks at in_guest. Whoever is seen in the
 * guest takes the notification there, or, already on the way out, finds has_requests before its
 * next entry.
 */
void vcpu_notify(struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->apic->has_requests, 1, __ATOMIC_SEQ_CST);
    if (hvm_caps.has_posted_irqs && __atomic_load_n(&vcpu->in_guest, __ATOMIC_SEQ_CST) != 0 &&
        task_pcpu(&vcpu->task) != this_pcpu()->id)
        work_post_irqs(task_pcpu(&vcpu->task));
    else
        vcpu_request(vcpu, VCPU_REQ_EVENT);
}

static bool has_irq_requests(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->apic->has_requests, __ATOMIC_SEQ_CST) != 0;
}

void vcpu_init(struct vcpu *vcpu)
{
    __atomic_fetch_and(&vcpu->requests, ~(u32)VCPU_REQ_SIPI, __ATOMIC_SEQ_CST);
    vcpu_request(vcpu, VCPU_REQ_INIT);
}

void vcpu_start_up(struct vcpu *vcpu, u8 vector)
{
    __atomic_store_n(&vcpu->sipi_vector, vector, __ATOMIC_SEQ_CST);
    vcpu_request(vcpu, VCPU_REQ_SIPI);
}

void vcpu_unrequest(struct vcpu *vcpu, u32 bits)
{
    __atomic_fetch_and(&vcpu->requests, ~bits, __ATOMIC_SEQ_CST);
    task_wake(&vcpu->task);
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
    if ((requests(vcpu) & YIELD_ENDS) == 0)
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
