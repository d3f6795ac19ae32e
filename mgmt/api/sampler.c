/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Samples for the plots.
 *
 * The agent does not always come in time: a sample is what was counted since the last one, divided
 * by that time, and stands for all seconds in between. Memory is what it is now.
 */
#include "mgmt/api/sampler.h"

#include "core/kern/cpu_times.h"
#include "core/kern/timer.h"
#include "core/lib/list.h"
#include "core/lib/string.h"
#include "core/vmm/vmm.h"
#include "drivers/block/blk.h"
#include "drivers/net/netdev.h"
#include "mm/kheap.h"
#include "mm/pmm.h"

#define BUCKETS  64u
#define MILLICPU 1000u

#define US_PER_S (NS_PER_S / NS_PER_US)

/* Column of what is taken as it is; the others are counters, some of them of nanoseconds. */
#define COLUMN_MEMORY 2u
#define VM_TIMES      (1u << 0 | 1u << 1)
#define HOST_TIMES    (1u << 0 | 1u << 1 | 1u << 7)

const char *const sampler_vm_columns[HISTORY_COLUMNS] = {
    "run_millicpu",
    "steal_millicpu",
    "memory_bytes",
    "disk_read_bytes_per_s",
    "disk_written_bytes_per_s",
    "net_received_bytes_per_s",
    "net_sent_bytes_per_s",
    "exits_per_s",
};
const char *const sampler_host_columns[HISTORY_COLUMNS] = {
    "guest_millicpu",           "host_millicpu",
    "memory_used_bytes",        "disk_read_bytes_per_s",
    "disk_written_bytes_per_s", "net_received_bytes_per_s",
    "net_sent_bytes_per_s",     "idle_millicpu",
};

/* One VM or the host. */
struct track {
    struct list link; /* of its bucket */
    u32 id;
    bool is_counting; /* counters holds those of the last sample */
    u64 counters[HISTORY_COLUMNS];
    struct history history;
};

static struct {
    struct list vms[BUCKETS];
    struct track host;
    struct history_chunk host_chunks[HISTORY_CHUNKS]; /* it always has all of them */
    struct history_chunk *host_free[HISTORY_CHUNKS];
    u32 host_free_count;
    u64 second;  /* the first one that has no sample yet */
    u64 last_ns; /* time of the last sample */
} sampler;

static const struct history_memory vm_memory = {.alloc = kzalloc, .free = kfree};

static void *host_alloc(size_t bytes)
{
    struct history_chunk *chunk =
        sampler.host_free_count ? sampler.host_free[--sampler.host_free_count] : NULL;

    if (chunk)
        memset(chunk, 0, bytes);
    return chunk;
}

static void host_free(void *p)
{
    if (p)
        sampler.host_free[sampler.host_free_count++] = p;
}

static const struct history_memory host_memory = {.alloc = host_alloc, .free = host_free};

static struct track *find(u32 id)
{
    list_for_each(pos, &sampler.vms[id % BUCKETS])
    {
        struct track *track = list_entry(pos, struct track, link);

        if (track->id == id)
            return track;
    }
    return NULL;
}

static struct track *find_or_make(u32 id)
{
    struct track *track = find(id);

    if (track)
        return track;
    track = kzalloc(sizeof(*track));
    if (!track)
        return NULL; /* no plots for this one */
    track->id = id;
    list_push_back(&sampler.vms[id % BUCKETS], &track->link);
    return track;
}

static void on_vm(enum vmm_change change, u32 id, const char *name unused,
                  enum vmm_state state unused)
{
    struct track *track = change == VMM_DELETED ? find(id) : NULL;

    if (!track)
        return;
    list_remove(&track->link);
    history_clear(&track->history, &vm_memory);
    kfree(track);
}

void sampler_start(void)
{
    static struct vmm_watcher watcher = {.changed = on_vm};

    for (u32 i = 0; i < BUCKETS; i++)
        list_init(&sampler.vms[i]);
    for (u32 i = 0; i < HISTORY_CHUNKS; i++)
        host_free(&sampler.host_chunks[i]);
    sampler.last_ns = time_ns();
    sampler.second = sampler.last_ns / NS_PER_S;
    vmm_watch(&watcher);
}

