/* SPDX-License-Identifier: BSD-2-Clause */
/* What this CPU's AMD-V can do, from CPUID and VM_CR. Pure: the registers' values are parameters.
 */
#ifndef SOCLE_SVM_SVM_CAPS_H
#define SOCLE_SVM_SVM_CAPS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* CPUID results and MSR, as read by svm_cpu.c; zero where the leaf does not exist. */
struct svm_cpuid {
    u32 max_extended;     /* 80000000h EAX */
    u32 features_ecx;     /* 80000001h ECX */
    u32 features_edx;     /* 80000001h EDX */
    u32 address_size_eax; /* 80000008h EAX */
    u32 svm_ebx;          /* 8000000Ah EBX: number of ASIDs */
    u32 svm_edx;          /* 8000000Ah EDX */
    u64 vm_cr;            /* read only if SVM is there */
};

struct svm_caps {
    u32 asid_count; /* including 0, which is the host's */
    u8 phys_bits;
    bool has_nrip;
    bool has_decode_assist;
    bool has_vnmi;
    bool has_pause_filter;
    bool has_1g_pages;
    bool has_rdtscp;
};

/* True if CPUID has the SVM bit, so that VM_CR may be read. */
bool svm_caps_has_svm(const struct svm_cpuid *id);

/*
 * Return: 0 and *caps; -ENOENT: no AMD-V; -ENODEV: a part of it is missing; -EPERM: turned off by
 * firmware; *why then is a sentence for the user.
 */
int svm_caps_parse(const struct svm_cpuid *id, struct svm_caps *caps, const char **why) must_check;

#endif
