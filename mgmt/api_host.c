/* SPDX-License-Identifier: BSD-2-Clause */
/* The host: what it is, what it has, and its end. */
#include "core/kern/boot_stages.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/cpu_features.h"
#include "core/x86/percpu.h"
#include "mgmt/agent.h"
#include "mgmt/api_tasks.h"
#include "mgmt/host_facts.h"
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

/* total = free + vm + image + volume + hv; dirty and promised are parts of free. */
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
    json_object_end(w);
    put_boot(w, facts);
    put_cpu(w, facts);
    put_memory(w);
    json_put_u64(w, "uptime_ns", time_ns());
    json_object_end(w);
}

static int power_error(struct req *req, const char *slug, const char *pointer, const char *detail,
                       const char *allowed)
{
    api_error(req, &(struct problem){
                       .slug = slug,
                       .pointer = pointer,
                       .detail = detail,
                       .allowed = allowed,
                       .hint = "Power the VMs off first, or send {\"vms\": \"kill\"}.",
                   });
    return -EINVAL;
}

/* {"vms": "kill"}, or nothing. Return: 0 and *kill, or -EINVAL after answering. */
static int read_power_body(struct req *req, bool *kill)
{
    const struct json_doc *doc;
    const struct json_node *key;
    char text[16];

    *kill = false;
    if (req->body_len == 0)
        return 0;
    doc = api_json_body(req);
    if (!doc)
        return -EINVAL;
    if (json_root(doc)->type != JSON_OBJECT)
        return power_error(req, "bad_value", "", "The body must be an object.", NULL);
    for (key = json_first(doc, json_root(doc)); key; key = json_next(doc, key)) {
        if (!json_key_is(doc, key, "vms"))
            return power_error(req, "unknown_field", NULL, "There is no such field.", "vms");
        if (json_get_string(doc, json_first(doc, key), text, sizeof(text)) ||
            strcmp(text, "kill") != 0)
            return power_error(req, "bad_value", "/vms", "VMs can only be killed in this version.",
                               "kill");
        *kill = true;
    }
    return 0;
}

static void power_down(struct req *req, enum agent_power what, const char *kind)
{
    bool kill;

    if (read_power_body(req, &kill))
        return;
    if (!kill && vmm_count(VMM_RUNNING) + vmm_count(VMM_PAUSED) + vmm_count(VMM_STARTING) > 0) {
        (void)power_error(req, "vms_running", NULL, "Virtual machines are running.", NULL);
        return;
    }
    api_task_begin(req, kind, "host", 0);
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
