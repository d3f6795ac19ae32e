/* SPDX-License-Identifier: BSD-2-Clause */
/* VM definitions: create, replace, read, list, delete. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init.h"
#include "mgmt/api/api.h"
#include "mgmt/api/api_vm.h"
#include "mgmt/json/json_members.h"
#include "mgmt/api/precondition.h"
#include "mgmt/api/vm_json.h"
#include "mgmt/api/vm_missing.h"

static struct vmm_info info; /* large; one thread answers */

void reply_vm(struct req *req, u16 status, u32 id)
{
    struct json_writer *w;

    if (vmm_get(id, &info)) {
        api_vmm_error(req, -ENOENT, &(struct vmm_error){.text = "The VM is gone."}, id);
        return;
    }
    req->reply.etag = info.etag;
    if (status == 201)
        reply_header(req, "Location", API_BASE "/vms/%s", info.cfg.name);
    w = reply_json(req, status);
    vm_json_write(w, &info, time_ns());
}

void reply_vm_json_error(struct req *req, const struct vm_json_error *err)
{
    api_error(req, &(struct problem){
                       .slug = err->slug,
                       .detail = err->detail,
                       .hint = err->hint,
                       .pointer = err->pointer,
                       .allowed = err->allowed,
                       .got = err->got,
                   });
}

/* The definition in the body over what *cfg has. Return: 0, or -EINVAL after answering. */
static int merge_config(struct req *req, struct vm_config *cfg)
{
    const struct json_doc *doc = api_json_body(req);
    struct vm_json_error err;

    if (!doc)
        return -EINVAL;
    if (vm_json_read(doc, cfg, &err) == 0)
        return 0;
    reply_vm_json_error(req, &err);
    return -EINVAL;
}

/* Texts equal to those `is` has are those: definitions are compared byte by byte. */
static void share_cloud_init(struct vm_config *cfg, const struct vm_config *is)
{
    if (!cloud_init_is_same(cfg->cloud_init, is->cloud_init))
        return;
    cloud_init_release(cfg->cloud_init);
    cfg->cloud_init = cloud_init_hold(is->cloud_init);
}

/* A new definition; texts for cloud-init, which GET does not show, stay those of `is` where the
 * body does not name them. is: or NULL. */
static int read_config(struct req *req, struct vm_config *cfg, const struct vm_config *is)
{
    int rc;

    vm_config_default(cfg);
    if (is)
        cfg->cloud_init = cloud_init_hold(is->cloud_init);
    rc = merge_config(req, cfg);
    if (rc == 0 && is)
        share_cloud_init(cfg, is);
    return rc;
}

/* What the VM would be. id: 0: it would be new; else `info` has what it is. */
static void reply_dry_run(struct req *req, u32 id, const struct vm_config *cfg)
{
    struct json_writer *w;
    struct vmm_error err;
    int rc = vmm_check(id, cfg, &err);

    if (rc) {
        api_vmm_error(req, rc, &err, id);
        return;
    }
    if (id == 0)
        memset(&info, 0, sizeof(info));
    info.cfg = *cfg;
    if (info.cfg.name[0] == '\0')
        vmm_name_make(info.cfg.name);
    w = reply_json(req, 200);
    json_object_begin(w);
    vm_json_write_members(w, &info, 0);
    vm_missing_write(w, cfg);
    json_object_end(w);
}

/* Starts a VM this request has defined; one it has created goes away again if that fails. */
static int start_or_undo(struct req *req, u32 id, bool created)
{
    struct vmm_error err;
    struct vmm_error ignored;
    int rc = vmm_start(id, false, &err);

    if (rc == 0)
        return 0;
    api_vmm_error(req, rc, &err, id);
    if (created && vmm_delete(id, true, &ignored))
        return -EINVAL;
    return rc;
}

static void create(struct req *req, const struct vm_config *cfg, bool start)
{
    struct vmm_error err;
    u32 id;
    int rc = vmm_create(cfg, &id, &err);

    if (rc)
        api_vmm_error(req, rc, &err, 0);
    else if (!start || start_or_undo(req, id, true) == 0)
        reply_vm(req, 201, id);
}

/* Replacing a definition by an equal one is no change, whatever the state. */
static void replace(struct req *req, u32 id, const struct vm_config *cfg, bool start)
{
    bool is_same = memcmp(&info.cfg, cfg, sizeof(*cfg)) == 0;
    struct vmm_error err;
    int rc = is_same ? 0 : vmm_replace(id, cfg, &err);

    if (rc) {
        api_vmm_error(req, rc, &err, id);
        return;
    }
    if (start && info.state != VMM_RUNNING && start_or_undo(req, id, false))
        return;
    reply_vm(req, 200, id);
}

