/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares physical CPUs out among VMs. */
#include "core/vmm/pcpu_plan.h"

#include "core/lib/errno.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/percpu.h"

static struct cpu_mask reserved;

static bool is_online(u32 pcpu)
{
    const struct pcpu *p = pcpu_get(pcpu);

    return p != NULL && p->is_online;
}

int pcpu_plan_check(const struct vm_config *cfg, struct vmm_error *err)
{
    for (u32 i = 0; i < PCPUS_MAX; i++) {
        if (!cpu_mask_has(&cfg->pins, i) || is_online(i))
            continue;
        vmm_error_set(err, "semantic", "/cpu/pins",
                      "GET /api/v1/host says how many CPUs there are; the first is 0.",
                      "This host has no CPU %u.", i);
        return -EINVAL;
    }
    return 0;
}

/* Without pins: all. */
static struct cpu_mask wanted(const struct vm_config *cfg)
{
    struct cpu_mask mask = cfg->pins;

    for (u32 i = 0; cpu_mask_is_empty(&cfg->pins) && i < pcpu_count(); i++) {
        if (is_online(i))
            cpu_mask_add(&mask, i);
    }
    return mask;
}

/* True if a running VM would have no pCPU left without this one. */
static bool is_somebodys_last(u32 pcpu, const struct cpu_mask *taken)
{
    const struct vmm_entry *entry = registry_after("");

    for (; entry; entry = registry_after(entry->cfg.name)) {
        struct cpu_mask left = cpu_mask_without(&entry->plan, taken);

        if (entry->vm && !entry->cfg.cpu_realtime && cpu_mask_has(&left, pcpu) &&
            cpu_mask_count(&left) == 1)
            return true;
    }
    return false;
}

/* pCPUs that a real-time VM can have, up to cpu_count of them. */
static struct cpu_mask choose(const struct vm_config *cfg)
{
    struct cpu_mask candidates = wanted(cfg), taken = reserved, chosen = {{0}};

    for (u32 i = 1; i < pcpu_count() && cpu_mask_count(&chosen) < cfg->cpu_count; i++) {
        if (!cpu_mask_has(&candidates, i) || cpu_mask_has(&taken, i) ||
            is_somebodys_last(i, &taken))
            continue;
        cpu_mask_add(&taken, i);
        cpu_mask_add(&chosen, i);
    }
    return chosen;
}

static int reserve(struct vmm_entry *entry, struct vmm_error *err)
{
    struct cpu_mask chosen = choose(&entry->cfg);
    u32 count = cpu_mask_count(&chosen);

    if (count < entry->cfg.cpu_count) {
        vmm_error_set(err, "no_space", "/cpu/realtime",
                      "Stop VMs, free it of pins, or give it fewer CPUs; CPU 0 keeps house, and "
                      "running VMs keep one of those they may run on.",
                      "VM \"%s\" needs %u of the host's %u CPUs for itself, and %u can be spared.",
                      entry->cfg.name, entry->cfg.cpu_count, pcpu_count(), count);
        return -ENOSPC;
    }
    for (u32 i = 0; i < pcpu_count(); i++) {
        if (!cpu_mask_has(&chosen, i))
            continue;
        cpu_mask_add(&reserved, i);
        task_reserve_pcpu(i, true);
    }
    entry->plan = chosen;
    return 0;
}

int pcpu_plan_make(struct vmm_entry *entry, struct vmm_error *err)
{
    struct cpu_mask left;

    if (entry->cfg.cpu_realtime)
        return reserve(entry, err);
    entry->plan = wanted(&entry->cfg);
    left = cpu_mask_without(&entry->plan, &reserved);
    if (!cpu_mask_is_empty(&left))
        return 0;
    vmm_error_set(err, "no_space", "/cpu/pins", "Pin it elsewhere, or stop the real-time VM.",
                  "Real-time VMs have all CPUs VM \"%s\" is pinned to.", entry->cfg.name);
    return -ENOSPC;
}

void pcpu_plan_release(struct vmm_entry *entry)
{
    for (u32 i = 0; entry->cfg.cpu_realtime && i < pcpu_count(); i++) {
        if (cpu_mask_has(&entry->plan, i))
            task_reserve_pcpu(i, false);
    }
    if (entry->cfg.cpu_realtime)
        reserved = cpu_mask_without(&reserved, &entry->plan);
    entry->plan = (struct cpu_mask){{0}};
}

struct cpu_mask pcpu_plan_of(const struct vmm_entry *entry, u32 vcpu)
{
    struct cpu_mask one = {{0}};

    if (!entry->cfg.cpu_realtime)
        return entry->plan;
    for (u32 i = 0; i < PCPUS_MAX; i++) {
        if (cpu_mask_has(&entry->plan, i) && vcpu-- == 0)
            cpu_mask_add(&one, i);
    }
    return one;
}
