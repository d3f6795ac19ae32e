/* SPDX-License-Identifier: BSD-2-Clause */
/* The vendor state of pCPUs, VMs and vCPUs, and the functions the files of svm/ offer one another.
 */
#ifndef SOCLE_SVM_SVM_STATE_H
#define SOCLE_SVM_SVM_STATE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/hvm_ops.h"
#include "core/vm/vcpu.h"
#include "core/vm/vm.h"
#include "core/x86/guest_regs.h"
#include "core/x86/tlb_tag.h"
#include "svm/svm_caps.h"
#include "svm/vmcb.h"

/* pcpu.hvm_page leads here. Written by its pCPU only. */
struct svm_pcpu {
    u8 host_save_area[PAGE_SIZE]; /* VM_HSAVE_PA; content belongs to the CPU */
    struct vmcb host;             /* the host's own VMSAVE state, constant after cpu_enable */
    hpa_t host_pa;
    struct tlb_tags asids;
};

struct hvm_vm {
    u8 *msrpm;
    u8 *iopm;
    hpa_t msrpm_pa;
    hpa_t iopm_pa;
};

/* An NMI handler in the guest ends with IRET; see svm_event.c. */
enum svm_nmi_state { SVM_NMI_OPEN, SVM_NMI_MASKED, SVM_NMI_IRET, SVM_NMI_STEPPING };

struct hvm_vcpu {
    struct vmcb *vmcb;
    hpa_t vmcb_pa;
    struct tlb_tag asid;
    u64 tsc_aux_on_cpu;  /* last written; SVM_TSC_AUX_UNKNOWN after a load */
    bool is_cr8_watched; /* writes of CR8 are intercepted */
    bool is_checked;     /* the consistency check has passed once */
    enum svm_nmi_state nmi;
    u64 nmi_iret_rip;
    bool nmi_guest_tf;   /* the guest's own RFLAGS.TF while we single-step */
    bool nmi_steps_iret; /* what we step over is the handler's IRET */
    struct guest_regs regs;
};

#define SVM_TSC_AUX_UNKNOWN (~0ull)

/* Constant after probe. */
extern struct svm_caps svm_caps;

static inline struct vmcb *svm_vmcb(const struct vcpu *vcpu)
{
    return vcpu->hw->vmcb;
}

/* svm_cpu.c: operations of the same names in struct hvm_ops. */
int svm_probe(struct hvm_caps *caps, const char **why) must_check;
int svm_cpu_enable(void) must_check;
void svm_cpu_disable(void);
struct svm_pcpu *svm_this_pcpu(void);

/* svm_cpu.c: gives the vCPU an ASID on this pCPU if it has none. Context: interrupts off. */
void svm_asid_assign(struct vcpu *vcpu, struct svm_pcpu *pcpu);

/* vmcb.c: fills the control area, once per vCPU. */
void vmcb_build_control(struct vmcb *vmcb, const struct vm *vm);
void vmcb_intercept(struct vmcb *vmcb, enum vmcb_intercept_word word, unsigned bit, bool wanted);

/* vmcb_dump.c */
void svm_dump(struct vcpu *vcpu, hvm_sink sink, void *cookie);

/* svm_vcpu.c */
int svm_vm_init(struct vm *vm) must_check;
void svm_vm_fini(struct vm *vm);
int svm_vcpu_init(struct vcpu *vcpu) must_check;
void svm_vcpu_fini(struct vcpu *vcpu);
void svm_vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind);
void svm_vcpu_load(struct vcpu *vcpu);
void svm_vcpu_put(struct vcpu *vcpu);

/* svm_regs.c */
u64 svm_reg_get(struct vcpu *vcpu, enum hvm_reg reg);
void svm_reg_set(struct vcpu *vcpu, enum hvm_reg reg, u64 value);
void svm_seg_get(struct vcpu *vcpu, enum hvm_seg seg, struct hvm_segment *out);
void svm_seg_set(struct vcpu *vcpu, enum hvm_seg seg, const struct hvm_segment *in);

/* svm_run.c */
void svm_run(struct vcpu *vcpu, struct vm_exit *exit);

/* svm_event.c */
void svm_inject(struct vcpu *vcpu, const struct vm_event *event);
bool svm_nmi_blocked(struct vcpu *vcpu);
void svm_window_request(struct vcpu *vcpu, enum vm_event_kind kind, bool wanted);

/* svm_event.c: intercepts writes of CR8 while the task priority is above zero. */
void svm_watch_cr8(struct vcpu *vcpu);

/* svm_event.c: what the exit says about windows and NMIs; may turn *exit into another kind. */
void svm_event_after_exit(struct vcpu *vcpu, struct vm_exit *exit);

/*
 * svm_entry.S: runs the guest until its next exit. gpr: vcpu->gpr; RAX and RSP travel in the VMCB.
 * Context: interrupts off; returns with interrupts off. Return: 0.
 */
u64 svm_enter_guest(u64 *gpr, u64 guest_vmcb_pa, u64 host_vmcb_pa);

#endif
