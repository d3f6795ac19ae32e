/* SPDX-License-Identifier: BSD-2-Clause */
/* Linear-address access for a vCPU: page walks, page crossings, RAM or device. */
#include "core/vm/guest_access.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vm/exit_mmio.h"
#include "core/vm/vm.h"
#include "core/x86/cpu_features.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"

#define PARTS_MAX 2 /* 64 bytes cross at most one page border */

struct part {
    gpa_t gpa;
    size_t bytes;
};

static int mem_read(void *cookie, gpa_t from, void *dst, size_t bytes)
{
    const struct vm *vm = cookie;

    return gmem_read(&vm->gmem, from, dst, bytes);
}

static int mem_set_bits(void *cookie, gpa_t at, u8 bits)
{
    const struct vm *vm = cookie;
    u8 byte;
    int rc = gmem_read(&vm->gmem, at, &byte, 1);

    if (rc != 0 || (byte & bits) == bits)
        return rc;
    byte |= bits;
    return gmem_write(&vm->gmem, at, &byte, 1);
}

u8 vcpu_cpl(struct vcpu *vcpu)
{
    struct hvm_segment ss;

    hvm->seg_get(vcpu, HVM_SS, &ss);
    return (ss.attributes >> 5) & 3;
}

void guest_paging_get(struct vcpu *vcpu, struct guest_paging *out)
{
    out->cr0 = hvm->reg_get(vcpu, HVM_CR0);
    out->cr3 = hvm->reg_get(vcpu, HVM_CR3);
    out->cr4 = hvm->reg_get(vcpu, HVM_CR4);
    out->efer = hvm->reg_get(vcpu, HVM_EFER);
    out->rflags = hvm->reg_get(vcpu, HVM_RFLAGS);
    out->cpl = vcpu_cpl(vcpu);
    out->phys_bits = cpu_features.physical_bits;
}

enum insn_mode guest_mode(struct vcpu *vcpu)
{
    struct hvm_segment cs;

    hvm->seg_get(vcpu, HVM_CS, &cs);
    if ((hvm->reg_get(vcpu, HVM_EFER) & EFER_LMA) != 0 && (cs.attributes & HVM_SEG_L) != 0)
        return INSN_MODE_64;
    return (cs.attributes & HVM_SEG_DB) != 0 ? INSN_MODE_32 : INSN_MODE_16;
}

static int translate(struct vcpu *vcpu, const struct guest_paging *paging, u64 linear,
                     unsigned access, gpa_t *out)
{
    struct guest_mem mem = {mem_read, mem_set_bits, vcpu->vm};
    struct guest_translation t;
    int rc = guest_walk(paging, &mem, gva(linear), access, &t);

    if (rc == -EFAULT) {
        vcpu_inject_pf(vcpu, gva(linear), t.error_code);
    } else if (rc != 0) {
        vm_crash(vcpu->vm, vcpu, "page tables outside memory at linear address 0x%lx", linear);
        rc = -EFAULT;
    }
    *out = t.gpa;
    return rc;
}

/* Splits at page borders and translates every part before anything is touched. */
static int translate_parts(struct vcpu *vcpu, gva_t linear, size_t bytes, unsigned access,
                           struct part parts[PARTS_MAX], unsigned *count)
{
    struct guest_paging paging;
    u64 at = linear.v;

    guest_paging_get(vcpu, &paging);
    for (*count = 0; bytes > 0; (*count)++) {
        size_t room = (size_t)(PAGE_SIZE - (at & PAGE_MASK));
        size_t n = MIN(bytes, room);
        int rc = translate(vcpu, &paging, at, access, &parts[*count].gpa);

        if (rc != 0)
            return rc;
        parts[*count].bytes = n;
        at += n;
        bytes -= n;
    }
    return 0;
}

/* Device registers take power-of-two sizes; odd pieces at page borders go byte by byte. */
static void device_access(struct vcpu *vcpu, gpa_t at, u8 *data, size_t bytes, bool is_write)
{
    bool whole = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    unsigned step = whole ? (unsigned)bytes : 1;

    for (size_t done = 0; done < bytes; done += step) {
        u64 value = 0;

        if (is_write) {
            memcpy(&value, data + done, step);
            mmio_bus_write(vcpu, gpa(at.v + done), step, value);
        } else {
            value = mmio_bus_read(vcpu, gpa(at.v + done), step);
            memcpy(data + done, &value, step);
        }
    }
}

static void part_access(struct vcpu *vcpu, const struct part *part, u8 *data, bool is_write)
{
    const struct gmem *gmem = &vcpu->vm->gmem;
    int rc = is_write ? gmem_write(gmem, part->gpa, data, part->bytes)
                      : gmem_read(gmem, part->gpa, data, part->bytes);

    if (rc != 0)
        device_access(vcpu, part->gpa, data, part->bytes, is_write);
}

