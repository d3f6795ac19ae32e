/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the handlers of VMs. */
#ifndef SOCLE_MGMT_API_VM_H
#define SOCLE_MGMT_API_VM_H

#include "mgmt/api/api.h"
#include "mgmt/api/vm_json.h"

/* Answers with the VM as it is now, its ETag, and its Location if status is 201. */
void reply_vm(struct req *req, u16 status, u32 id);

/* Answers that a definition, or part of one, was not read. */
struct vm_json_error;
void reply_vm_json_error(struct req *req, const struct vm_json_error *err);

/* Gives the VM these texts for cloud-init, if If-Match lets it, and answers. cloud: or NULL; held
 * by the caller. */
struct cloud_init;
void reply_vm_cloud_init(struct req *req, u32 id, const struct cloud_init *cloud);

#endif
