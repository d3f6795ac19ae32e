/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images and VMs that a host begins with: what socle.dtb says under /images and /vms, and which of
 * them and of those in pools are started.
 *
 * The work is done in small steps beside everything else the management task does, so a large
 * image to be hashed does not keep the REST endpoint waiting. Private to core/vmm. Context:
 * management task.
 */
#ifndef SOCLE_VMM_BOOT_VMS_H
#define SOCLE_VMM_BOOT_VMS_H

#include "core/lib/compiler.h"
#include "core/lib/dtb.h"
#include "core/lib/types.h"

struct boot_info;

/* Context: boot. Both pointers are kept until the work is done. */
void boot_vms_init(const struct boot_info *info, const struct dtb_report *report);

/*
 * Does the next step. Return: when the step after it is due, in ns since boot (0: at once);
 * BOOT_VMS_DONE when there is none.
 */
u64 boot_vms_poll(u64 now_ns);

/* Has a VM that a pool has kept started with the others, in its order; once those have begun it is
 * too late. */
void boot_vms_start_later(u32 id);

#define BOOT_VMS_DONE (~0ull)

#endif
