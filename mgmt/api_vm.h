/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the handlers of VMs. */
#ifndef SOCLE_MGMT_API_VM_H
#define SOCLE_MGMT_API_VM_H

#include "mgmt/api.h"
#include "mgmt/vm_json.h"

/* Answers with the VM as it is now, its ETag, and its Location if status is 201. */
void reply_vm(struct req *req, u16 status, u32 id);

/* Answers with what is wrong with a definition. */
void answer_json_error(struct req *req, const struct vm_json_error *err);

#endif
