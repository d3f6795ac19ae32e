/* SPDX-License-Identifier: BSD-2-Clause */
/* Port accesses, single and string. */
#include "core/lib/errno.h"
#include "core/vm/exit.h"
#include "core/vm/guest_access.h"
#include "core/vm/insn_exec.h"
#include "core/vm/vm.h"

#define STRING_STEPS_MAX 256
#define PORTS            0x10000u

/* An access that runs past the last port reaches no device. */
static u64 port_read(struct vcpu *vcpu, u16 port, unsigned size)
{
    u64 value = ~0ull >> (64 - 8 * size);

    if (port + size <= PORTS)
        (void)bus_read(&vcpu->vm->pio, port, size, &value);
    return value;
}

static void port_write(struct vcpu *vcpu, u16 port, unsigned size, u64 value)
{
    if (port + size <= PORTS)
        (void)bus_write(&vcpu->vm->pio, port, size, value & (~0ull >> (64 - 8 * size)));
}

/* Spec: APM vol. 3 "IN": 32-bit results clear the upper half, smaller ones keep the rest. */
static void set_rax(struct vcpu *vcpu, unsigned size, u64 value)
{
    u64 mask = ~0ull >> (64 - 8 * size);

    if (size == 4)
        vcpu->gpr[GPR_RAX] = value & mask;
    else
        vcpu->gpr[GPR_RAX] = (vcpu->gpr[GPR_RAX] & ~mask) | (value & mask);
}

static int string_element(struct vcpu *vcpu, const struct vm_exit *exit, const struct insn *insn)
{
    unsigned n = exit->u.io.size;
    u64 value = 0;
    gva_t linear;
    int rc;

    if (!exit->u.io.is_in) {
        rc = guest_linear_address(vcpu, insn->segment, insn_string_source(insn, vcpu->gpr), n,
                                  GUEST_READ, &linear);
        if (rc == 0)
            rc = guest_virt_read(vcpu, linear, &value, n);
        if (rc == 0)
            port_write(vcpu, exit->u.io.port, n, value);
        return rc;
    }
    rc = guest_linear_address(vcpu, HVM_ES, insn_string_dest(insn, vcpu->gpr), n, GUEST_WRITE,
                              &linear);
    if (rc == 0)
        rc = guest_virt_probe_write(vcpu, linear, n); /* a read may have effects: fault before it */
    if (rc != 0)
        return rc;
    value = port_read(vcpu, exit->u.io.port, n);
    return guest_virt_write(vcpu, linear, &value, n);
}

static enum exit_action string_io(struct vcpu *vcpu, const struct vm_exit *exit)
{
    u64 rflags = hvm->reg_get(vcpu, HVM_RFLAGS);
    u8 bytes[INSN_BYTES_MAX];
    struct insn insn;
    unsigned count;
    int rc = guest_insn_fetch(vcpu, exit, bytes, &count);

    if (rc == -EFAULT)
        return EXIT_RESUME;
    if (rc == 0)
        rc = insn_decode(bytes, count, guest_mode(vcpu), &insn);
    if (rc != 0 || (insn.op != INSN_INS && insn.op != INSN_OUTS)) {
        /* The code was rewritten between exit and fetch: let the guest run what is there now. */
        return EXIT_RESUME;
    }
    for (unsigned i = 0; insn_string_left(&insn, vcpu->gpr) != 0; i++) {
        if (i == STRING_STEPS_MAX || string_element(vcpu, exit, &insn) != 0)
            return EXIT_RESUME;
        if (!insn_string_step(&insn, vcpu->gpr, rflags))
            break;
    }
    vcpu_advance(vcpu, insn.length);
    return EXIT_RESUME;
}

enum exit_action exit_io(struct vcpu *vcpu, const struct vm_exit *exit)
{
    unsigned size = exit->u.io.size;

    if (exit->u.io.is_string)
        return string_io(vcpu, exit);
    if (exit->u.io.is_in)
        set_rax(vcpu, size, port_read(vcpu, exit->u.io.port, size));
    else
        port_write(vcpu, exit->u.io.port, size, vcpu->gpr[GPR_RAX]);
    if (exit->u.io.next_rip == 0)
        return EXIT_ADVANCE;
    vcpu_advance(vcpu, (unsigned)(exit->u.io.next_rip - exit->rip) & 15u);
    return EXIT_RESUME;
}
