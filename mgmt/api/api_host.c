/* SPDX-License-Identifier: BSD-2-Clause */
/* The host: what it is, what it has, and its end. */
#include "core/kern/boot_stages.h"
#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "core/x86/cpu_features.h"
#include "core/x86/percpu.h"
#include "mgmt/agent.h"
#include "mgmt/api/api_tasks.h"
#include "mgmt/api/body.h"
#include "mgmt/host_facts.h"
#include "mgmt/host_power.h"
#include "mm/layout.h"
#include "mm/pmm.h"

static void put_boot(struct json_writer *w, const struct host_facts *facts)
{
    const struct boot_stage *stages;
    size_t count = boot_stages(&stages);

    json_key(w, "boot");
    json_object_begin(w);
    json_put_string(w, "method", facts->boot_method);
    json_key(w, "stages");
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(w);
        json_put_string(w, "name", stages[i].name);
        json_put_u64(w, "ns", stages[i].ns);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
}

static void put_cpu(struct json_writer *w, const struct host_facts *facts)
{
    json_key(w, "cpu");
    json_object_begin(w);
    json_put_string(w, "vendor", cpu_features.vendor);
    json_put_string(w, "model", cpu_features.model);
    json_put_u64(w, "count", facts->cpu_count);
    json_key(w, "features");
    json_array_begin(w);
    for (const char *const *name = cpu_features_names(); *name; name++)
        json_string(w, *name);
    json_array_end(w);
    json_object_end(w);
}

static void put_nodes(struct json_writer *w)
{
    json_key(w, "nodes");
    json_array_begin(w);
    for (u32 i = 0; i < pmm_node_count(); i++) {
        struct pmm_node_stats node;

        pmm_get_node_stats(i, &node);
        json_object_begin(w);
        json_put_u64(w, "id", i);
        json_put_u64(w, "total_bytes", node.total_bytes);
        json_put_u64(w, "free_bytes", node.free_bytes);
        json_key(w, "cpus");
        json_array_begin(w);
        for (u32 cpu = 0; cpu < pcpu_count(); cpu++) {
            if (pcpu_get(cpu)->node == i)
                json_u64(w, cpu);
        }
        json_array_end(w);
        json_object_end(w);
    }
    json_array_end(w);
}

/* total = free + vm + image + volume + hv; dirty and promised are parts of free. The hypervisor's
 * own image is apart from all that. */
static void put_memory(struct json_writer *w)
{
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    json_key(w, "memory");
    json_object_begin(w);
    json_put_u64(w, "total_bytes", stats.total_bytes);
    json_put_u64(w, "free_bytes", stats.free_bytes);
    json_put_u64(w, "dirty_bytes", stats.dirty_bytes);
    json_put_u64(w, "promised_bytes", stats.promised_bytes);
    json_put_u64(w, "vm_bytes", stats.used_bytes[PMM_GUEST]);
    json_put_u64(w, "image_bytes", stats.used_bytes[PMM_IMAGE]);
    json_put_u64(w, "volume_bytes", stats.used_bytes[PMM_VOLUME]);
    json_put_u64(w, "hv_bytes", stats.used_bytes[PMM_HYPERVISOR] + stats.used_bytes[PMM_DMA]);
    json_put_u64(w, "hv_image_bytes", kernel_image_bytes());
    put_nodes(w);
    json_object_end(w);
}

void api_host_get(struct req *req)
{
    const struct host_facts *facts = host_facts();
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_put_string(w, "name", agent_hostname());
    json_put_string(w, "version", facts->version);
    json_key(w, "build");
    json_object_begin(w);
    json_put_string(w, "git", facts->git);
    json_put_u64(w, "size_bytes", facts->image_bytes);
    json_put_u64(w, "lines", facts->source_lines);
    json_put_string(w, "sha256", facts->sha256);
    json_object_end(w);
    put_boot(w, facts);
    put_cpu(w, facts);
    put_memory(w);
    json_put_u64(w, "uptime_ns", time_ns());
    json_object_end(w);
}

/* What becomes of VMs that run; without "vms" they stand in the way. */
struct power {
    enum { VMS_KILL, VMS_SHUTDOWN, VMS_PREVENT } vms;
    u64 grace_ms;
};

static int read_vms(struct body_reader *r, const struct json_node *node)
{
    struct power *power = r->out;
    u32 word;
    int rc = body_word(r, node, "kill, shutdown", &word);

    power->vms = word;
    return rc;
}

static int read_grace(struct body_reader *r, const struct json_node *node)
{
    return body_number(r, node, HOST_GRACE_MS_MAX, &((struct power *)r->out)->grace_ms);
}

static void answer_vms_running(struct req *req)
{
    api_error(req,
              &(struct problem){
                  .slug = "vms_running",
                  .detail = "Virtual machines are running.",
                  .hint = "Send {\"vms\": \"shutdown\"} to have their guests switch themselves "
                          "off first, or {\"vms\": \"kill\"}.",
              });
}

static void power_down(struct req *req, enum agent_power what, const char *kind)
{
    static const struct body_member members[] = {{"vms", read_vms}, {"grace_ms", read_grace}};
    struct power power = {.vms = VMS_PREVENT, .grace_ms = HOST_GRACE_MS};
    struct body_reader r = {.req = req, .out = &power};
    u32 seen;

    if (body_read_if_any(&r, members, ARRAY_SIZE(members), &seen))
        return;
    if (power.vms == VMS_PREVENT && host_power_vms() > 0) {
        answer_vms_running(req);
        return;
    }
    api_task_begin(req, kind, "host", 0);
    if (power.vms == VMS_SHUTDOWN && host_power_vms() > 0) {
        host_power_begin(what, power.grace_ms);
        return;
    }
    req->reply.close = true;
    agent_power_down(what);
}

void api_host_reboot(struct req *req)
{
    power_down(req, AGENT_REBOOT, "host.reboot");
}

void api_host_poweroff(struct req *req)
{
    power_down(req, AGENT_POWEROFF, "host.poweroff");
}
