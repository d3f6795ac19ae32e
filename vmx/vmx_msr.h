/* SPDX-License-Identifier: BSD-2-Clause */
/* The capability MSRs of VT-x, by number. Spec: SDM 3D appendix A "VMX Capability Reporting
 * Facility". */
#ifndef SOCLE_VMX_VMX_MSR_H
#define SOCLE_VMX_VMX_MSR_H

#define MSR_VMX_BASIC               0x480u
#define MSR_VMX_MISC                0x485u
#define MSR_VMX_CR0_FIXED0          0x486u
#define MSR_VMX_CR0_FIXED1          0x487u
#define MSR_VMX_CR4_FIXED0          0x488u
#define MSR_VMX_CR4_FIXED1          0x489u
#define MSR_VMX_PROCBASED_CTLS2     0x48bu
#define MSR_VMX_EPT_VPID_CAP        0x48cu
#define MSR_VMX_TRUE_PINBASED_CTLS  0x48du
#define MSR_VMX_TRUE_PROCBASED_CTLS 0x48eu
#define MSR_VMX_TRUE_EXIT_CTLS      0x48fu
#define MSR_VMX_TRUE_ENTRY_CTLS     0x490u

#endif
