/* SPDX-License-Identifier: BSD-2-Clause */
/* Composes a running VM from its definition. */
#ifndef SOCLE_VMM_VM_BUILD_H
#define SOCLE_VMM_VM_BUILD_H

#include "core/lib/compiler.h"
#include "core/vm/vm.h"
#include "core/vmm/vm_config.h"

struct image;
struct volume;
struct vconsole;

/* What a VM is built from; all borrowed until vm_fini. */
struct vm_parts {
    u32 id;
    const struct vm_config *cfg;
    struct vconsole *consoles; /* VM_CONSOLE_COUNT of them */
    const struct image *kernel;
    const struct image *initrd;  /* or NULL */
    struct volume *const *disks; /* open, by cfg->disks */
    struct volume *seed;         /* for cloud-init, or NULL */
    u64 unix_ns;                 /* wall clock for its clocks */
    u32 node;                    /* NUMA node whose memory it takes first */
    void (*on_stopped)(struct vm *vm);
    void (*on_ejected)(struct vm *vm);
};

/*
 * Memory, buses, vCPUs, devices, tables, kernel: everything up to the first instruction. Context:
 * management task. Return: 0; -ENOMEM, -EINVAL (the kernel is no kernel) with *err filled and
 * nothing left behind.
 */
int vm_build(struct vm *vm, const struct vm_parts *parts, struct vmm_error *err) must_check;

/* A disk on an open volume. Context and return: as virtio_blk_create. */
int vm_build_disk(struct vm *vm, const struct vm_disk *disk, struct volume *volume) must_check;

#endif
