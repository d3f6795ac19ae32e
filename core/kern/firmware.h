/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UEFI runtime services: reset, power-off, wall-clock time.
 *
 * Calls run on an address space of their own (the kernel half plus an identity map of the
 * firmware's runtime regions), so that firmware code never appears in the kernel's W^X tables.
 * Context: task on pCPU 0 that is not a vCPU's (firmware may use SSE registers).
 */
#ifndef SOCLE_KERN_FIRMWARE_H
#define SOCLE_KERN_FIRMWARE_H

#include "boot/boot_info.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Builds the firmware address space. Return: 0, -ENOMEM, -ENODEV (no runtime services). */
int firmware_init(const struct boot_info *info) must_check;

/* Does not return: falls back to the keyboard controller and a triple fault if the firmware fails.
 */
noreturn void firmware_reset(void);
noreturn void firmware_poweroff(void);

/* Wall clock, Unix seconds UTC. Return: 0, -EIO, -ENODEV. */
int firmware_time(u64 *unix_s) must_check;

#endif
