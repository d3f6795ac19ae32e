/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit handlers: one function per neutral exit kind, found through the table in exit.c. */
#ifndef SOCLE_VM_EXIT_H_
#define SOCLE_VM_EXIT_H_

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/vm_exit.h"

struct vcpu;

/*
 * What the loop does next. A handler that has queued an exception, crashed the VM or moved RIP
 * itself says EXIT_RESUME; EXIT_ADVANCE lets the loop move RIP behind the instruction.
 */
enum exit_action { EXIT_RESUME, EXIT_ADVANCE };

typedef enum exit_action (*exit_handler)(struct vcpu *vcpu, const struct vm_exit *exit);

/* Context: vCPU task, interrupts on, no lock held. */
void exit_dispatch(struct vcpu *vcpu, const struct vm_exit *exit);

/* Adds one handled exit to the vCPU's statistics. */
void exit_account(struct vcpu *vcpu, u64 now_tsc);

enum exit_action exit_io(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_slat_fault(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_msr(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_cr(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_cpuid(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_hlt(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_pause(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_xsetbv(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_hypercall(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_rdpmc(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_undefined(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_exception(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_apic_write(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_apic_eoi(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_task_switch(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_shutdown(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_fatal(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_nothing(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_skip(struct vcpu *vcpu, const struct vm_exit *exit);
enum exit_action exit_window(struct vcpu *vcpu, const struct vm_exit *exit);

#endif
