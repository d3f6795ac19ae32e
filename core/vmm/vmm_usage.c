/* SPDX-License-Identifier: BSD-2-Clause */
/* What a VM has used since it was started: the counters of all its parts, added up. */
#include "core/lib/string.h"
#include "core/vmm/registry.h"
#include "core/vmm/vcpu_times.h"
#include "core/vmm/vmm.h"
#include "drivers/block/blk.h"
#include "drivers/net/network.h"

static u64 count_of(const u64 *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_cpus(const struct vmm_entry *entry, struct vmm_usage *out)
{
    for (u32 i = 0; i < entry->vm->vcpu_count; i++) {
        struct vcpu_times times = entry->times[i];

        vcpu_times_add(&times, entry->vm->vcpus[i]);
        out->run_ns += times.run_ns;
        out->steal_ns += times.waited_ns;
    }
    for (u32 kind = 0; kind < EXIT_KIND_COUNT; kind++) {
        out->exits += entry->exits[kind].count;
        for (u32 i = 0; i < entry->vm->vcpu_count; i++)
            out->exits += entry->vm->vcpus[i]->exits[kind].count;
    }
}

static void add_disks(const struct vmm_entry *entry, struct vmm_usage *out)
{
    for (u32 i = 0; i < entry->cfg.disk_count; i++) {
        const struct blk_stats *stats = vmm_disk_stats(entry->id, i);

        if (!stats)
            continue;
        out->disk_read_bytes += count_of(&stats->bytes[BLK_READ]);
        out->disk_written_bytes += count_of(&stats->bytes[BLK_WRITE]);
    }
}

static void add_nics(const struct vmm_entry *entry, struct vmm_usage *out)
{
    const struct vm_config *cfg = &entry->cfg;

    for (u32 i = 0; i < cfg->nic_count; i++) {
        const struct netport *port =
            network_port_find(cfg->nics[i].network, cfg->name, cfg->nics[i].id);

        if (!port)
            continue;
        out->net_received_bytes += count_of(&port->counters.rx_bytes);
        out->net_sent_bytes += count_of(&port->counters.tx_bytes);
    }
}

bool vmm_usage(u32 id, struct vmm_usage *out)
{
    const struct vmm_entry *entry = registry_find_id(id);
    struct gmem_stats ram;

    memset(out, 0, sizeof(*out));
    if (!entry || !entry->vm)
        return false;
    gmem_get_stats(&entry->vm->gmem, &ram);
    out->resident_bytes = ram.resident_bytes;
    add_cpus(entry, out);
    add_disks(entry, out);
    add_nics(entry, out);
    return true;
}
