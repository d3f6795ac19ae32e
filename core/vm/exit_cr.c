/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to CR8, which vendor layers intercept while the task priority may hold an interrupt back:
 * lowering it must be seen. Other control registers belong to the guest under nested paging and do
 * not exit.
 */
#include "core/lib/errno.h"
#include "core/vm/exit.h"
#include "core/vm/guest_access.h"
#include "core/vm/vm.h"

#define CR8_VALID 0xfull

/* Return: 0 and the register's number; -EFAULT (exception queued or VM crashed). */
static int find_gpr(struct vcpu *vcpu, const struct vm_exit *exit, struct insn_cr *insn)
{
    u8 bytes[INSN_BYTES_MAX];
    unsigned count;
    int rc;

    if (exit->u.cr.has_gpr) {
        *insn = (struct insn_cr){
            .length = exit->insn_len, .number = exit->u.cr.number, .gpr = exit->u.cr.gpr};
        return 0;
    }
    rc = guest_insn_fetch(vcpu, exit, bytes, &count);
    if (rc == 0)
        rc = insn_decode_cr(bytes, count, guest_mode(vcpu), insn);
    if (rc != 0 && rc != -EFAULT) {
        vm_crash(vcpu->vm, vcpu, "cannot decode the access to CR%u at RIP 0x%lx", exit->u.cr.number,
                 exit->rip);
        rc = -EFAULT;
    }
    return rc;
}

enum exit_action exit_cr(struct vcpu *vcpu, const struct vm_exit *exit)
{
    struct insn_cr insn;
    u64 value;

    if (exit->u.cr.number != 8 || !exit->u.cr.is_write)
        return exit_fatal(vcpu, exit);
    if (find_gpr(vcpu, exit, &insn) != 0)
        return EXIT_RESUME;
    value = vcpu->gpr[insn.gpr];
    if ((value & ~CR8_VALID) != 0) {
        vcpu_inject_gp(vcpu);
        return EXIT_RESUME;
    }
    vcpu->vm->irqchip->tpr_set(vcpu, (u8)value);
    vcpu->events_pending = true;
    vcpu_advance(vcpu, insn.length);
    return EXIT_RESUME;
}
