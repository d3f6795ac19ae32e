/* SPDX-License-Identifier: BSD-2-Clause */
/* Milestones of the boot, for GET /host and the speed table; times count from the loader's first
 * instruction. */
#ifndef SOCLE_KERN_BOOT_STAGES_H
#define SOCLE_KERN_BOOT_STAGES_H

#include "core/lib/types.h"

struct boot_info;

struct boot_stage {
    const char *name;
    u64 ns;
};

/* Takes over the loader's stamps. Context: boot, after tsc_init. */
void boot_stages_init(const struct boot_info *info);

/* Records the moment; names are static strings. A name already recorded is ignored. */
void boot_stage_mark(const char *name);

/* Return: number of stages, in order of time. */
size_t boot_stages(const struct boot_stage **list);

#endif
