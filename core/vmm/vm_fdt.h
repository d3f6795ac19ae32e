/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images and VM definitions out of a device tree; the binding is in core/vmm/README.md.
 *
 * The tree must be sound (dtb_is_sound); beyond that anything may stand in it. Everything wrong is
 * told, not only the first mistake.
 */
#ifndef SOCLE_VMM_VM_FDT_H
#define SOCLE_VMM_VM_FDT_H

#include "core/lib/compiler.h"
#include "core/lib/dtb.h"
#include "core/lib/types.h"
#include "core/vmm/image.h"
#include "core/vmm/vm_config.h"

struct image_fdt {
    enum image_kind kind;
    bool has_sha256;
    u8 sha256[32];
};

/*
 * Reads a definition: defaults, then the node's name and properties; path: the node's, for reports.
 * Types and lengths are checked here, ranges by vm_config_validate. Return: 0; -EINVAL if a value
 * is wrong, -ENOMEM: then *out is of no use, and else the caller's to be given to vm_config_fini.
 * An unknown name is told and is no error.
 */
int vm_fdt_read(const void *dtb, int node, const char *path, struct vm_config *out,
                const struct dtb_report *report) must_check;

/* Room for any definition without its texts for cloud-init; and for that one with them. */
#define VM_FDT_BYTES_MAX (32 * KiB)
size_t vm_fdt_bytes_max(const struct vm_config *cfg);

/*
 * Writes a definition as a tree of its own: what differs from the defaults, in /vms as in
 * socle.dtb. Return: its bytes; 0: it does not fit, which in vm_fdt_bytes_max() it
 * does.
 */
size_t vm_fdt_write(const struct vm_config *cfg, void *out, size_t bytes) must_check;

/* The property that sets the member with this JSON pointer ("/memory/size_bytes"). Return: NULL if
 * there is none; pointer may be NULL. */
const char *vm_fdt_property(const char *pointer);

/* Reads what is said of an image besides its file. Return: 0; -EINVAL if a value is wrong. */
int image_fdt_read(const void *dtb, int node, const char *path, struct image_fdt *out,
                   const struct dtb_report *report) must_check;

#endif
