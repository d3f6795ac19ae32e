/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls of KVM's interface, by table: interrupts to many vCPUs at once, and waking a halted
 * one.
 *
 * Every argument is the guest's: APIC IDs that nobody has are skipped, and what an interprocessor
 * interrupt could do besides a vector or an NMI is refused. Spec: Linux
 * Documentation/virt/kvm/x86/hypercalls.rst.
 */
#include "core/vm/exit.h"
#include "core/vm/guest_access.h"
#include "core/vm/pv_abi.h"
#include "core/vm/vm.h"

#define ICR_VECTOR     0xffull
#define ICR_MODE       0x700ull
#define ICR_MODE_FIXED 0u
#define ICR_MODE_NMI   4u
#define ICR_ASSERT     BIT(14)
#define VECTOR_MIN     16u

struct hypercall {
    u64 rbx, rcx, rdx, rsi; /* cut to register_bits */
    unsigned register_bits; /* 32, 64 */
};

typedef s64 (*hypercall_fn)(struct vcpu *vcpu, const struct hypercall *call);

/* Sends to the APIC IDs whose bits are set, from first on. Return: how many took it. */
static s64 send_to(struct vm *vm, u64 first, u64 bitmap, unsigned mode, u8 vector)
{
    s64 taken = 0;

    for (; bitmap != 0; bitmap &= bitmap - 1) {
        u64 id = first + (unsigned)__builtin_ctzll(bitmap);

        if (id >= vm->vcpu_count)
            break; /* no higher one exists, either */
        if (mode == ICR_MODE_NMI)
            taken += vm->irqchip->send_nmi(vm->vcpus[id]);
        else
            taken += vm->irqchip->send_fixed(vm->vcpus[id], vector);
    }
    return taken;
}

static s64 hc_send_ipi(struct vcpu *vcpu, const struct hypercall *call)
{
    u64 icr = call->rsi, first = (u32)call->rdx;
    unsigned mode = (unsigned)FIELD_GET(ICR_MODE, icr);
    u8 vector = (u8)FIELD_GET(ICR_VECTOR, icr);

    if ((icr & ~(ICR_VECTOR | ICR_MODE | ICR_ASSERT)) != 0)
        return -PV_EINVAL;
    if (mode != ICR_MODE_NMI && (mode != ICR_MODE_FIXED || vector < VECTOR_MIN))
        return -PV_EINVAL;
    return send_to(vcpu->vm, first, call->rbx, mode, vector) +
           send_to(vcpu->vm, first + call->register_bits, call->rcx, mode, vector);
}

static s64 hc_kick(struct vcpu *vcpu, const struct hypercall *call)
{
    const struct vm *vm = vcpu->vm;

    if (call->rcx < vm->vcpu_count)
        vcpu_request(vm->vcpus[call->rcx], VCPU_REQ_KICK);
    return 0;
}

static const struct {
    u32 number;
    hypercall_fn fn;
} calls[] = {
    {PV_HC_KICK, hc_kick},
    {PV_HC_SEND_IPI, hc_send_ipi},
};

static s64 dispatch(struct vcpu *vcpu, u64 number, const struct hypercall *call)
{
    if (vcpu_cpl(vcpu) != 0)
        return -PV_EPERM;
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        if (calls[i].number == number)
            return calls[i].fn(vcpu, call);
    }
    return -PV_ENOSYS;
}

enum exit_action exit_hypercall(struct vcpu *vcpu, const struct vm_exit *exit)
{
    bool is_64 = guest_mode(vcpu) == INSN_MODE_64;
    u64 mask = is_64 ? ~0ull : UINT32_MAX, *gpr = vcpu->gpr;
    struct hypercall call = {
        .rbx = gpr[GPR_RBX] & mask,
        .rcx = gpr[GPR_RCX] & mask,
        .rdx = gpr[GPR_RDX] & mask,
        .rsi = gpr[GPR_RSI] & mask,
        .register_bits = is_64 ? 64 : 32,
    };

    (void)exit;
    gpr[GPR_RAX] = (u64)dispatch(vcpu, gpr[GPR_RAX] & mask, &call) & mask;
    return EXIT_ADVANCE;
}
