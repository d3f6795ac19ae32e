/* SPDX-License-Identifier: BSD-2-Clause */
/* The facade's questions: what VMs there are, how they do, what their consoles say. */
#include "core/vmm/vmm.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_blk.h"
#include "core/vmm/registry.h"
#include "core/vmm/vcpu_times.h"
#include "core/vmm/vmm_error.h"

#define UUID_BYTES 16u

int vmm_find(const char *name_or_uuid, u32 *id)
{
    const struct vmm_entry *entry = registry_find_name(name_or_uuid);
    u8 uuid[UUID_BYTES];

    if (!entry && vmm_uuid_parse(name_or_uuid, uuid) == 0)
        entry = registry_find_uuid(uuid);
    if (!entry)
        return -ENOENT;
    *id = entry->id;
    return 0;
}

int vmm_get(u32 id, struct vmm_info *out)
{
    const struct vmm_entry *entry = registry_find_id(id);
    struct gmem_stats ram;

    if (!entry)
        return -ENOENT;
    out->id = entry->id;
    out->cfg = entry->cfg;
    out->state = entry->state;
    out->etag = entry->etag;
    (void)str_copy(out->reason, sizeof(out->reason), entry->reason);
    out->is_persistent = entry->pool || entry->is_from_dtb;
    out->created_unix_ns = entry->created_unix_ns;
    out->started_ns = entry->started_ns;
    out->console_written = vmm_console_written(id, VM_CONSOLE_SERIAL);
    out->memory = (struct vm_memory){0};
    if (!entry->vm)
        return 0;
    gmem_get_stats(&entry->vm->gmem, &ram);
    out->memory = (struct vm_memory){
        .resident_bytes = ram.resident_bytes,
        .large_page_bytes = ram.large_bytes,
        .page_table_bytes = entry->vm->slat.table_pages * PAGE_SIZE,
        .overhead_bytes = entry->overhead_bytes,
    };
    return 0;
}

bool vmm_next(const char *after_name, u32 *id)
{
    const struct vmm_entry *entry = registry_after(after_name);

    if (!entry)
        return false;
    *id = entry->id;
    return true;
}

bool vmm_at(u32 index, u32 *id)
{
    const struct vmm_entry *entry = registry_at(index);

    if (entry)
        *id = entry->id;
    return entry != NULL;
}

u32 vmm_count(enum vmm_state state)
{
    return registry_count_state(state);
}

bool vmm_vcpu_times(u32 id, u32 vcpu, struct vcpu_times *out)
{
    const struct vmm_entry *entry = registry_find_id(id);

    if (!entry || vcpu >= entry->cfg.cpu_count)
        return false;
    *out = entry->times[vcpu];
    if (entry->vm)
        vcpu_times_add(out, entry->vm->vcpus[vcpu]);
    return true;
}

u64 vmm_let_pass(u32 id)
{
    const struct vmm_entry *entry = registry_find_id(id);
    u64 sum = entry ? entry->let_pass : 0;

    for (u32 i = 0; entry && entry->vm && i < entry->vm->vcpu_count; i++)
        sum += entry->vm->vcpus[i]->let_pass;
    return sum;
}

bool vmm_wakeups(u32 id, struct time_stats *out)
{
    const struct vmm_entry *entry = registry_find_id(id);

    if (!entry)
        return false;
    *out = entry->wakeups;
    for (u32 i = 0; entry->vm && i < entry->vm->vcpu_count; i++)
        time_stats_add(out, &entry->vm->vcpus[i]->task.wakeups);
    return true;
}

size_t vmm_exits(u32 id, struct vmm_exit_stat *rows)
{
    const struct vmm_entry *entry = registry_find_id(id);
    size_t count = 0;

    if (!entry)
        return 0;
    for (u32 kind = 0; kind < EXIT_KIND_COUNT; kind++) {
        struct time_stats *times = &rows[count].times;

        *times = entry->exits[kind];
        for (u32 i = 0; entry->vm && i < entry->vm->vcpu_count; i++)
            time_stats_add(times, &entry->vm->vcpus[i]->exits[kind]);
        if (times->count != 0)
            rows[count++].reason = exit_kind_name((enum vm_exit_kind)kind);
    }
    return count;
}

/* Return: NULL if the VM, or the console, is not there. */
static struct vconsole *find_console(u32 id, u32 console)
{
    struct vmm_entry *entry = registry_find_id(id);

    if (!entry || console >= VM_CONSOLE_COUNT || !entry->consoles[console].log)
        return NULL;
    return &entry->consoles[console];
}

bool vmm_has_console(u32 id, u32 console)
{
    return find_console(id, console) != NULL;
}

size_t vmm_console_read(u32 id, u32 console, u64 *offset, void *dst, size_t bytes)
{
    struct vconsole *con = find_console(id, console);

    return con ? vconsole_read(con, offset, dst, bytes) : 0;
}

u64 vmm_console_written(u32 id, u32 console)
{
    struct vconsole *con = find_console(id, console);

    return con ? vconsole_written(con) : 0;
}

u64 vmm_console_oldest(u32 id, u32 console)
{
    struct vconsole *con = find_console(id, console);

    return con ? vconsole_oldest(con) : 0;
}

int vmm_console_input(u32 id, u32 console, const void *src, size_t bytes, struct vmm_error *err)
{
    struct vmm_entry *entry = registry_find_id(id);
    struct vconsole *con = find_console(id, console);

    if (!con) {
        vmm_error_set(err, "no_such", NULL, "GET /api/v1/vms lists the VMs there are.",
                      "There is no such VM.");
        return -ENOENT;
    }
    if (!entry->vm) {
        vmm_error_set(err, "state", NULL, "Start it first.", "VM \"%s\" is %s.", entry->cfg.name,
                      vmm_state_name(entry->state));
        return -EBUSY;
    }
    return (int)vconsole_input(con, src, bytes);
}

const struct blk_stats *vmm_disk_stats(u32 id, u32 disk)
{
    struct vmm_entry *entry = registry_find_id(id);

    if (!entry || !entry->vm || disk >= entry->cfg.disk_count)
        return NULL;
    return virtio_blk_stats(entry->vm, entry->cfg.disks[disk].id);
}

bool vmm_uses_volume(u32 id, const struct volume *volume)
{
    const struct vmm_entry *entry = registry_find_id(id);

    for (u32 i = 0; entry && i < entry->cfg.disk_count; i++) {
        if (entry->disks[i] == volume)
            return true;
    }
    return false;
}
