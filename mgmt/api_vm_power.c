/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done to a VM: start, shutdown, poweroff, reset, pause, resume. */
#include "core/lib/errno.h"
#include "mgmt/api_tasks.h"
#include "mgmt/api_vm.h"

typedef int (*vm_action)(u32 id, struct vmm_error *err);

static void act(struct req *req, vm_action action)
{
    struct vmm_error err;
    u32 id;
    int rc;

    if (api_find_vm(req, &id))
        return;
    rc = action(id, &err);
    if (rc)
        api_vmm_error(req, rc, &err, id);
    else
        reply_vm(req, 200, id);
}

void api_vm_poweroff(struct req *req)
{
    act(req, vmm_poweroff);
}

void api_vm_reset(struct req *req)
{
    act(req, vmm_reset);
}

void api_vm_pause(struct req *req)
{
    act(req, vmm_pause);
}

void api_vm_resume(struct req *req)
{
    act(req, vmm_resume);
}

/* The body may be left out, or {"paused": true}. Return: 0, or -EINVAL after answering. */
static int read_start(struct req *req, bool *paused)
{
    const struct json_doc *doc;
    char pointer[80];

    *paused = false;
    if (req->body_len == 0)
        return 0;
    doc = api_json_body(req);
    if (!doc)
        return -EINVAL;
    for (const struct json_node *key = json_first(doc, json_root(doc)); key;
         key = json_next(doc, key)) {
        bool known = json_root(doc)->type == JSON_OBJECT && json_key_is(doc, key, "paused");

        if (known && json_get_bool(doc, json_first(doc, key), paused) == 0)
            continue;
        json_pointer(doc, key, pointer, sizeof(pointer));
        api_error(req, &(struct problem){
                           .slug = known ? "bad_value" : "unknown_field",
                           .pointer = pointer,
                           .detail = "Starting a VM takes {\"paused\": true} or nothing.",
                           .hint = "Leave the body out to start it running.",
                       });
        return -EINVAL;
    }
    return 0;
}

void api_vm_start(struct req *req)
{
    struct vmm_error err;
    bool paused;
    u32 id;
    int rc;

    if (api_find_vm(req, &id) || read_start(req, &paused))
        return;
    rc = vmm_start(id, paused, &err);
    if (rc)
        api_vmm_error(req, rc, &err, id);
    else
        reply_vm(req, 200, id);
}

/* Presses the ACPI power button; what the guest does with it shows in the VM's state. */
void api_vm_shutdown(struct req *req)
{
    struct vmm_error err;
    u32 id;
    int rc;

    if (api_find_vm(req, &id))
        return;
    rc = vmm_power_button(id, &err);
    if (rc) {
        api_vmm_error(req, rc, &err, id);
        return;
    }
    api_task_begin(req, "vm.shutdown", req->match.params[0], id);
}
