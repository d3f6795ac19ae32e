/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's end, and if wanted that of its volumes. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/volumes.h"
#include "mgmt/api/api.h"
#include "mgmt/nbd/nbd_exports.h"

/* "keep" or "delete". Return: 0; -EINVAL after answering 400. */
static int take_volumes(struct req *req, bool *deletes)
{
    const char *text = query_get(req, "volumes");

    *deletes = text && strcmp(text, "delete") == 0;
    if (!text || *deletes || strcmp(text, "keep") == 0)
        return 0;
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .got = text,
                                     .allowed = "keep, delete",
                                     .detail = "This is nothing to do with the VM's volumes.",
                                     .hint = "Use one of those allowed."});
    return -EINVAL;
}

static bool has_volume(const struct vm_config *cfg, const char *volume)
{
    for (u32 i = 0; i < cfg->disk_count; i++) {
        if (strcmp(cfg->disks[i].volume, volume) == 0)
            return true;
    }
    return false;
}

/* A volume of the VM that somebody else has, too. Return: false if there is none. */
static bool find_shared(u32 id, const struct vm_config *cfg, const char **volume,
                        const char **whose)
{
    static struct vmm_info other; /* large; one thread answers */
    char name[VM_NAME_MAX + 1] = "";
    u32 at;

    for (u32 i = 0; i < cfg->disk_count; i++) {
        const struct volume *one = volumes_find(cfg->disks[i].volume);

        *volume = cfg->disks[i].volume;
        *whose = "an NBD export";
        if (one && nbd_export_of(one))
            return true;
    }
    while (vmm_next(name, &at) && vmm_get(at, &other) == 0) {
        (void)str_copy(name, sizeof(name), other.cfg.name);
        for (u32 i = 0; at != id && i < cfg->disk_count; i++) {
            *volume = cfg->disks[i].volume;
            *whose = other.cfg.name;
            if ((*volume)[0] && has_volume(&other.cfg, *volume))
                return true;
        }
    }
    return false;
}

/* Return: 0; -EBUSY after answering 409. */
static int check_volumes(struct req *req, u32 id, const struct vm_config *cfg)
{
    const char *volume, *whose;
    char detail[200];

    if (!find_shared(id, cfg, &volume, &whose))
        return 0;
    ksnprintf(detail, sizeof(detail), "Volume \"%s\" is also one of \"%s\".", volume, whose);
    api_error(req, &(struct problem){.slug = "in_use",
                                     .detail = detail,
                                     .hint = "Take it away from the other one first, or leave "
                                             "?volumes=delete out."});
    return -EBUSY;
}

/* Those of the host's disks are forgotten, their data stay. Return: 0; others after answering. */
static int delete_volumes(struct req *req, const struct vm_config *cfg)
{
    struct vmm_error err;
    char detail[300];

    for (u32 i = 0; i < cfg->disk_count; i++) {
        struct volume *volume = volumes_find(cfg->disks[i].volume);

        if (!volume || volumes_delete(volume, &err) == 0)
            continue;
        ksnprintf(detail, sizeof(detail), "The VM is gone, volume \"%s\" is not: %s",
                  cfg->disks[i].volume, err.text);
        api_error(
            req, &(struct problem){.slug = err.slug, .detail = detail, .hint = "Delete it alone."});
        return -EBUSY;
    }
    return 0;
}

void api_vm_delete(struct req *req)
{
    static struct vmm_info info; /* large; one thread answers */
    struct vmm_error err;
    bool force, with_volumes;
    u32 id;
    int rc;

    if (query_bool(req, "force", &force) || take_volumes(req, &with_volumes) ||
        api_find_vm(req, &id) || vmm_get(id, &info) ||
        (with_volumes && check_volumes(req, id, &info.cfg)))
        return;
    rc = vmm_delete(id, force, &err);
    if (rc)
        api_vmm_error(req, rc, &err, id);
    else if (!with_volumes || delete_volumes(req, &info.cfg) == 0)
        reply_empty(req, 204);
}
