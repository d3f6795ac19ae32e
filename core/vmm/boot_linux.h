/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads a Linux bzImage the way its 64-bit boot protocol says.
 *
 * Spec: Linux Documentation/arch/x86/boot.rst, protocol 2.12 and later, "64-bit Boot Protocol".
 */
#ifndef SOCLE_VMM_BOOT_LINUX_H
#define SOCLE_VMM_BOOT_LINUX_H

#include "core/lib/compiler.h"
#include "core/vmm/guest_sink.h"

/*
 * Writes kernel, initrd, command line, zero page, GDT and page tables into the guest; rsdp is where
 * its ACPI tables are. The kernel image is hostile. Return: 0 and *cpu; -EINVAL with *err filled.
 */
int boot_linux(const struct guest_boot *boot, u64 rsdp, struct guest_cpu *cpu,
               struct vmm_error *err) must_check;

#endif
