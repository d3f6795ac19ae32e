/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics in Prometheus' text format 0.0.4.
 *
 * The format wants all samples of one name together, so the families are walked one after the
 * other, and within each the VMs; what is written between two calls is a family's head or the
 * samples of one VM.
 */
#include <stdarg.h>

#include "core/kern/boot_stages.h"
#include "core/kern/cpu_times.h"
#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/image.h"
#include "drivers/net/pktbuf.h"
#include "mgmt/api/api.h"
#include "mgmt/host_facts.h"
#include "mgmt/api/metrics.h"
#include "mgmt/api/metrics_net.h"
#include "mgmt/http/server.h"
#include "mm/layout.h"
#include "mm/pmm.h"

/* Of one VM in one family: four lines for each of 64 vCPUs, or eleven for each kind of exit; or of
 * all disks: BLK_DISKS_MAX with five lines each. */
#define SAMPLES_MAX  38912u
#define STATUS_SLOTS 600u

static u32 request_counts[VERB_OTHER + 1][STATUS_SLOTS];

void api_count_request(enum http_verb verb, u16 status)
{
    if (status < STATUS_SLOTS)
        request_counts[verb][status]++;
}

void metrics_line(struct json_writer *w, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    kvsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    json_raw(w, text);
    json_raw(w, "\n");
}

static void host_build(struct json_writer *w)
{
    const struct host_facts *facts = host_facts();

    metrics_line(w, "socle_build_info{version=\"%s\",git=\"%s\"} 1", facts->version, facts->git);
}

static void host_boot_time(struct json_writer *w)
{
    if (clock_is_known())
        metrics_line(w, "socle_boot_time_seconds " SECONDS,
                     SECONDS_OF(clock_unix_ns() - time_ns()));
}

static void host_uptime(struct json_writer *w)
{
    metrics_line(w, "socle_uptime_seconds " SECONDS, SECONDS_OF(time_ns()));
}

static void host_stages(struct json_writer *w)
{
    const struct boot_stage *stages;
    size_t count = boot_stages(&stages);
    u64 before = 0;

    for (size_t i = 0; i < count; i++) {
        u64 ns = stages[i].ns - before;

        metrics_line(w, "socle_boot_stage_duration_seconds{stage=\"%s\"} " SECONDS, stages[i].name,
                     SECONDS_OF(ns));
        before = stages[i].ns;
    }
}

static void host_cpus(struct json_writer *w)
{
    struct cpu_times times;

    for (u32 i = 0; cpu_times_get(i, &times); i++) {
        metrics_line(w, "socle_cpu_seconds_total{cpu=\"%u\",mode=\"guest\"} " SECONDS, i,
                     SECONDS_OF(times.guest_ns));
        metrics_line(w, "socle_cpu_seconds_total{cpu=\"%u\",mode=\"host\"} " SECONDS, i,
                     SECONDS_OF(times.host_ns));
        metrics_line(w, "socle_cpu_seconds_total{cpu=\"%u\",mode=\"idle\"} " SECONDS, i,
                     SECONDS_OF(times.idle_ns));
    }
}

static void host_memory(struct json_writer *w)
{
    static const char *const uses[PMM_USE_COUNT] = {
        [PMM_HYPERVISOR] = "hypervisor", [PMM_GUEST] = "vm", [PMM_IMAGE] = "image",
        [PMM_VOLUME] = "volume",         [PMM_DMA] = "dma",
    };
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    metrics_line(w, "socle_memory_bytes{use=\"free\"} %llu", (unsigned long long)stats.free_bytes);
    for (u32 i = 0; i < PMM_USE_COUNT; i++)
        metrics_line(w, "socle_memory_bytes{use=\"%s\"} %llu", uses[i],
                     (unsigned long long)stats.used_bytes[i]);
    metrics_line(w, "socle_memory_bytes{use=\"hypervisor_image\"} %llu",
                 (unsigned long long)kernel_image_bytes());
}

