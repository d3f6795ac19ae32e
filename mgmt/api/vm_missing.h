/* SPDX-License-Identifier: BSD-2-Clause */
/* What a VM's definition names and the host does not have. It may still come, so a definition is
 * taken without it; a start is not. Context: management task. */
#ifndef SOCLE_MGMT_VM_MISSING_H
#define SOCLE_MGMT_VM_MISSING_H

#include "mgmt/api/api.h"

struct vm_config;

/* For a request that would start the VM. Return: true after answering 422 for the first that is
 * missing. */
bool vm_missing_answer(struct req *req, const struct vm_config *cfg);

/* "missing" of a dry run, if anything is: kind, name, pointer, and names that may be meant. */
void vm_missing_write(struct json_writer *w, const struct vm_config *cfg);

#endif
