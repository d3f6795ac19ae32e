/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constructors of the emulated devices, for the builder (core/vmm/vm_build.c), in the order it
 * calls them.
 *
 * Each allocates its device, enters it into the VM and adds its bus regions. Context: management
 * task. Return: 0, -ENOMEM, or what bus_add returned; on failure nothing is left behind but what
 * vm_fini frees.
 */
#ifndef SOCLE_VDEV_VDEVS_H
#define SOCLE_VDEV_VDEVS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct vm;
struct vcpu;
struct vconsole;
struct netport_config;

int vlapic_create(struct vcpu *vcpu) must_check; /* also sets vm->irqchip */
int vpic_create(struct vm *vm) must_check;       /* ports 0x20, 0xa0, 0x4d0 */
int vioapic_create(struct vm *vm) must_check;    /* 0xfec00000 */
int vpit_create(struct vm *vm) must_check;       /* ports 0x40-0x43, 0x61 */
int vrtc_create(struct vm *vm, u64 unix_s, u64 low_bytes,
                u64 high_bytes) must_check; /* 0x70-0x71; memory below 4 GiB and above, for CMOS */
int vuart_create(struct vm *vm, u16 port, unsigned line, struct vconsole *console) must_check;
int vpm_create(struct vm *vm) must_check;             /* ACPI PM, reset ports 0x64, 0x92 */
int vpci_create(struct vm *vm, u64 mem64) must_check; /* PCI, reset port 0xcf9; where its memory
                                                         window above RAM is */
int virtio_rng_create(struct vm *vm) must_check;      /* the CPU must have RDRAND */

int virtio_console_create(struct vm *vm, struct vconsole *console) must_check;

/* A network card on a port of cfg->network; queue and wake are its own. Also -ENOENT and -EEXIST,
 * as netport_attach; vm_fini frees it then. */
int virtio_net_create(struct vm *vm, const struct netport_config *cfg) must_check;

int virtio_balloon_create(struct vm *vm, u64 ram_end,
                          u64 balloon_bytes) must_check; /* guest RAM ends there; see below */

/* How much RAM the guest is asked to put into its balloon: up to 16 TiB. Context: management task.
 * Nothing happens if the VM has no balloon. */
void virtio_balloon_set(struct vm *vm, u64 balloon_bytes);

/* Presses the ACPI power button. Context: management task. */
void vpm_power_button(struct vm *vm);

/* A general-purpose event of the board. Context: management task. */
void vpm_gpe(struct vm *vm, unsigned gpe);

#endif