static void host_dirty(struct json_writer *w)
{
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    metrics_line(w, "socle_memory_dirty_bytes %llu", (unsigned long long)stats.dirty_bytes);
}

static void host_promised(struct json_writer *w)
{
    struct pmm_stats stats;

    pmm_get_stats(&stats);
    metrics_line(w, "socle_memory_promised_bytes %llu", (unsigned long long)stats.promised_bytes);
}

static void host_nodes(struct json_writer *w)
{
    for (u32 i = 0; i < pmm_node_count(); i++) {
        struct pmm_node_stats node;

        pmm_get_node_stats(i, &node);
        metrics_line(w, "socle_memory_node_bytes{node=\"%u\",use=\"free\"} %llu", i,
                     (unsigned long long)node.free_bytes);
        metrics_line(w, "socle_memory_node_bytes{node=\"%u\",use=\"used\"} %llu", i,
                     (unsigned long long)(node.total_bytes - node.free_bytes));
    }
}

static void host_requests(struct json_writer *w)
{
    for (u32 verb = 0; verb <= VERB_OTHER; verb++) {
        for (u32 status = 0; status < STATUS_SLOTS; status++) {
            if (request_counts[verb][status])
                metrics_line(w, "socle_http_requests_total{method=\"%s\",code=\"%u\"} %u",
                             verb_text((enum http_verb)verb), status, request_counts[verb][status]);
        }
    }
}

static void host_network(struct json_writer *w)
{
    metrics_line(w, "socle_packet_pool_exhausted_total %llu",
                 (unsigned long long)pktbuf_exhausted_count());
}

static void host_connections(struct json_writer *w)
{
    metrics_line(w, "socle_http_connections %u", server_connections());
}

static void vm_state(struct json_writer *w, const struct vmm_info *vm)
{
    char uuid[37];

    vmm_uuid_format(vm->cfg.uuid, uuid);
    metrics_line(w, "socle_vm_state{vm=\"%s\",uuid=\"%s\",state=\"%s\"} 1", vm->cfg.name, uuid,
                 vmm_state_name(vm->state));
}

static void vm_memory(struct json_writer *w, const struct vmm_info *vm)
{
    const struct {
        const char *use;
        u64 bytes;
    } rows[] = {{"ram", vm->memory.resident_bytes},
                {"page_table", vm->memory.page_table_bytes},
                {"overhead", vm->memory.overhead_bytes}};

    for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
        metrics_line(w, "socle_vm_memory_bytes{vm=\"%s\",use=\"%s\"} %llu", vm->cfg.name,
                     rows[i].use, (unsigned long long)rows[i].bytes);
}

static void vm_memory_size(struct json_writer *w, const struct vmm_info *vm)
{
    metrics_line(w, "socle_vm_memory_size_bytes{vm=\"%s\"} %llu", vm->cfg.name,
                 (unsigned long long)vm->cfg.memory_bytes);
}

static void vm_memory_target(struct json_writer *w, const struct vmm_info *vm)
{
    metrics_line(w, "socle_vm_memory_target_bytes{vm=\"%s\"} %llu", vm->cfg.name,
                 (unsigned long long)vm_config_target(&vm->cfg));
}

static void vcpu_state(struct json_writer *w, const struct vmm_info *vm, u32 vcpu,
                       const char *state, u64 ns)
{
    metrics_line(w, "socle_vm_vcpu_seconds_total{vm=\"%s\",vcpu=\"%u\",state=\"%s\"} " SECONDS,
                 vm->cfg.name, vcpu, state, SECONDS_OF(ns));
}

static void vm_vcpu(struct json_writer *w, const struct vmm_info *vm)
{
    struct vcpu_times times;

    for (u32 i = 0; vmm_vcpu_times(vm->id, i, &times); i++) {
        vcpu_state(w, vm, i, "run", times.run_ns);
        vcpu_state(w, vm, i, "halt", times.halted_ns);
        vcpu_state(w, vm, i, "steal", times.waited_ns);
        vcpu_state(w, vm, i, "limit", times.limited_ns);
    }
}

