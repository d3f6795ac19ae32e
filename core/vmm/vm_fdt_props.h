/* SPDX-License-Identifier: BSD-2-Clause */
/* The binding of VMs as tables, which reading (vm_fdt.c) and writing (vm_fdt_write.c) share. */
#ifndef SOCLE_VMM_VM_FDT_PROPS_H
#define SOCLE_VMM_VM_FDT_PROPS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

enum prop_type {
    PROP_STRING,
    PROP_U32,
    PROP_U64,
    PROP_WORD,
    PROP_FLAG,
    PROP_UNFLAG, /* false by being there */
    PROP_MAC,
    PROP_UUID,
    PROP_TAGS,
    PROP_PINS
};

struct prop {
    const char *name;
    enum prop_type type;
    u32 offset; /* in struct vm_config, vm_nic or vm_disk */
    u32 size;
    const char *pointer;      /* of the member in the API's JSON */
    const char *const *words; /* PROP_WORD: in the order of the values */
    const char *wrong;        /* what is told of a value that does not fit */
};

#define VM_FDT_NICS  "nics"
#define VM_FDT_DISKS "disks"

extern const struct prop vm_fdt_props[], vm_fdt_nic_props[], vm_fdt_disk_props[];
extern const size_t vm_fdt_prop_count, vm_fdt_nic_prop_count, vm_fdt_disk_prop_count;

#endif