/* Return: false if it does not run. */
static bool count_vm(u32 id, u64 now[HISTORY_COLUMNS])
{
    struct vmm_usage usage;

    if (!vmm_usage(id, &usage))
        return false;
    now[0] = usage.run_ns;
    now[1] = usage.steal_ns;
    now[COLUMN_MEMORY] = usage.resident_bytes;
    now[3] = usage.disk_read_bytes;
    now[4] = usage.disk_written_bytes;
    now[5] = usage.net_received_bytes;
    now[6] = usage.net_sent_bytes;
    now[7] = usage.exits;
    return true;
}

static void count_host(u64 now[HISTORY_COLUMNS])
{
    struct cpu_times times;
    struct pmm_stats memory;

    memset(now, 0, HISTORY_COLUMNS * sizeof(now[0]));
    for (u32 i = 0; cpu_times_get(i, &times); i++) {
        now[0] += times.guest_ns;
        now[1] += times.host_ns;
        now[7] += times.idle_ns;
    }
    pmm_get_stats(&memory);
    now[COLUMN_MEMORY] = memory.total_bytes - memory.free_bytes;
    for (const struct blkdev *dev = blk_next(NULL); dev; dev = blk_next(dev)) {
        now[3] += __atomic_load_n(&dev->stats.bytes[BLK_READ], __ATOMIC_RELAXED);
        now[4] += __atomic_load_n(&dev->stats.bytes[BLK_WRITE], __ATOMIC_RELAXED);
    }
    for (const struct netdev *dev = netdev_next(NULL); dev; dev = netdev_next(dev)) {
        now[5] += __atomic_load_n(&dev->counters.rx_bytes, __ATOMIC_RELAXED);
        now[6] += __atomic_load_n(&dev->counters.tx_bytes, __ATOMIC_RELAXED);
    }
}

/* Nanoseconds of CPU time, or things counted, to what it is in a second. */
static u64 rate(u64 delta, u64 elapsed_ns, bool is_time)
{
    u64 elapsed_us = elapsed_ns / NS_PER_US + 1;

    if (is_time)
        return delta / NS_PER_US * MILLICPU / elapsed_us;
    return delta < UINT64_MAX / US_PER_S ? delta * US_PER_S / elapsed_us : 0;
}

/* times: bits of the columns that count nanoseconds. */
static void add_sample(struct track *track, const struct history_memory *memory,
                       const u64 now[HISTORY_COLUMNS], u32 times, u64 elapsed_ns, u64 seconds)
{
    u64 values[HISTORY_COLUMNS];

    for (u32 i = 0; i < HISTORY_COLUMNS; i++) {
        u64 before = track->is_counting ? track->counters[i] : now[i];

        before = now[i] < before ? 0 : before; /* it was started again: counters begin anew */
        values[i] =
            i == COLUMN_MEMORY ? now[i] : rate(now[i] - before, elapsed_ns, (times & 1u << i) != 0);
        track->counters[i] = now[i];
    }
    track->is_counting = true;
    history_add(&track->history, memory, sampler.second, seconds, values);
}

static void sample_vm(u32 id, u64 elapsed_ns, u64 seconds)
{
    u64 now[HISTORY_COLUMNS];
    bool runs = count_vm(id, now);
    struct track *track = runs ? find_or_make(id) : find(id);

    if (!track)
        return;
    if (runs)
        add_sample(track, &vm_memory, now, VM_TIMES, elapsed_ns, seconds);
    else
        history_add(&track->history, &vm_memory, sampler.second, seconds, NULL);
    track->is_counting = runs;
}

u64 sampler_poll(u64 now_ns)
{
    u64 end = now_ns / NS_PER_S;
    u64 now[HISTORY_COLUMNS];
    u32 id;

    if (end > sampler.second) {
        u64 elapsed_ns = now_ns - sampler.last_ns;
        u64 seconds = end - sampler.second;

        count_host(now);
        add_sample(&sampler.host, &host_memory, now, HOST_TIMES, elapsed_ns, seconds);
        for (u32 i = 0; vmm_at(i, &id); i++)
            sample_vm(id, elapsed_ns, seconds);
        sampler.second = end;
        sampler.last_ns = now_ns;
    }
    return (end + 1) * NS_PER_S - now_ns;
}

const struct history *sampler_vm(u32 id)
{
    const struct track *track = find(id);

    return track ? &track->history : NULL;
}

const struct history *sampler_host(void)
{
    return &sampler.host.history;
}