/* Bounds of histograms: 2^n ns, from half a microsecond to 17 ms. Each is a line for every kind of
 * exit of every VM, and all of a VM's must fit in SAMPLES_MAX. */
static const u8 histogram_bounds[] = {9, 11, 13, 16, 20, 24};

#define HISTOGRAM_LINES (ARRAY_SIZE(histogram_bounds) + 3)
#define LINE_BYTES      170u /* the longest, with a name of 63 characters */
_Static_assert(EXIT_KIND_COUNT *HISTOGRAM_LINES *LINE_BYTES <= SAMPLES_MAX, "the exits of a VM");

/* The samples of a histogram; labels: those that all have. A running vCPU goes on counting, so the
 * count is the sum of what was read. */
static void histogram(struct json_writer *w, const char *name, const char *labels,
                      const struct time_stats *times)
{
    u64 count = time_stats_below(times, TIME_BUCKETS);

    for (u32 i = 0; i < ARRAY_SIZE(histogram_bounds); i++)
        metrics_line(w, "%s_bucket{%s,le=\"" SECONDS "\"} %llu", name, labels,
                     SECONDS_OF(BIT(histogram_bounds[i])),
                     (unsigned long long)time_stats_below(times, histogram_bounds[i]));
    metrics_line(w, "%s_bucket{%s,le=\"+Inf\"} %llu", name, labels, (unsigned long long)count);
    metrics_line(w, "%s_sum{%s} " SECONDS, name, labels, SECONDS_OF(times->total_ns));
    metrics_line(w, "%s_count{%s} %llu", name, labels, (unsigned long long)count);
}

static void vm_wakeups(struct json_writer *w, const struct vmm_info *vm)
{
    struct time_stats wakeups;
    char labels[VM_NAME_MAX + 8];

    if (!vmm_wakeups(vm->id, &wakeups))
        return;
    ksnprintf(labels, sizeof(labels), "vm=\"%s\"", vm->cfg.name);
    histogram(w, "socle_vm_wakeup_duration_seconds", labels, &wakeups);
}

static void vm_spin_yields(struct json_writer *w, const struct vmm_info *vm)
{
    metrics_line(w, "socle_vm_spin_yields_total{vm=\"%s\"} %llu", vm->cfg.name,
                 (unsigned long long)vmm_let_pass(vm->id));
}

static void vm_exits(struct json_writer *w, const struct vmm_info *vm)
{
    static struct vmm_exit_stat rows[EXIT_KIND_COUNT];
    size_t count = vmm_exits(vm->id, rows);

    for (size_t i = 0; i < count; i++)
        metrics_line(w, "socle_vm_exits_total{vm=\"%s\",reason=\"%s\"} %llu", vm->cfg.name,
                     rows[i].reason, (unsigned long long)rows[i].times.count);
}

static void vm_exit_time(struct json_writer *w, const struct vmm_info *vm)
{
    static struct vmm_exit_stat rows[EXIT_KIND_COUNT];
    size_t count = vmm_exits(vm->id, rows);

    for (size_t i = 0; i < count; i++) {
        char labels[VM_NAME_MAX + 64];

        ksnprintf(labels, sizeof(labels), "vm=\"%s\",reason=\"%s\"", vm->cfg.name, rows[i].reason);
        histogram(w, "socle_vm_exit_duration_seconds", labels, &rows[i].times);
    }
}

