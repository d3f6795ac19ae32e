/* SPDX-License-Identifier: BSD-2-Clause */
/* VM definitions, with what is known of the VM, to JSON. */
#include "core/lib/string.h"
#include "drivers/net/network.h"
#include "mgmt/api/cloud_init_json.h"
#include "mgmt/api/vm_json.h"

static void write_identity(struct json_writer *w, const struct vmm_info *info)
{
    const struct vm_config *cfg = &info->cfg;
    char uuid[37];

    json_put_string(w, "name", cfg->name);
    vmm_uuid_format(cfg->uuid, uuid);
    if (!vmm_uuid_is_zero(cfg->uuid)) /* else it is made with the VM */
        json_put_string(w, "uuid", uuid);
    json_put_string(w, "description", cfg->description);
    json_key(w, "tags");
    json_array_begin(w);
    for (u32 i = 0; i < cfg->tag_count; i++)
        json_string(w, cfg->tags[i]);
    json_array_end(w);
}

static void put_name(struct json_writer *w, const char *key, const char *name)
{
    json_key(w, key);
    if (name[0])
        json_string(w, name);
    else
        json_null(w);
}

static void write_boot(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "boot");
    json_object_begin(w);
    json_put_string(w, "firmware", cfg->firmware == VM_FIRMWARE_PVH ? "pvh" : "direct");
    json_put_string(w, "kernel", cfg->kernel);
    put_name(w, "initrd", cfg->initrd);
    json_put_string(w, "cmdline", cfg->cmdline);
    json_object_end(w);
}

static void write_autostart(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "autostart");
    json_object_begin(w);
    json_put_bool(w, "enabled", cfg->autostart);
    json_put_u64(w, "order", cfg->start_order);
    json_put_u64(w, "delay_ms", cfg->start_delay_ms);
    json_object_end(w);
}

static void write_cpu(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "cpu");
    json_object_begin(w);
    json_put_u64(w, "count", cfg->cpu_count);
    json_put_u64(w, "weight", cfg->cpu_weight);
    json_put_u64(w, "limit_millicpu", cfg->cpu_limit_millicpu);
    json_key(w, "pins");
    json_array_begin(w);
    for (u32 cpu = 0; cpu < PCPUS_MAX; cpu++) {
        if (cpu_mask_has(&cfg->pins, cpu))
            json_u64(w, cpu);
    }
    json_array_end(w);
    json_put_bool(w, "realtime", cfg->cpu_realtime);
    json_object_end(w);
}

static void write_nic(struct json_writer *w, const struct vm_config *cfg, const struct vm_nic *nic)
{
    u8 mac[6];

    vm_nic_mac(cfg, nic, mac);
    json_object_begin(w);
    json_put_string(w, "id", nic->id);
    json_put_string(w, "network", nic->network);
    json_put_string(w, "model", "virtio");
    json_put_mac(w, "mac", mac);
    json_put_ipv4(w, "ip_seen",
                  netport_ip_seen(network_port_find(nic->network, cfg->name, nic->id)));
    json_key(w, "limits");
    json_object_begin(w);
    json_put_u64(w, "ops_per_s", nic->ops_per_s);
    json_put_u64(w, "bytes_per_s", nic->bytes_per_s);
    json_put_u64(w, "burst_bytes", nic->burst_bytes);
    json_object_end(w);
    json_put_bool(w, "isolated", nic->is_isolated);
    json_put_bool(w, "check_mac", nic->checks_mac);
    json_object_end(w);
}

static void write_nics(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "nics");
    json_array_begin(w);
    for (u32 i = 0; i < cfg->nic_count; i++)
        write_nic(w, cfg, &cfg->nics[i]);
    json_array_end(w);
}

void vm_json_write_disk(struct json_writer *w, const struct vm_disk *disk)
{
    json_object_begin(w);
    json_put_string(w, "id", disk->id);
    put_name(w, "volume", disk->volume);
    put_name(w, "image", disk->image);
    json_put_string(w, "bus", "virtio");
    json_put_bool(w, "read_only", disk->is_read_only);
    json_put_bool(w, "discard", disk->can_discard);
    json_put_string(w, "serial", disk->serial);
    json_key(w, "limits");
    json_object_begin(w);
    json_put_u64(w, "ops_per_s", disk->ops_per_s);
    json_put_u64(w, "bytes_per_s", disk->bytes_per_s);
    json_put_u64(w, "burst_bytes", disk->burst_bytes);
    json_object_end(w);
    json_object_end(w);
}

static void write_disks(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "disks");
    json_array_begin(w);
    for (u32 i = 0; i < cfg->disk_count; i++)
        vm_json_write_disk(w, &cfg->disks[i]);
    json_array_end(w);
}

static void write_memory(struct json_writer *w, const struct vmm_info *info)
{
    json_key(w, "memory");
    json_object_begin(w);
    json_put_u64(w, "size_bytes", info->cfg.memory_bytes);
    json_key(w, "balloon");
    json_object_begin(w);
    json_key(w, "target_bytes");
    if (info->cfg.balloon_target_bytes)
        json_u64(w, info->cfg.balloon_target_bytes);
    else
        json_null(w);
    json_object_end(w);
    json_put_u64(w, "resident_bytes", info->memory.resident_bytes);
    json_put_u64(w, "large_page_bytes", info->memory.large_page_bytes);
    json_put_u64(w, "page_table_bytes", info->memory.page_table_bytes);
    json_put_u64(w, "overhead_bytes", info->memory.overhead_bytes);
    json_object_end(w);
}

static void write_serial(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "serial");
    json_array_begin(w);
    json_object_begin(w);
    json_put_u64(w, "id", VM_CONSOLE_SERIAL);
    json_put_u64(w, "log_bytes", cfg->serial_log_bytes);
    json_put_bool(w, "host_log", cfg->console_log);
    json_object_end(w);
    json_array_end(w);
}

static void write_virtio_console(struct json_writer *w, const struct vm_config *cfg)
{
    json_key(w, "virtio_console");
    json_object_begin(w);
    json_put_bool(w, "enabled", cfg->has_virtio_console);
    json_put_u64(w, "log_bytes", cfg->virtio_log_bytes);
    json_object_end(w);
}

static void write_parts(struct json_writer *w, const struct vmm_info *info)
{
    const struct vm_config *cfg = &info->cfg;

    write_cpu(w, cfg);
    write_memory(w, info);
    write_boot(w, cfg);
    write_nics(w, cfg);
    write_disks(w, cfg);
    write_serial(w, cfg);
    write_virtio_console(w, cfg);
    cloud_init_json_write(w, cfg->cloud_init);
}

void vm_json_write_members(struct json_writer *w, const struct vmm_info *info, u64 now_ns)
{
    write_identity(w, info);
    json_put_string(w, "state", vmm_state_name(info->state));
    if (info->reason[0])
        json_put_string(w, "reason", info->reason);
    json_put_string(w, "on_crash", info->cfg.on_crash == VM_ON_CRASH_RESTART ? "restart" : "stop");
    write_autostart(w, &info->cfg);
    json_put_bool(w, "persistent", info->is_persistent);
    write_parts(w, info);
    if (info->created_unix_ns)
        json_put_time(w, "created_at", info->created_unix_ns);
    if (info->started_ns)
        json_put_u64(w, "uptime_ns", now_ns - info->started_ns);
}

void vm_json_write(struct json_writer *w, const struct vmm_info *info, u64 now_ns)
{
    json_object_begin(w);
    vm_json_write_members(w, info, now_ns);
    json_object_end(w);
}
