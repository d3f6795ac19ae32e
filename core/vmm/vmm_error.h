/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling struct vmm_error. */
#ifndef SOCLE_VMM_VMM_ERROR_H
#define SOCLE_VMM_VMM_ERROR_H

#include "core/lib/compiler.h"
#include "core/vmm/vm_config.h"

/* pointer: NULL if no field is to blame. hint and the formatted text are one sentence each. */
void vmm_error_set(struct vmm_error *err, const char *slug, const char *pointer, const char *hint,
                   const char *fmt, ...) printf_like(5, 6);

/* The host's heap has no more. Return: -ENOMEM. */
int vmm_error_no_memory(struct vmm_error *err);

#endif
