/* SPDX-License-Identifier: BSD-2-Clause */
/* Single disks of VMs: added and taken away, while they run, too. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api/api_tasks.h"
#include "mgmt/api/api_vm.h"

/* The disk in the body, whose id is that in the path. Return: 0, or -EINVAL after answering. */
static int read_disk(struct req *req, struct vm_disk *disk)
{
    const struct json_doc *doc = api_json_body(req);
    const char *id = req->match.params[1];
    struct vm_json_error err;

    if (!doc)
        return -EINVAL;
    if (vm_json_read_disk(doc, disk, &err)) {
        reply_vm_json_error(req, &err);
        return -EINVAL;
    }
    if (disk->id[0] == '\0' && str_copy(disk->id, sizeof(disk->id), id))
        return 0;
    if (strcmp(disk->id, id) == 0)
        return 0;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .pointer = "/id",
                       .got = id,
                       .detail = "This is too long, or the id in the body is another one.",
                       .hint = "Use at most 31 characters, and leave the id out of the body.",
                   });
    return -EINVAL;
}

/* Where the guest finds it; null while there is no guest. */
static void reply_place(struct req *req, u32 slot)
{
    struct json_writer *w = reply_json(req, 200);
    char text[16];

    ksnprintf(text, sizeof(text), "0000:00:%02x.0", slot);
    json_object_begin(w);
    json_key(w, "pci");
    if (slot)
        json_string(w, text);
    else
        json_null(w);
    json_object_end(w);
}

void api_vm_disk_put(struct req *req)
{
    struct vm_disk disk;
    struct vmm_error err;
    bool dry_run;
    u32 id;
    int rc;

    if (query_bool(req, "dry_run", &dry_run) || api_find_vm(req, &id) || read_disk(req, &disk))
        return;
    rc = dry_run ? vmm_disk_check(id, &disk, &err) : vmm_disk_put(id, &disk, &err);
    if (rc)
        api_vmm_error(req, rc, &err, id);
    else if (dry_run)
        vm_json_write_disk(reply_json(req, 200), &disk);
    else
        reply_place(req, vmm_disk_slot(id, disk.id));
}

/* A guest that runs is asked, which is a task. */
void api_vm_disk_delete(struct req *req)
{
    struct vmm_error err;
    bool force;
    u32 id;
    int rc;

    if (query_bool(req, "force", &force) || api_find_vm(req, &id))
        return;
    api_tasks_poll(time_ns()); /* what became of the disk before is told before this one's */
    rc = vmm_disk_remove(id, req->match.params[1], force, &err);
    if (rc == 0)
        reply_empty(req, 204);
    else if (rc == -EAGAIN)
        api_task_begin(req, VM_DISK_REMOVE, req->match.params[0], id);
    else if (rc == -ENOENT)
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "disk",
                                         .name = req->match.params[1],
                                         .detail = err.text,
                                         .hint = err.hint});
    else
        api_vmm_error(req, rc, &err, id);
}
