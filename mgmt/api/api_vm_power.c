/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done to a VM: start, shutdown, poweroff, reset, pause, resume. */
#include "mgmt/api/api_tasks.h"
#include "mgmt/api/api_vm.h"
#include "mgmt/api/body.h"

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

void api_vm_nmi(struct req *req)
{
    act(req, vmm_nmi);
}

static int read_paused(struct body_reader *r, const struct json_node *node)
{
    return body_flag(r, node, r->out);
}

void api_vm_start(struct req *req)
{
    static const struct body_member members[] = {{"paused", read_paused}};
    bool paused = false;
    struct body_reader r = {.req = req, .out = &paused};
    struct vmm_error err;
    u32 id, seen;
    int rc;

    if (api_find_vm(req, &id) || body_read_if_any(&r, members, ARRAY_SIZE(members), &seen))
        return;
    rc = vmm_start(id, paused, &err);
    if (rc)
        api_vmm_error(req, rc, &err, id);
    else
        reply_vm(req, 200, id);
}

static int read_grace(struct body_reader *r, const struct json_node *node)
{
    struct shutdown *wanted = r->out;

    return body_number(r, node, SHUTDOWN_GRACE_MS_MAX, &wanted->grace_ms);
}

static int read_then(struct body_reader *r, const struct json_node *node)
{
    struct shutdown *wanted = r->out;
    u32 word;
    int rc = body_word(r, node, "fail, poweroff", &word);

    wanted->by_force = word == 1;
    return rc;
}

/* Presses the ACPI power button; what the guest does with it shows in the VM's state. */
void api_vm_shutdown(struct req *req)
{
    static const struct body_member members[] = {{"grace_ms", read_grace}, {"then", read_then}};
    struct shutdown wanted = {.grace_ms = SHUTDOWN_GRACE_MS};
    struct body_reader r = {.req = req, .out = &wanted};
    struct vmm_error err;
    u32 id, seen;
    int rc;

    if (api_find_vm(req, &id) || body_read_if_any(&r, members, ARRAY_SIZE(members), &seen))
        return;
    rc = vmm_power_button(id, &err);
    if (rc)
        api_vmm_error(req, rc, &err, id);
    else
        api_task_shutdown(req, id, &wanted);
}
