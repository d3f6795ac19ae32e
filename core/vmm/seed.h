/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk on which cloud-init finds what a definition has for it (its data source NoCloud). */
#ifndef SOCLE_VMM_SEED_H
#define SOCLE_VMM_SEED_H

#include "core/lib/compiler.h"
#include "core/vmm/vm_config.h"

struct volume;

/* What the guest is told as the disk's serial number; it is no id of a disk in a definition. */
#define SEED_DISK_ID "CIDATA"

/*
 * Makes a volume without a name, only to be read, of cfg->cloud_init, which is there; its user
 * destroys it. Context: management task. Return: 0, -ENOMEM.
 */
int seed_make(const struct vm_config *cfg, struct volume **out) must_check;

#endif
