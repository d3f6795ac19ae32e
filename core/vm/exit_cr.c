/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to control registers that vendor layers intercept: CR8 while the task priority may hold an
 * interrupt back (lowering it must be seen), CR0 and CR4 where a bit is the host's.
 */
#include "core/lib/errno.h"
#include "core/vm/exit.h"
#include "core/vm/guest_access.h"
#include "core/vm/guest_cr.h"
#include "core/vm/vm.h"
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"

#define CR8_VALID 0xfull

#define PDPTES         4u
#define PDPTE_P        BIT(0)
#define PDPTE_RESERVED 0x1e6ull /* 1–2, 5–8 */
#define CR3_PDPT       0xffffffe0ull

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

/* The bits of CR4 that CPUID offers to guests. */
static u64 cr4_valid(void)
{
    u64 valid = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE |
                CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    valid |= cpu_features.has_umip ? CR4_UMIP : 0;
    valid |= cpu_features.has_fsgsbase ? CR4_FSGSBASE : 0;
    valid |= cpu_features.has_xsave ? CR4_OSXSAVE : 0;
    valid |= cpu_features.has_smep ? CR4_SMEP : 0;
    valid |= cpu_features.has_smap ? CR4_SMAP : 0;
    return valid;
}

static void read_registers(struct vcpu *vcpu, struct guest_cr *cr)
{
    struct hvm_segment cs;

    hvm->seg_get(vcpu, HVM_CS, &cs);
    *cr = (struct guest_cr){.cr0 = hvm->reg_get(vcpu, HVM_CR0),
                            .cr3 = hvm->reg_get(vcpu, HVM_CR3),
                            .cr4 = hvm->reg_get(vcpu, HVM_CR4),
                            .efer = hvm->reg_get(vcpu, HVM_EFER)};
    cr->is_code_64 = (cr->efer & EFER_LMA) != 0 && (cs.attributes & HVM_SEG_L) != 0;
}

/* Spec: SDM 3A "PDPTE Registers". Return: 0, -EINVAL (#GP). */
static int load_pdptes(struct vcpu *vcpu, const struct guest_cr *cr)
{
    u64 reserved = PDPTE_RESERVED | ~((1ull << cpu_features.physical_bits) - 1), entries[PDPTES];

    if (gmem_read(&vcpu->vm->gmem, gpa(cr->cr3 & CR3_PDPT), entries, sizeof entries) != 0)
        return -EINVAL;
    for (unsigned i = 0; i < PDPTES; i++) {
        if ((entries[i] & PDPTE_P) != 0 && (entries[i] & reserved) != 0)
            return -EINVAL;
    }
    for (unsigned i = 0; i < PDPTES; i++)
        hvm->reg_set(vcpu, (enum hvm_reg)(HVM_PDPTE0 + i), entries[i]);
    return 0;
}

/* Return: 0, -EINVAL (#GP). */
static int write_paging_register(struct vcpu *vcpu, u8 number, u64 value)
{
    struct guest_cr cr;
    int rc;

    read_registers(vcpu, &cr);
    rc = number == 0 ? guest_cr0_write(&cr, value) : guest_cr4_write(&cr, value, cr4_valid());
    if (rc == 0 && guest_cr_has_pdptes(&cr))
        rc = load_pdptes(vcpu, &cr);
    if (rc != 0)
        return rc;
    hvm->reg_set(vcpu, HVM_EFER, cr.efer);
    hvm->reg_set(vcpu, HVM_CR0, cr.cr0);
    hvm->reg_set(vcpu, HVM_CR4, cr.cr4);
    return 0;
}

/* Return: 0, -EINVAL (#GP). */
static int write_cr8(struct vcpu *vcpu, u64 value)
{
    if ((value & ~CR8_VALID) != 0)
        return -EINVAL;
    vcpu->vm->irqchip->tpr_set(vcpu, (u8)value);
    vcpu->events_pending = true;
    return 0;
}

enum exit_action exit_cr(struct vcpu *vcpu, const struct vm_exit *exit)
{
    u8 number = exit->u.cr.number;
    struct insn_cr insn;
    u64 value;
    int rc;

    if ((number != 0 && number != 4 && number != 8) || !exit->u.cr.is_write)
        return exit_fatal(vcpu, exit);
    if (find_gpr(vcpu, exit, &insn) != 0)
        return EXIT_RESUME;
    value = vcpu->gpr[insn.gpr];
    if (guest_mode(vcpu) != INSN_MODE_64)
        value = (u32)value;
    rc = number == 8 ? write_cr8(vcpu, value) : write_paging_register(vcpu, number, value);
    if (rc == 0)
        vcpu_advance(vcpu, insn.length);
    else
        vcpu_inject_gp(vcpu);
    return EXIT_RESUME;
}
