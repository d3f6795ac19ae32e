/* SPDX-License-Identifier: BSD-2-Clause */
/* Samples of the host's disks, and of those that VMs have. */
#include "core/lib/printf.h"
#include "core/vmm/vmm.h"
#include "drivers/block/blk.h"
#include "mgmt/api/metrics.h"

static u64 count_of(const u64 *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void metrics_disk_requests(struct json_writer *w)
{
    for (const struct blkdev *dev = blk_next(NULL); dev != NULL; dev = blk_next(dev)) {
        for (u32 op = 0; op < BLK_OP_COUNT; op++)
            metrics_line(w, "socle_disk_requests_total{disk=\"%s\",op=\"%s\"} %llu", dev->name,
                         blk_op_name(op), (unsigned long long)count_of(&dev->stats.requests[op]));
    }
}

void metrics_disk_bytes(struct json_writer *w)
{
    for (const struct blkdev *dev = blk_next(NULL); dev != NULL; dev = blk_next(dev)) {
        for (u32 op = BLK_READ; op <= BLK_WRITE; op++)
            metrics_line(w, "socle_disk_bytes_total{disk=\"%s\",op=\"%s\"} %llu", dev->name,
                         blk_op_name(op), (unsigned long long)count_of(&dev->stats.bytes[op]));
    }
}

void metrics_disk_time(struct json_writer *w)
{
    for (const struct blkdev *dev = blk_next(NULL); dev != NULL; dev = blk_next(dev)) {
        for (u32 op = 0; op < BLK_OP_COUNT; op++)
            metrics_line(w, "socle_disk_request_seconds_total{disk=\"%s\",op=\"%s\"} " SECONDS,
                         dev->name, blk_op_name(op), SECONDS_OF(count_of(&dev->stats.ns[op])));
    }
}

void metrics_disk_errors(struct json_writer *w)
{
    for (const struct blkdev *dev = blk_next(NULL); dev != NULL; dev = blk_next(dev)) {
        u64 all = count_of(&dev->stats.errors), late = count_of(&dev->stats.timeouts);

        metrics_line(w, "socle_disk_errors_total{disk=\"%s\",kind=\"timeout\"} %llu", dev->name,
                     (unsigned long long)late);
        metrics_line(w, "socle_disk_errors_total{disk=\"%s\",kind=\"other\"} %llu", dev->name,
                     (unsigned long long)(all - MIN(late, all)));
    }
}

/* Calls for each operation of each disk of a VM that runs. */
static void vm_disks(struct json_writer *w, const struct vmm_info *vm,
                     void (*one)(struct json_writer *w, const char *labels,
                                 const struct blk_stats *stats, enum blk_op op))
{
    const struct blk_stats *stats;

    for (u32 i = 0; (stats = vmm_disk_stats(vm->id, i)) != NULL; i++) {
        for (u32 op = 0; op < BLK_OP_COUNT; op++) {
            char labels[VM_NAME_MAX + VM_DISK_ID_MAX + 48];

            ksnprintf(labels, sizeof(labels), "vm=\"%s\",device=\"%s\",op=\"%s\"", vm->cfg.name,
                      vm->cfg.disks[i].id, blk_op_name((enum blk_op)op));
            one(w, labels, stats, (enum blk_op)op);
        }
    }
}

static void one_requests(struct json_writer *w, const char *labels, const struct blk_stats *stats,
                         enum blk_op op)
{
    metrics_line(w, "socle_vm_block_requests_total{%s} %llu", labels,
                 (unsigned long long)__atomic_load_n(&stats->requests[op], __ATOMIC_RELAXED));
}

void metrics_vm_block_requests(struct json_writer *w, const struct vmm_info *vm)
{
    vm_disks(w, vm, one_requests);
}

static void one_time(struct json_writer *w, const char *labels, const struct blk_stats *stats,
                     enum blk_op op)
{
    u64 ns = __atomic_load_n(&stats->ns[op], __ATOMIC_RELAXED);

    metrics_line(w, "socle_vm_block_request_seconds_total{%s} " SECONDS, labels, SECONDS_OF(ns));
}

void metrics_vm_block_time(struct json_writer *w, const struct vmm_info *vm)
{
    vm_disks(w, vm, one_time);
}

/* One number for each disk. */
static void vm_block(struct json_writer *w, const struct vmm_info *vm, const char *name,
                     size_t offset)
{
    const struct blk_stats *stats;

    for (u32 i = 0; (stats = vmm_disk_stats(vm->id, i)) != NULL; i++) {
        const u64 *value = (const u64 *)(const void *)((const char *)stats + offset);

        metrics_line(w, "socle_vm_block_%s_total{vm=\"%s\",device=\"%s\"} %llu", name, vm->cfg.name,
                     vm->cfg.disks[i].id,
                     (unsigned long long)__atomic_load_n(value, __ATOMIC_RELAXED));
    }
}

void metrics_vm_block_read(struct json_writer *w, const struct vmm_info *vm)
{
    vm_block(w, vm, "read_bytes", offsetof(struct blk_stats, bytes[BLK_READ]));
}

void metrics_vm_block_written(struct json_writer *w, const struct vmm_info *vm)
{
    vm_block(w, vm, "written_bytes", offsetof(struct blk_stats, bytes[BLK_WRITE]));
}

void metrics_vm_block_errors(struct json_writer *w, const struct vmm_info *vm)
{
    vm_block(w, vm, "errors", offsetof(struct blk_stats, errors));
}
