/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this CPU's VT-x can do, and the control words that follow from it. Pure: the values of the
 * capability MSRs are parameters.
 */
#ifndef SOCLE_VMX_VMX_CAPS_H
#define SOCLE_VMX_VMX_CAPS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* CPUID results and MSRs, as read by vmx_cpu.c; zero where the CPU lacks them. */
struct vmx_msrs {
    u32 features_ecx; /* CPUID 1 ECX */
    u32 extended_edx; /* CPUID 7.0 EDX */
    u64 feature_control;
    u64 basic;
    u64 pin; /* the TRUE variants */
    u64 proc;
    u64 exit;
    u64 entry;
    u64 proc2;
    u64 ept_vpid;
    u64 cr0_fixed0, cr0_fixed1;
    u64 cr4_fixed0, cr4_fixed1;
    u64 misc;
    u64 arch_capabilities;
};

enum vmx_control_word { CONTROL_PIN, CONTROL_PROC, CONTROL_PROC2, CONTROL_EXIT, CONTROL_ENTRY };
#define CONTROL_WORDS 5

struct vmx_caps {
    u32 revision;
    u32 controls[CONTROL_WORDS]; /* by enum vmx_control_word: what every VMCS starts with */
    u64 cr0_fixed0, cr0_fixed1;
    u64 cr4_fixed0, cr4_fixed1;
    bool has_2m_pages;
    bool has_1g_pages;
    bool has_access_dirty;
    bool has_rdtscp;
    bool has_pause_loop;
    bool has_preemption_timer;
    u8 preemption_shift;   /* it counts the TSC's bit of this number */
    bool has_virtual_apic; /* APIC-register virtualization and virtual-interrupt delivery */
    bool has_posted_irqs;
    bool needs_l1d_flush;    /* before each entry: L1TF */
    bool needs_buffer_clear; /* before each entry: MDS */
};

/* True if CPUID has the VMX bit, so that the capability MSRs may be read. */
bool vmx_caps_has_vmx(const struct vmx_msrs *msrs);

/*
 * Return: 0 and *caps; -ENOENT: no VT-x; -ENODEV: a required part is missing; -EPERM: turned off by
 * firmware; *why then is a sentence for the user.
 */
int vmx_caps_parse(const struct vmx_msrs *msrs, struct vmx_caps *caps, const char **why) must_check;

#endif
