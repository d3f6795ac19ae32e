/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads an ELF kernel by the PVH protocol: 32-bit protected mode, memory map and modules in a start
 * info.
 *
 * Spec: Xen docs/misc/pvh.pandoc "x86/HVM direct boot ABI"; ELF "Program Header", "Note Section".
 */
#ifndef SOCLE_VMM_BOOT_PVH_H
#define SOCLE_VMM_BOOT_PVH_H

#include "core/lib/compiler.h"
#include "core/vmm/guest_sink.h"

/*
 * Writes segments, initrd (as module 0), command line and start info into the guest. The kernel
 * image is hostile. Return: 0 and *cpu; -EINVAL with *err filled.
 */
int boot_pvh(const struct guest_boot *boot, u64 rsdp, struct guest_cpu *cpu,
             struct vmm_error *err) must_check;

#endif
