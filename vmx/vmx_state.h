/* SPDX-License-Identifier: BSD-2-Clause */
/* The vendor state of pCPUs, VMs and vCPUs, and the functions the files of vmx/ offer one another.
 */
#ifndef SOCLE_VMX_VMX_STATE_H
#define SOCLE_VMX_VMX_STATE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/hvm_ops.h"
#include "core/vm/vcpu.h"
#include "core/vm/vm.h"
#include "core/x86/guest_regs.h"
#include "core/x86/tlb_tag.h"
#include "vmx/vmcs.h"
#include "vmx/vmx_caps.h"

/* pcpu.hvm_page leads here. Written by its pCPU only. */
struct vmx_pcpu {
    struct vmcs_region vmxon; /* content belongs to the CPU */
    struct tlb_tags vpids;
};

struct hvm_vm {
    u8 *msr_bitmap;
    u8 *io_bitmap;
    hpa_t msr_bitmap_pa;
    hpa_t io_bitmap_pa;
    /* Only with a virtual APIC: */
    u8 *x2apic_bitmap; /* msr_bitmap, with the registers open that the CPU serves */
    hpa_t x2apic_bitmap_pa;
    hpa_t apic_access_pa; /* the page at HVM_APIC_GPA; never read or written */
};

/* MSRs that no control switches; the host uses none of them. */
enum vmx_switched_msr {
    SWITCHED_STAR,
    SWITCHED_LSTAR,
    SWITCHED_CSTAR,
    SWITCHED_SFMASK,
    SWITCHED_KERNEL_GS_BASE,
    SWITCHED_MSR_COUNT,
};

struct hvm_vcpu {
    hpa_t vmcs_pa;
    u64 ept_pointer;
    struct tlb_tag vpid;
    u32 ept_flushed_on; /* pCPU + 1 whose cached second-level translations are valid; 0: none's */
    u32 host_state_of;  /* pCPU + 1 whose state the host-state area has */
    bool is_launched;
    bool is_checked;   /* the consistency check has passed once */
    u32 controls;      /* primary processor-based controls, as in the VMCS */
    u32 tpr_threshold; /* as in the VMCS */
    bool is_apic_virtual;
    u64 eoi_exits[4];             /* as in the VMCS: level-triggered vectors */
    u64 cr2;                      /* the CPU's own while the guest runs */
    u64 dr6;                      /* the CPU's own while loaded */
    u64 tsc_aux_on_cpu;           /* last written; VMX_TSC_AUX_UNKNOWN after a load */
    u64 msrs[SWITCHED_MSR_COUNT]; /* the CPU's own while loaded */
    struct guest_regs regs;
};

#define VMX_TSC_AUX_UNKNOWN (~0ull)

/* Fields of the current VMCS that vmx_exit_decode needs. */
struct vmx_raw_exit;

/* Constant after probe. */
extern struct vmx_caps vmx_caps;

/* vmx_cpu.c: operations of the same names in struct hvm_ops. */
int vmx_probe(struct hvm_caps *caps, const char **why) must_check;
int vmx_cpu_enable(void) must_check;
void vmx_cpu_disable(void);
struct vmx_pcpu *vmx_this_pcpu(void);

/* vmx_cpu.c: gives the vCPU a VPID on this pCPU if it has none, and drops stale second-level
 * translations. Context: interrupts off, VMCS current. */
void vmx_tags_assign(struct vcpu *vcpu, struct vmx_pcpu *pcpu);

/* vmcs.c: fills the current VMCS: once per vCPU, and for each pCPU it is loaded on. */
void vmcs_build(const struct vcpu *vcpu);
void vmcs_set_host_state(void);
void vmcs_control(struct hvm_vcpu *hw, u64 bit, bool wanted);

/*
 * vmcs.c: makes the vCPU's VMCS current for a while, wherever the caller runs; between them the
 * caller may neither wait nor yield. Return: to be given back.
 */
bool vmcs_use_begin(struct hvm_vcpu *hw) must_check;
void vmcs_use_end(struct hvm_vcpu *hw, bool begun);

/* vmcs_dump.c */
void vmx_dump(struct vcpu *vcpu, hvm_sink sink, void *cookie);

/* vmx_vcpu.c */
int vmx_vm_init(struct vm *vm) must_check;
void vmx_vm_fini(struct vm *vm);
int vmx_vcpu_init(struct vcpu *vcpu) must_check;
void vmx_vcpu_fini(struct vcpu *vcpu);
void vmx_vcpu_reset(struct vcpu *vcpu, enum hvm_reset_kind kind);
void vmx_vcpu_load(struct vcpu *vcpu);
void vmx_vcpu_put(struct vcpu *vcpu);

/* vmx_regs.c */
u64 vmx_reg_get(struct vcpu *vcpu, enum hvm_reg reg);
void vmx_reg_set(struct vcpu *vcpu, enum hvm_reg reg, u64 value);
void vmx_seg_get(struct vcpu *vcpu, enum hvm_seg seg, struct hvm_segment *out);
void vmx_seg_set(struct vcpu *vcpu, enum hvm_seg seg, const struct hvm_segment *in);

/* vmx_regs.c: the MSR behind a place in hvm_vcpu.msrs. */
u32 vmx_switched_msr(enum vmx_switched_msr index);

/* vmx_run.c */
void vmx_run(struct vcpu *vcpu, struct vm_exit *exit);

/* vmx_event.c */
void vmx_inject(struct vcpu *vcpu, const struct vm_event *event);
bool vmx_nmi_blocked(struct vcpu *vcpu);
void vmx_window_request(struct vcpu *vcpu, enum vm_event_kind kind, bool wanted);

/* vmx_event.c: what the exit says about windows, NMIs and debug registers. */
void vmx_event_after_exit(struct vcpu *vcpu, const struct vmx_raw_exit *raw,
                          const struct vm_exit *exit);

/* vmx_apic.c */
int vmx_apic_vm_init(struct vm *vm) must_check;
void vmx_apic_vm_fini(struct vm *vm);
void vmx_apic_build(const struct vcpu *vcpu);
void vmx_apic_mode_set(struct vcpu *vcpu, enum hvm_apic_mode mode);
void vmx_apic_sync(struct vcpu *vcpu);
void vmx_apic_before_entry(struct vcpu *vcpu);

/*
 * vmx_entry.S: runs the guest until its next exit. gpr: vcpu->gpr; RSP travels in the VMCS.
 * Context: interrupts off; returns with interrupts off. Return: 0 after an exit, 1 if the entry
 * failed before the guest's state was loaded (VM_INSTRUCTION_ERROR says why).
 */
u64 vmx_enter_guest(u64 *gpr, bool is_launched);

/* vmx_entry.S: where the CPU goes on after an exit. */
extern const u8 vmx_exit_point[];

#endif
