/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's memory as its instructions see it: by linear address, through its own page tables.
 *
 * Context of all: vCPU task. Where a guest-visible fault arises it has been queued (-EFAULT): the
 * handler just resumes the guest.
 */
#ifndef SOCLE_VM_GUEST_ACCESS_H
#define SOCLE_VM_GUEST_ACCESS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/guest_walk.h"
#include "core/vm/insn_decode.h"
#include "core/vm/vm_exit.h"

struct vcpu;

/* The paging state of the vCPU now. */
void guest_paging_get(struct vcpu *vcpu, struct guest_paging *out);

enum insn_mode guest_mode(struct vcpu *vcpu);

/*
 * Reads or writes at a linear address: RAM by copy, anything else through the buses' MMIO side. May
 * cross pages; nothing is written unless all of it is translatable. bytes ≤ 64. Return: 0, -EFAULT
 * (exception queued).
 */
int guest_virt_read(struct vcpu *vcpu, gva_t linear, void *dst, size_t bytes) must_check;
int guest_virt_write(struct vcpu *vcpu, gva_t linear, const void *src, size_t bytes) must_check;

/* Checks that a write would succeed, without writing. Return: as above. */
int guest_virt_probe_write(struct vcpu *vcpu, gva_t linear, size_t bytes) must_check;

/* Segment-relative address → linear. Return: 0, -EFAULT (#GP or #SS queued). */
int guest_linear_address(struct vcpu *vcpu, u8 segment, u64 offset, unsigned bytes, unsigned access,
                         gva_t *linear) must_check;

/*
 * The instruction at RIP, as many bytes as can be read up to 15; taken from the exit record if the
 * CPU gave them. Return: 0 and *count > 0; -EFAULT (exception queued); -EIO (code is not in RAM).
 */
int guest_insn_fetch(struct vcpu *vcpu, const struct vm_exit *exit, u8 bytes[INSN_BYTES_MAX],
                     unsigned *count) must_check;

/* Length of the instruction that exited. Return: 1–15; negative: an exception is queued or the VM
 * has crashed. */
int guest_insn_length(struct vcpu *vcpu, const struct vm_exit *exit);

#endif
