/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Definitions at rest: a blob of a pool for each, a device tree as socle.dtb. Those that socle.dtb
 * brings are not kept: it brings them again. Private to core/vmm. Context: management task.
 */
#ifndef SOCLE_VMM_VM_STORE_H
#define SOCLE_VMM_VM_STORE_H

#include "core/vmm/pools.h"
#include "core/vmm/registry.h"

/* What the names of their blobs begin with; the UUID follows. */
#define VM_STORE_PREFIX "vm:"

/* Makes the definition durable: where it is already, or in the first pool. Without a pool it stays
 * in RAM. Return: 0; the pool's error with *err filled: what was durable still is. */
int vm_store_save(struct vmm_entry *entry, struct vmm_error *err) must_check;

/* It is to be deleted. Return: 0; the pool's error with *err filled: it would be there again after
 * a reboot. */
int vm_store_forget(struct vmm_entry *entry, struct vmm_error *err) must_check;

/* Takes in the definition that a blob holds. */
void vm_store_load(struct vmm_pool *pool, const char *blob);

/* Keeps in this pool what is not kept anywhere yet. */
void vm_store_save_others(struct vmm_pool *pool);

/* The pool is going away: its definitions stay in RAM. */
void vm_store_let_go(const struct vmm_pool *pool);

#endif
