/* SPDX-License-Identifier: BSD-2-Clause */
/* A running VM: put together, stopped, paused, taken apart. */
#include "core/vm/vm.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vm/exit_msr.h"
#include "core/x86/log.h"
#include "core/x86/tsc.h"

int vm_init(struct vm *vm, u32 id, const char *name, u64 memory_bytes)
{
    int rc;

    memset(vm, 0, sizeof *vm);
    vm->id = id;
    vm->name = name;
    vm->boot_tsc = tsc_read();
    vm->boot_ns = tsc_to_ns(vm->boot_tsc - tsc_boot());
    bus_init(&vm->pio, "pio");
    bus_init(&vm->mmio, "mmio");
    rc = gmem_init(&vm->gmem, memory_bytes);
    if (rc != 0)
        return rc;
    rc = slat_init(&vm->slat, hvm->slat);
    if (rc != 0)
        goto err_gmem;
    rc = hvm->vm_init(vm);
    if (rc != 0)
        goto err_slat;
    msr_pass_through(vm);
    return 0;

err_slat:
    slat_fini(&vm->slat);
err_gmem:
    gmem_fini(&vm->gmem);
    return rc;
}

void vm_fini(struct vm *vm)
{
    while (vm->devices != NULL) {
        struct vdev *dev = vm->devices;

        vm->devices = dev->next;
        dev->ops->fini(dev);
    }
    for (u32 i = 0; i < vm->vcpu_count; i++)
        vcpu_destroy(vm->vcpus[i]);
    hvm->vm_fini(vm);
    slat_fini(&vm->slat);
    gmem_fini(&vm->gmem);
}

/* Return: true if this call was the first. */
static bool claim_stop(struct vm *vm, enum vm_stop why)
{
    enum vm_stop none = VM_STOP_NONE;

    return __atomic_compare_exchange_n(&vm->stop, &none, why, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

static void request_stop(struct vm *vm)
{
    for (u32 i = 0; i < vm->vcpu_count; i++)
        vcpu_request(vm->vcpus[i], VCPU_REQ_STOP);
    if (__atomic_load_n(&vm->vcpus_alive, __ATOMIC_ACQUIRE) == 0 && vm->on_stopped != NULL)
        vm->on_stopped(vm);
}

void vm_stop(struct vm *vm, enum vm_stop why)
{
    if (claim_stop(vm, why))
        request_stop(vm);
}

static void dump_line(void *cookie, const char *line)
{
    const struct vm *vm = cookie;

    log_info("vm", "%s: %s", vm->name, line);
}

static void dump_vcpu(struct vm *vm, struct vcpu *vcpu)
{
    const u64 *g = vcpu->gpr;

    log_info("vm", "%s: rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx rsp %lx", vm->name,
             g[GPR_RAX], g[GPR_RBX], g[GPR_RCX], g[GPR_RDX], g[GPR_RSI], g[GPR_RDI], g[GPR_RBP],
             g[GPR_RSP]);
    log_info("vm", "%s: r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx", vm->name,
             g[GPR_R8], g[GPR_R9], g[GPR_R10], g[GPR_R11], g[GPR_R12], g[GPR_R13], g[GPR_R14],
             g[GPR_R15]);
    hvm->dump(vcpu, dump_line, vm);
}

void vm_crash(struct vm *vm, struct vcpu *vcpu, const char *fmt, ...)
{
    va_list args;

    if (!claim_stop(vm, VM_STOP_CRASH))
        return;
    va_start(args, fmt);
    kvsnprintf(vm->reason, sizeof vm->reason, fmt, args);
    va_end(args);
    log_error("vm", "%s crashed on vCPU %u: %s", vm->name, vcpu->index, vm->reason);
    dump_vcpu(vm, vcpu);
    request_stop(vm);
}

static bool all_stand_still(const struct vm *vm)
{
    for (u32 i = 0; i < vm->vcpu_count; i++) {
        enum vcpu_state state = __atomic_load_n(&vm->vcpus[i]->state, __ATOMIC_SEQ_CST);

        if (state != VCPU_PAUSED && state != VCPU_STOPPED && state != VCPU_NEW)
            return false;
    }
    return true;
}

void vm_pause(struct vm *vm)
{
    __atomic_store_n(&vm->waiter, task_current(), __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < vm->vcpu_count; i++)
        vcpu_request(vm->vcpus[i], VCPU_REQ_PAUSE);
    while (!all_stand_still(vm))
        task_wait();
    __atomic_store_n(&vm->waiter, NULL, __ATOMIC_SEQ_CST);
    /* The token just consumed may have been another event's: leave one for the caller's own loop.
     */
    task_wake(task_current());
}

void vm_resume(struct vm *vm)
{
    for (u32 i = 0; i < vm->vcpu_count; i++)
        vcpu_unrequest(vm->vcpus[i], VCPU_REQ_PAUSE);
}
