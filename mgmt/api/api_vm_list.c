/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of VMs. */
#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "mgmt/api/api_list.h"
#include "mgmt/api/vm_json.h"

#define VM_TEXT_MAX (30u * 1024u) /* of one whose every text needs escaping */

static bool next_vm(struct req *req, struct json_writer *w)
{
    static struct vmm_info info; /* large; one thread answers */
    char *name = req->state.name;
    u32 id;

    do {
        if (!vmm_next(name, &id) || vmm_get(id, &info))
            return false;
        (void)str_copy(name, sizeof(req->state.name), info.cfg.name);
    } while (!scope_has(&req->who.scope, &info.cfg));
    vm_json_write(w, &info, time_ns());
    return true;
}

void api_vms_get(struct req *req)
{
    static const struct api_list vms = {.next = next_vm, .text_max = VM_TEXT_MAX, .limit = 100};

    reply_list(req, &vms);
}
