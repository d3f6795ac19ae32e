/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions in the registry: found, checked, changed. */
#include "core/vmm/definition.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/cloud_init.h"
#include "core/vmm/pcpu_plan.h"
#include "core/vmm/vm_store.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/log.h"

struct vmm_entry *definition_find(u32 id, struct vmm_error *err)
{
    struct vmm_entry *entry = registry_find_id(id);

    if (!entry)
        vmm_error_set(err, "no_such", NULL, "GET /api/v1/vms lists the VMs there are.",
                      "There is no such VM.");
    return entry;
}

int definition_wrong_state(const struct vmm_entry *entry, const char *hint, struct vmm_error *err)
{
    vmm_error_set(err, "state", NULL, hint, "VM \"%s\" is %s.", entry->cfg.name,
                  vmm_state_name(entry->state));
    return -EBUSY;
}

bool definition_is_off(const struct vmm_entry *entry)
{
    return entry->state == VMM_STOPPED || entry->state == VMM_CRASHED;
}

int definition_check(const struct vm_config *cfg, struct vmm_error *err)
{
    int rc = vm_config_validate(cfg, err);

    return rc ? rc : pcpu_plan_check(cfg, err);
}

int definition_set(struct vmm_entry *entry, const struct vm_config *cfg, struct vmm_error *err)
{
    static struct vm_config old; /* large; one thread calls */
    int rc;

    old = entry->cfg;
    entry->cfg = *cfg;
    rc = vm_store_save(entry, err);
    if (rc == 0) {
        (void)cloud_init_hold(cfg->cloud_init);
        vm_config_fini(&old);
    }
    if (rc || memcmp(old.uuid, cfg->uuid, sizeof(old.uuid)) != 0)
        entry->cfg = old;
    if (rc == 0 && memcmp(old.uuid, cfg->uuid, sizeof(old.uuid)) != 0) {
        if (vm_store_forget(entry, err)) /* it is kept by its UUID */
            log_warn("vmm", "VM %s, as it was, may be there again after a reboot: %s", old.name,
                     err->text);
        entry->cfg = *cfg;
    }
    registry_resort(entry);
    registry_touch(entry);
    return rc;
}
