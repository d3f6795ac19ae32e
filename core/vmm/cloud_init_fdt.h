/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts for cloud-init as properties of a VM's node; for vm_fdt. */
#ifndef SOCLE_VMM_CLOUD_INIT_FDT_H
#define SOCLE_VMM_CLOUD_INIT_FDT_H

#include "core/lib/compiler.h"
#include "core/lib/dtb.h"
#include "core/vmm/vm_config.h"

/* True for the names of these properties. */
bool cloud_init_fdt_knows(const char *name);

/* Sets cfg->cloud_init, which is the caller's then, if there are such properties. dtb: sound.
 * Return: 0; -EINVAL (a value is wrong), -ENOMEM, told. */
int cloud_init_fdt_read(const void *dtb, int node, const char *path, struct vm_config *cfg,
                        const struct dtb_report *report) must_check;

/* Writes them into the node that is open; cloud may be NULL. Return: 0, or libfdt's error. */
int cloud_init_fdt_write(const struct cloud_init *cloud, void *out) must_check;

#endif
