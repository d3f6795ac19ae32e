/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code that takes an application processor from real mode to the kernel.
 *
 * core/x86/smp.c copies ap_trampoline_start..ap_trampoline_end to boot_info.ap_page, fills the
 * parameters at AP_PARAMS_OFFSET in that page, and sends INIT and two SIPIs with vector ap_page
 * >> 12.
 */
#ifndef SOCLE_BOOT_AP_TRAMPOLINE_H
#define SOCLE_BOOT_AP_TRAMPOLINE_H

#include "core/lib/types.h"

#define AP_PARAMS_OFFSET 0xf00

struct ap_params {
    u64 handover_cr3; /* identity-mapped tables below 4 GiB: boot_info.handover_cr3 */
    u64 kernel_cr3;   /* the final tables */
    u64 stack_top;
    u64 entry; /* void entry(void *arg), does not return */
    u64 arg;
};

extern const u8 ap_trampoline_start[];
extern const u8 ap_trampoline_end[];

#endif
