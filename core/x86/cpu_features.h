/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host's CPUs can do, detected once on the boot CPU and reported in the log. */
#ifndef SOCLE_X86_CPU_FEATURES_H
#define SOCLE_X86_CPU_FEATURES_H

#include "core/lib/types.h"

struct cpu_features {
    char vendor[13];
    char model[49];
    bool has_nx, has_1g_pages, has_smep, has_smap, has_umip;
    bool has_x2apic, has_tsc_deadline, has_invariant_tsc;
    bool has_xsave, has_avx, has_rdrand, has_rdseed, has_rdtscp, has_pge, has_fsgsbase, has_ibpb;
    u8 physical_bits;
};

extern struct cpu_features cpu_features;

/* Fills cpu_features. Context: boot CPU, first. */
void cpu_features_detect(void);

/* One log line per feature whose absence matters. Context: boot CPU, after the log. */
void cpu_features_report(void);

/* Turns on the protections and FPU features of the calling CPU: NX, WP, SMEP, SMAP, UMIP, PGE,
 * XSAVE. */
void cpu_features_enable(void);

/* Names of the features the API shows; NULL-terminated. */
const char *const *cpu_features_names(void);

#endif