int guest_virt_read(struct vcpu *vcpu, gva_t linear, void *dst, size_t bytes)
{
    struct part parts[PARTS_MAX];
    unsigned count;
    u8 *data = dst;
    int rc = translate_parts(vcpu, linear, bytes, GUEST_READ, parts, &count);

    for (unsigned i = 0; rc == 0 && i < count; i++) {
        part_access(vcpu, &parts[i], data, false);
        data += parts[i].bytes;
    }
    return rc;
}

int guest_virt_write(struct vcpu *vcpu, gva_t linear, const void *src, size_t bytes)
{
    struct part parts[PARTS_MAX];
    unsigned count;
    u8 copy[64], *data = copy;
    int rc = translate_parts(vcpu, linear, bytes, GUEST_WRITE, parts, &count);

    memcpy(copy, src, bytes);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        part_access(vcpu, &parts[i], data, true);
        data += parts[i].bytes;
    }
    return rc;
}

int guest_virt_probe_write(struct vcpu *vcpu, gva_t linear, size_t bytes)
{
    struct part parts[PARTS_MAX];
    unsigned count;

    return translate_parts(vcpu, linear, bytes, GUEST_WRITE, parts, &count);
}

int guest_linear_address(struct vcpu *vcpu, u8 segment, u64 offset, unsigned bytes, unsigned access,
                         gva_t *linear)
{
    struct guest_paging paging;
    struct hvm_segment desc;
    int rc;

    guest_paging_get(vcpu, &paging);
    hvm->seg_get(vcpu, segment, &desc);
    rc = guest_linear(&paging, guest_mode(vcpu) == INSN_MODE_64, segment, &desc, offset, bytes,
                      access, linear);
    if (rc != 0)
        vcpu_inject_exception(vcpu, segment == HVM_SS ? VECTOR_SS : VECTOR_GP, true, 0);
    return rc;
}

int guest_insn_fetch(struct vcpu *vcpu, const struct vm_exit *exit, u8 bytes[INSN_BYTES_MAX],
                     unsigned *count)
{
    struct guest_paging paging;
    struct hvm_segment cs;
    u64 linear;
    gpa_t at;

    *count = 0;
    if (exit->insn_byte_cnt != 0) {
        *count = (unsigned)MIN(exit->insn_byte_cnt, INSN_BYTES_MAX);
        memcpy(bytes, exit->insn_bytes, *count);
        return 0;
    }
    guest_paging_get(vcpu, &paging);
    hvm->seg_get(vcpu, HVM_CS, &cs);
    linear = (paging.efer & EFER_LMA) != 0 && (cs.attributes & HVM_SEG_L) != 0
                 ? exit->rip
                 : (u32)(cs.base + exit->rip);
    while (*count < INSN_BYTES_MAX) {
        unsigned room = (unsigned)(PAGE_SIZE - (linear & PAGE_MASK));
        unsigned n = MIN(INSN_BYTES_MAX - *count, room);
        struct guest_mem mem = {mem_read, mem_set_bits, vcpu->vm};
        struct guest_translation t;

        if (*count == 0) {
            int rc = translate(vcpu, &paging, linear, GUEST_FETCH, &at);

            if (rc != 0)
                return rc;
        } else if (guest_walk(&paging, &mem, gva(linear), GUEST_FETCH, &t) != 0) {
            return 0; /* the second page is not needed unless the decoder says so */
        } else {
            at = t.gpa;
        }
        if (gmem_read(&vcpu->vm->gmem, at, bytes + *count, n) != 0)
            return *count > 0 ? 0 : -EIO;
        *count += n;
        linear += n;
    }
    return 0;
}

int guest_insn_length(struct vcpu *vcpu, const struct vm_exit *exit)
{
    u8 bytes[INSN_BYTES_MAX];
    struct insn insn = {0};
    unsigned count, length;
    int rc = guest_insn_fetch(vcpu, exit, bytes, &count);

    if (rc == -EFAULT)
        return rc;
    if (rc == 0) {
        enum insn_mode mode = guest_mode(vcpu);

        length = insn_length_simple(bytes, count, mode);
        if (length != 0)
            return (int)length;
        rc = insn_decode(bytes, count, mode, &insn);
        if (rc == 0 || rc == -EOPNOTSUPP)
            return insn.length;
    }
    vm_crash(vcpu->vm, vcpu, "cannot find the length of the instruction at RIP 0x%lx", exit->rip);
    return -EIO;
}
