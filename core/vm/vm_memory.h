/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that a running guest gives back to the host. */
#ifndef SOCLE_VM_VM_MEMORY_H
#define SOCLE_VM_VM_MEMORY_H

#include "mm/gmem.h"

struct vm;

/*
 * Frees what gmem_detach has put into the batch, once no vCPU remembers a translation of it, and
 * empties it. The guest may use those addresses again afterwards. Context: vCPU task of that VM, no
 * lock held, interrupts on.
 */
void vm_memory_release(struct vm *vm, struct gmem_batch *batch);

#endif
