/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second-level faults: an access outside RAM is an access to a device; the instruction is fetched,
 * decoded and carried out here.
 */
#include "core/vm/exit_mmio.h"

#include "core/lib/errno.h"
#include "core/vm/exit.h"
#include "core/vm/guest_access.h"
#include "core/vm/insn_exec.h"
#include "core/vm/vm.h"

#define STRING_STEPS_MAX 256 /* elements of one REP per exit: the vCPU stays interruptible */

u64 mmio_bus_read(struct vcpu *vcpu, gpa_t at, unsigned size)
{
    u64 value;

    if (vcpu->vm->irqchip->mmio_covers(vcpu, at))
        return vcpu->vm->irqchip->mmio_read(vcpu, at, size);
    (void)bus_read(&vcpu->vm->mmio, at.v, size, &value);
    return value;
}

void mmio_bus_write(struct vcpu *vcpu, gpa_t at, unsigned size, u64 value)
{
    if (vcpu->vm->irqchip->mmio_covers(vcpu, at))
        vcpu->vm->irqchip->mmio_write(vcpu, at, size, value);
    else
        (void)bus_write(&vcpu->vm->mmio, at.v, size, value);
}

/*
 * True if the operand is exactly what faulted: then the CPU has walked the guest's tables for it,
 * checked every right, and the exit's physical address is the operand's. Only the offset in the
 * page needs comparing, because such an instruction has one memory operand.
 */
static bool is_at_fault_address(struct vcpu *vcpu, const struct insn *insn, u64 offset, gpa_t fault)
{
    struct hvm_segment segment;
    u64 in_page;

    hvm->seg_get(vcpu, insn->segment, &segment);
    in_page = (segment.base + offset) & PAGE_MASK;
    return in_page == (fault.v & PAGE_MASK) && in_page + insn->memory_bytes <= PAGE_SIZE;
}

static void run_at(struct vcpu *vcpu, const struct insn *insn, gpa_t at)
{
    u64 rflags = hvm->reg_get(vcpu, HVM_RFLAGS), before = rflags, memory = 0;

    if (insn->reads_memory)
        memory = mmio_bus_read(vcpu, at, insn->memory_bytes);
    memory = insn_exec(insn, vcpu->gpr, &rflags, memory);
    if (insn->writes_memory)
        mmio_bus_write(vcpu, at, insn->memory_bytes, memory);
    if (rflags != before)
        hvm->reg_set(vcpu, HVM_RFLAGS, rflags);
}

/* Return: 0; -EFAULT (exception queued). */
static int run_single(struct vcpu *vcpu, const struct insn *insn, const struct vm_exit *exit)
{
    unsigned access = insn->writes_memory ? GUEST_WRITE : GUEST_READ;
    u64 offset = insn_offset(insn, vcpu->gpr, exit->rip + insn->length), memory = 0;
    u64 rflags, before;
    gva_t linear;
    int rc;

    if (is_at_fault_address(vcpu, insn, offset, exit->u.slat.gpa)) {
        run_at(vcpu, insn, exit->u.slat.gpa);
        return 0;
    }
    rflags = before = hvm->reg_get(vcpu, HVM_RFLAGS);
    rc = guest_linear_address(vcpu, insn->segment, offset, insn->memory_bytes, access, &linear);

    if (rc == 0 && insn->writes_memory)
        rc = guest_virt_probe_write(vcpu, linear, insn->memory_bytes);
    if (rc == 0 && insn->reads_memory)
        rc = guest_virt_read(vcpu, linear, &memory, insn->memory_bytes);
    if (rc != 0)
        return rc;
    memory = insn_exec(insn, vcpu->gpr, &rflags, memory);
    if (insn->writes_memory)
        rc = guest_virt_write(vcpu, linear, &memory, insn->memory_bytes);
    if (rflags != before)
        hvm->reg_set(vcpu, HVM_RFLAGS, rflags);
    return rc;
}

static bool has_source(const struct insn *insn)
{
    return insn->op == INSN_MOVS || insn->op == INSN_LODS || insn->op == INSN_CMPS;
}

static bool has_dest(const struct insn *insn)
{
    return insn->op != INSN_LODS;
}

static bool reads_dest(const struct insn *insn)
{
    return insn->op == INSN_CMPS || insn->op == INSN_SCAS;
}

