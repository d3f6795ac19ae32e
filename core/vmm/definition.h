/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions in the registry: found, checked, changed. Private to core/vmm. Context: management
 * task. */
#ifndef SOCLE_VMM_DEFINITION_H
#define SOCLE_VMM_DEFINITION_H

#include "core/lib/compiler.h"
#include "core/vmm/registry.h"

/* Return: NULL with *err filled: there is no such VM. */
struct vmm_entry *definition_find(u32 id, struct vmm_error *err);

bool definition_is_off(const struct vmm_entry *entry);

/* Says in which state the VM is. Return: -EBUSY. */
int definition_wrong_state(const struct vmm_entry *entry, const char *hint, struct vmm_error *err);

/* Whether this host could have such a VM. Return: 0, -EINVAL with *err filled. */
int definition_check(const struct vm_config *cfg, struct vmm_error *err) must_check;

/* Has an entry another definition, which has been checked, also where it is kept. Return: 0; or the
 * pool's error with *err filled: it has the old one. */
int definition_set(struct vmm_entry *entry, const struct vm_config *cfg,
                   struct vmm_error *err) must_check;

#endif
