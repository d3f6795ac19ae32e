/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits that need no device: HLT, CPUID, XSETBV, exceptions, shutdown. */
#include "core/vm/cpuid_policy.h"
#include "core/vm/exit.h"
#include "core/vm/vm.h"
#include "core/x86/cr.h"
#include "core/x86/fpu.h"

enum exit_action exit_nothing(struct vcpu *vcpu, const struct vm_exit *exit)
{
    (void)vcpu;
    (void)exit;
    return EXIT_RESUME;
}

enum exit_action exit_skip(struct vcpu *vcpu, const struct vm_exit *exit)
{
    (void)vcpu;
    (void)exit;
    return EXIT_ADVANCE;
}

enum exit_action exit_window(struct vcpu *vcpu, const struct vm_exit *exit)
{
    /* The vendor layer has closed the window. */
    if (exit->kind == EXIT_IRQ_WINDOW)
        vcpu->irq_window_wanted = false;
    vcpu->events_pending = true;
    return EXIT_RESUME;
}

enum exit_action exit_hlt(struct vcpu *vcpu, const struct vm_exit *exit)
{
    (void)exit;
    vcpu->is_halted = true;
    return EXIT_ADVANCE;
}

/* The loop decides who goes next: spin.h. */
enum exit_action exit_pause(struct vcpu *vcpu, const struct vm_exit *exit)
{
    (void)exit;
    __atomic_store_n(&vcpu->is_spinning, true, __ATOMIC_RELAXED);
    return EXIT_ADVANCE;
}

enum exit_action exit_cpuid(struct vcpu *vcpu, const struct vm_exit *exit)
{
    struct cpuid_regs out;

    (void)exit;
    cpuid_policy(vcpu, (u32)vcpu->gpr[GPR_RAX], (u32)vcpu->gpr[GPR_RCX], &out);
    vcpu->gpr[GPR_RAX] = out.eax;
    vcpu->gpr[GPR_RBX] = out.ebx;
    vcpu->gpr[GPR_RCX] = out.ecx;
    vcpu->gpr[GPR_RDX] = out.edx;
    return EXIT_ADVANCE;
}

/* Spec: APM vol. 4 "XSETBV": #GP for CPL > 0, another register, reserved bits, x87 off, AVX without
 * SSE. */
static bool xcr0_is_valid(u64 value)
{
    u64 avx512 = XCR0_OPMASK | XCR0_ZMM_HI256 | XCR0_HI16_ZMM;

    if ((value & ~fpu_xcr0_supported()) != 0 || (value & XCR0_X87) == 0)
        return false;
    if ((value & XCR0_AVX) != 0 && (value & XCR0_SSE) == 0)
        return false;
    return (value & avx512) == 0 || ((value & avx512) == avx512 && (value & XCR0_AVX) != 0);
}

enum exit_action exit_xsetbv(struct vcpu *vcpu, const struct vm_exit *exit)
{
    u64 value = (vcpu->gpr[GPR_RDX] << 32) | (u32)vcpu->gpr[GPR_RAX];

    (void)exit;
    if ((hvm->reg_get(vcpu, HVM_CR4) & CR4_OSXSAVE) == 0) {
        vcpu_inject_ud(vcpu);
        return EXIT_RESUME;
    }
    if (vcpu_cpl(vcpu) != 0 || (u32)vcpu->gpr[GPR_RCX] != 0 || !xcr0_is_valid(value)) {
        vcpu_inject_gp(vcpu);
        return EXIT_RESUME;
    }
    hvm->reg_set(vcpu, HVM_XCR0, value);
    return EXIT_ADVANCE;
}

enum exit_action exit_rdpmc(struct vcpu *vcpu, const struct vm_exit *exit)
{
    (void)exit;
    vcpu_inject_gp(vcpu);
    return EXIT_RESUME;
}

enum exit_action exit_undefined(struct vcpu *vcpu, const struct vm_exit *exit)
{
    (void)exit;
    vcpu_inject_ud(vcpu);
    return EXIT_RESUME;
}

/*
 * Intercepted only so that the vCPU stays interruptible while delivery faults again and again
 * (CVE-2015-5307, CVE-2015-8104): the guest gets it as the CPU would have given it.
 */
enum exit_action exit_exception(struct vcpu *vcpu, const struct vm_exit *exit)
{
    const struct vm_event *event = &exit->u.exception.event;

    vcpu_inject_exception(vcpu, event->vector, event->has_error_code, event->error_code);
    return EXIT_RESUME;
}

enum exit_action exit_shutdown(struct vcpu *vcpu, const struct vm_exit *exit)
{
    vm_crash(vcpu->vm, vcpu, "triple fault at RIP 0x%lx", exit->rip);
    return EXIT_RESUME;
}

enum exit_action exit_apic_write(struct vcpu *vcpu, const struct vm_exit *exit)
{
    vcpu->vm->irqchip->register_written(vcpu, exit->u.apic.offset);
    return EXIT_RESUME;
}

enum exit_action exit_apic_eoi(struct vcpu *vcpu, const struct vm_exit *exit)
{
    vcpu->vm->irqchip->level_ended(vcpu, exit->u.apic.vector);
    return EXIT_RESUME;
}

/* 64-bit systems have none; the 32-bit ones that do use them for faults they cannot survive. */
enum exit_action exit_task_switch(struct vcpu *vcpu, const struct vm_exit *exit)
{
    vm_crash(vcpu->vm, vcpu, "hardware task switch at RIP 0x%lx, which is not supported",
             exit->rip);
    return EXIT_RESUME;
}

enum exit_action exit_fatal(struct vcpu *vcpu, const struct vm_exit *exit)
{
    vm_crash(vcpu->vm, vcpu, "%s exit (code 0x%lx) at RIP 0x%lx", exit_kind_name(exit->kind),
             exit->vendor_code, exit->rip);
    return EXIT_RESUME;
}