/* The name comes from the path; the body may repeat it. Return: 0, or -EINVAL after answering. */
static int take_name(struct req *req, struct vm_config *cfg, bool exists)
{
    const char *name = exists ? info.cfg.name : req->match.params[0];

    if (cfg->name[0] && strcmp(cfg->name, name) != 0) {
        api_error(req, &(struct problem){
                           .slug = "bad_value",
                           .pointer = "/name",
                           .got = cfg->name,
                           .detail = "The name in the body is not the one in the path.",
                           .hint = "Leave the name out of the body.",
                       });
        return -EINVAL;
    }
    if (str_copy(cfg->name, sizeof(cfg->name), name) && vm_name_is_valid(cfg->name))
        return 0;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .pointer = "/name",
                       .got = name,
                       .detail = "This cannot be the name of a VM.",
                       .hint = "Use 1 to 63 of a-z, 0-9 and '-', not beginning with '-'.",
                   });
    return -EINVAL;
}

static void put(struct req *req, struct vm_config *cfg)
{
    bool start, dry_run, exists;
    u32 id = 0;

    if (query_bool(req, "start", &start) || query_bool(req, "dry_run", &dry_run))
        return;
    exists = vmm_find(req->match.params[0], &id) == 0 && vmm_get(id, &info) == 0;
    if (read_config(req, cfg, exists ? &info.cfg : NULL) || take_name(req, cfg, exists))
        return;
    if (exists && memcmp(cfg->uuid, (u8[16]){0}, sizeof(cfg->uuid)) == 0)
        memcpy(cfg->uuid, info.cfg.uuid, sizeof(cfg->uuid));
    if (start && !(exists && info.state == VMM_RUNNING) && vm_missing_answer(req, cfg))
        return;
    if (dry_run)
        reply_dry_run(req, id, cfg);
    else if (exists)
        replace(req, id, cfg, start);
    else
        create(req, cfg, start);
}

void api_vm_put(struct req *req)
{
    static struct vm_config cfg;

    put(req, &cfg);
    vm_config_fini(&cfg);
}

static void change(struct req *req, u32 id, const struct vm_config *cfg)
{
    struct vmm_error err;
    int rc = vmm_change(id, cfg, &err);

    if (rc)
        api_vmm_error(req, rc, &err, id);
    else
        reply_vm(req, 200, id);
}

static void patch(struct req *req, u32 id, struct vm_config *cfg)
{
    bool dry_run;

    if (query_bool(req, "dry_run", &dry_run))
        return;
    memcpy(cfg, &info.cfg, sizeof(*cfg));
    (void)cloud_init_hold(cfg->cloud_init);
    if (merge_config(req, cfg) || take_name(req, cfg, true))
        return;
    share_cloud_init(cfg, &info.cfg);
    if (memcmp(cfg->uuid, (u8[16]){0}, sizeof(cfg->uuid)) == 0)
        memcpy(cfg->uuid, info.cfg.uuid, sizeof(cfg->uuid));
    if (dry_run)
        reply_dry_run(req, id, cfg);
    else
        change(req, id, cfg);
}

void api_vm_patch(struct req *req)
{
    static struct vm_config cfg;
    u32 id;

    if (api_find_vm(req, &id) || vmm_get(id, &info))
        return;
    patch(req, id, &cfg);
    vm_config_fini(&cfg);
}

void reply_vm_cloud_init(struct req *req, u32 id, const struct cloud_init *cloud)
{
    static struct vm_config cfg;

    if (vmm_get(id, &info) || !precondition_holds(req))
        return;
    memcpy(&cfg, &info.cfg, sizeof(cfg));
    cfg.cloud_init = cloud_init_hold(cloud);
    share_cloud_init(&cfg, &info.cfg);
    change(req, id, &cfg);
    vm_config_fini(&cfg);
}

static void post(struct req *req, struct vm_config *cfg)
{
    bool start, dry_run;

    if (query_bool(req, "start", &start) || query_bool(req, "dry_run", &dry_run) ||
        read_config(req, cfg, NULL) || (start && vm_missing_answer(req, cfg)))
        return;
    if (dry_run)
        reply_dry_run(req, 0, cfg);
    else
        create(req, cfg, start);
}

void api_vms_post(struct req *req)
{
    static struct vm_config cfg;

    post(req, &cfg);
    vm_config_fini(&cfg);
}

void api_vm_get(struct req *req)
{
    const char *fields;
    struct json_writer *w;
    u32 id;

    if (api_find_vm(req, &id) || vmm_get(id, &info))
        return;
    req->reply.etag = info.etag;
    w = reply_json(req, 200);
    vm_json_write(w, &info, time_ns());
    fields = query_get(req, "fields");
    if (fields && !w->overflow)
        w->len = json_members_keep(w->buf, w->len, fields);
}