static int run_element(struct vcpu *vcpu, const struct insn *insn, u64 *rflags)
{
    unsigned n = insn->memory_bytes;
    u64 source = 0, dest = 0, value;
    gva_t from, to;
    int rc = 0;

    if (has_source(insn)) {
        rc = guest_linear_address(vcpu, insn->segment, insn_string_source(insn, vcpu->gpr), n,
                                  GUEST_READ, &from);
        if (rc == 0)
            rc = guest_virt_read(vcpu, from, &source, n);
    }
    if (rc == 0 && has_dest(insn)) {
        rc = guest_linear_address(vcpu, HVM_ES, insn_string_dest(insn, vcpu->gpr), n,
                                  reads_dest(insn) ? GUEST_READ : GUEST_WRITE, &to);
        if (rc == 0 && reads_dest(insn))
            rc = guest_virt_read(vcpu, to, insn->op == INSN_SCAS ? &source : &dest, n);
    }
    if (rc != 0)
        return rc;
    value = insn_string_exec(insn, vcpu->gpr, rflags, source, dest);
    return has_dest(insn) && !reads_dest(insn) ? guest_virt_write(vcpu, to, &value, n) : 0;
}

/* Return: 0 (finished), -EAGAIN (more elements: the guest runs the instruction again), -EFAULT. */
static int run_string(struct vcpu *vcpu, const struct insn *insn)
{
    u64 rflags = hvm->reg_get(vcpu, HVM_RFLAGS), before = rflags;
    int rc = 0;

    for (unsigned i = 0; insn_string_left(insn, vcpu->gpr) != 0; i++) {
        if (i == STRING_STEPS_MAX) {
            rc = -EAGAIN;
            break;
        }
        rc = run_element(vcpu, insn, &rflags);
        if (rc != 0 || !insn_string_step(insn, vcpu->gpr, rflags))
            break;
    }
    if (rflags != before)
        hvm->reg_set(vcpu, HVM_RFLAGS, rflags);
    return rc;
}

static enum exit_action emulate(struct vcpu *vcpu, const struct vm_exit *exit)
{
    u8 bytes[INSN_BYTES_MAX];
    unsigned count = 0;
    struct insn insn;
    int rc = guest_insn_fetch(vcpu, exit, bytes, &count);

    if (rc == -EFAULT)
        return EXIT_RESUME;
    if (rc == 0)
        rc = insn_decode(bytes, count, guest_mode(vcpu), &insn);
    if (rc == -EINVAL) {
        vcpu_inject_ud(vcpu);
        return EXIT_RESUME;
    }
    if (rc != 0 || insn.op == INSN_INS || insn.op == INSN_OUTS) {
        vm_crash(vcpu->vm, vcpu,
                 "instruction at RIP 0x%lx on device memory 0x%lx cannot be emulated "
                 "(bytes %02x %02x %02x %02x %02x)",
                 exit->rip, exit->u.slat.gpa.v, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]);
        return EXIT_RESUME;
    }
    rc = insn.is_string ? run_string(vcpu, &insn) : run_single(vcpu, &insn, exit);
    if (rc == 0)
        vcpu_advance(vcpu, insn.length);
    return EXIT_RESUME;
}

/*
 * RAM with nothing behind it: the guest has given it back, and gets zeroes. If something is there,
 * another vCPU has been faster.
 */
static void fill_ram(struct vcpu *vcpu, const struct vm_exit *exit)
{
    gpa_t at = exit->u.slat.gpa;
    struct slat_translation now;
    int rc = gmem_fill(&vcpu->vm->gmem, at);

    if (rc == -EEXIST && slat_lookup(&vcpu->vm->slat, at, &now) == 0 &&
        (exit->u.slat.access & ~now.access) != 0)
        vm_crash(vcpu->vm, vcpu, "access to RAM at 0x%lx was refused by the second-level tables",
                 at.v);
    else if (rc == -ENOMEM)
        vm_crash(vcpu->vm, vcpu,
                 "the host has no memory for RAM at 0x%lx, beyond what the balloon's target leaves",
                 at.v);
}

enum exit_action exit_slat_fault(struct vcpu *vcpu, const struct vm_exit *exit)
{
    gpa_t at = exit->u.slat.gpa;

    if (gmem_is_ram(&vcpu->vm->gmem, at, 1)) {
        fill_ram(vcpu, exit);
        return EXIT_RESUME;
    }
    if ((exit->u.slat.access & SLAT_EXEC) != 0) {
        vm_crash(vcpu->vm, vcpu, "code outside memory: RIP 0x%lx is at physical address 0x%lx",
                 exit->rip, at.v);
        return EXIT_RESUME;
    }
    if (exit->u.slat.in_walk) {
        vm_crash(vcpu->vm, vcpu, "page tables outside memory, at physical address 0x%lx", at.v);
        return EXIT_RESUME;
    }
    return emulate(vcpu, exit);
}