/* One row per metric: of the host, or of each VM. */
static const struct family {
    const char *name;
    const char *type;
    const char *help;
    void (*host)(struct json_writer *w);
    void (*vm)(struct json_writer *w, const struct vmm_info *vm);
} families[] = {
    {"socle_build_info", "gauge", "Version of the hypervisor.", host_build, NULL},
    {"socle_uptime_seconds", "gauge", "Time since boot.", host_uptime, NULL},
    {"socle_boot_time_seconds", "gauge", "Unix time of the boot, if the clock is known.",
     host_boot_time, NULL},
    {"socle_boot_stage_duration_seconds", "gauge", "Time each stage of the boot took.", host_stages,
     NULL},
    {"socle_cpu_seconds_total", "counter", "Time of physical CPUs by what they did.", host_cpus,
     NULL},
    {"socle_memory_bytes", "gauge", "Host memory by use.", host_memory, NULL},
    {"socle_memory_dirty_bytes", "gauge", "Free memory still to be zeroed.", host_dirty, NULL},
    {"socle_memory_promised_bytes", "gauge",
     "Free memory given back by virtual machines and kept for them.", host_promised, NULL},
    {"socle_memory_node_bytes", "gauge", "Host memory of each NUMA node.", host_nodes, NULL},
    {"socle_http_requests_total", "counter", "Requests answered.", host_requests, NULL},
    {"socle_http_connections", "gauge", "Open connections.", host_connections, NULL},
    {"socle_packet_pool_exhausted_total", "counter", "Frames dropped for want of a buffer.",
     host_network, NULL},
    {"socle_nic_link_up", "gauge", "Whether a network card has a link.", metrics_nic_link, NULL},
    {"socle_nic_receive_frames_total", "counter", "Frames received.", metrics_nic_rx_frames, NULL},
    {"socle_nic_receive_bytes_total", "counter", "Bytes received.", metrics_nic_rx_bytes, NULL},
    {"socle_nic_receive_drops_total", "counter", "Frames received without a buffer for them.",
     metrics_nic_rx_drops, NULL},
    {"socle_nic_receive_errors_total", "counter", "Bad frames received.", metrics_nic_rx_errors,
     NULL},
    {"socle_nic_transmit_frames_total", "counter", "Frames sent.", metrics_nic_tx_frames, NULL},
    {"socle_nic_transmit_bytes_total", "counter", "Bytes sent.", metrics_nic_tx_bytes, NULL},
    {"socle_nic_transmit_segments_total", "counter", "TCP segments that the card cut into frames.",
     metrics_nic_tx_segments, NULL},
    {"socle_nic_transmit_drops_total", "counter", "Frames lost by a card that had to be reset.",
     metrics_nic_tx_drops, NULL},
    {"socle_nic_link_changes_total", "counter", "Links that came or went.",
     metrics_nic_link_changes, NULL},
    {"socle_nic_resets_total", "counter", "Resets of a card that hung or broke its protocol.",
     metrics_nic_resets, NULL},
    {"socle_network_ports", "gauge", "Cards of virtual machines on a network.",
     metrics_network_ports, NULL},
    {"socle_nat_connections", "gauge", "Connections translated at this time.",
     metrics_nat_connections, NULL},
    {"socle_nat_packets_total", "counter", "Packets translated.", metrics_nat_packets, NULL},
    {"socle_nat_drops_total", "counter", "Packets not translated, by reason.", metrics_nat_drops,
     NULL},
    {"socle_disk_requests_total", "counter", "Requests to a disk that have ended.",
     metrics_disk_requests, NULL},
    {"socle_disk_bytes_total", "counter", "Bytes moved by requests to a disk.", metrics_disk_bytes,
     NULL},
    {"socle_disk_request_seconds_total", "counter", "Time requests to a disk took.",
     metrics_disk_time, NULL},
    {"socle_disk_errors_total", "counter", "Requests to a disk that failed.", metrics_disk_errors,
     NULL},
    {"socle_vm_state", "gauge", "State of each virtual machine.", NULL, vm_state},
    {"socle_vm_memory_bytes", "gauge", "Host memory a virtual machine holds, by use.", NULL,
     vm_memory},
    {"socle_vm_memory_size_bytes", "gauge", "Memory a virtual machine is defined with.", NULL,
     vm_memory_size},
    {"socle_vm_memory_target_bytes", "gauge", "Memory a virtual machine is asked to make do with.",
     NULL, vm_memory_target},
    {"socle_vm_vcpu_seconds_total", "counter", "Time of virtual CPUs by what they did.", NULL,
     vm_vcpu},
    {"socle_vm_wakeup_duration_seconds", "histogram", "Time from a wake-up to running.", NULL,
     vm_wakeups},
    {"socle_vm_net_receive_packets_total", "counter", "Packets a network card received.", NULL,
     metrics_port_rx_frames},
    {"socle_vm_net_receive_bytes_total", "counter", "Bytes a network card received.", NULL,
     metrics_port_rx_bytes},
    {"socle_vm_net_receive_drops_total", "counter", "Packets a network card had no room for.", NULL,
     metrics_port_rx_drops},
    {"socle_vm_net_transmit_packets_total", "counter", "Packets a network card sent.", NULL,
     metrics_port_tx_frames},
    {"socle_vm_net_transmit_bytes_total", "counter", "Bytes a network card sent.", NULL,
     metrics_port_tx_bytes},
    {"socle_vm_net_transmit_drops_total", "counter", "Packets sent that were dropped.", NULL,
     metrics_port_tx_drops},
    {"socle_vm_net_spoofed_total", "counter", "Packets from an address not the card's own.", NULL,
     metrics_port_spoofed},
    {"socle_vm_net_storms_total", "counter", "Broadcasts beyond the limit.", NULL,
     metrics_port_storms},
    {"socle_vm_spin_yields_total", "counter",
     "Times a CPU that spun let the one go first that it waited for.", NULL, vm_spin_yields},
    {"socle_vm_block_requests_total", "counter", "Requests to a virtual disk that have ended.",
     NULL, metrics_vm_block_requests},
    {"socle_vm_block_request_seconds_total", "counter", "Time requests to a virtual disk took.",
     NULL, metrics_vm_block_time},
    {"socle_vm_block_read_bytes_total", "counter", "Bytes read from a virtual disk.", NULL,
     metrics_vm_block_read},
    {"socle_vm_block_written_bytes_total", "counter", "Bytes written to a virtual disk.", NULL,
     metrics_vm_block_written},
    {"socle_vm_block_errors_total", "counter", "Requests to a virtual disk that failed.", NULL,
     metrics_vm_block_errors},
    {"socle_vm_exits_total", "counter", "Exits from guest mode by reason.", NULL, vm_exits},
    {"socle_vm_exit_duration_seconds", "histogram", "Time to handle an exit.", NULL, vm_exit_time},
};

static void family_head(struct json_writer *w, const struct family *family)
{
    metrics_line(w, "# HELP %s %s", family->name, family->help);
    metrics_line(w, "# TYPE %s %s", family->name, family->type);
    if (family->host)
        family->host(w);
}

/* state.id: the family; .flag: its head is written; .name: the last VM written. */
static enum produce metrics_produce(struct req *req, struct json_writer *w)
{
    static struct vmm_info vm;
    struct req_state *state = &req->state;
    u32 id;

    while (w->size - w->len > SAMPLES_MAX) {
        const struct family *family = &families[state->id];

        if (!state->flag) {
            family_head(w, family);
            state->flag = true;
            state->name[0] = '\0';
        }
        if (family->vm && vmm_next(state->name, &id) && vmm_get(id, &vm) == 0) {
            (void)str_copy(state->name, sizeof(state->name), vm.cfg.name);
            family->vm(w, &vm);
            continue;
        }
        state->flag = false;
        if (++state->id == ARRAY_SIZE(families))
            return PRODUCE_DONE;
    }
    return PRODUCE_MORE;
}

void api_metrics_get(struct req *req)
{
    static const struct body_source source = {.produce = metrics_produce};

    reply_stream(req, 200, "text/plain; version=0.0.4; charset=utf-8", HTTP_LENGTH_NONE, &source);
}
