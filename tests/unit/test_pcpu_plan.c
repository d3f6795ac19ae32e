/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vmm/pcpu_plan.c core/vmm/vmm_error.c core/lib/printf.c core/lib/str.c */
/* Which pCPUs VMs get: pins, all, or some for themselves. */
#include "core/vmm/pcpu_plan.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/x86/percpu.h"
#include "tests/unit/harness.h"

#define ENTRIES 4u

static struct pcpu pcpus[4];
static bool is_reserved[4];
static struct vmm_entry entries[ENTRIES];
static u32 entries_used;
static struct vm some_vm;
static struct vmm_error err;

struct pcpu *pcpu_get(u32 id)
{
    return id < ARRAY_SIZE(pcpus) ? &pcpus[id] : NULL;
}

u32 pcpu_count(void)
{
    return ARRAY_SIZE(pcpus);
}

void task_reserve_pcpu(u32 pcpu, bool reserve)
{
    is_reserved[pcpu] = reserve;
}

/* Names are "a", "b" and so on, in the order of the array. */
struct vmm_entry *registry_after(const char *name)
{
    u32 next = name[0] == '\0' ? 0 : (u32)(name[0] - 'a') + 1;

    return next < entries_used ? &entries[next] : NULL;
}

static void begin(void)
{
    entries_used = 0;
    memset(entries, 0, sizeof(entries));
    memset(is_reserved, 0, sizeof(is_reserved));
    for (u32 i = 0; i < ARRAY_SIZE(pcpus); i++)
        pcpus[i] = (struct pcpu){.id = i, .is_online = true};
}

/* A bit for each pin. */
static struct vmm_entry *add(u32 cpu_count, u64 pins, bool is_realtime)
{
    struct vmm_entry *entry = &entries[entries_used];

    entry->cfg.name[0] = (char)('a' + entries_used++);
    entry->cfg.cpu_count = cpu_count;
    entry->cfg.pins.bits[0] = pins;
    entry->cfg.cpu_realtime = is_realtime;
    return entry;
}

static int start(struct vmm_entry *entry)
{
    int rc = pcpu_plan_make(entry, &err);

    if (rc == 0)
        entry->vm = &some_vm;
    return rc;
}

static void stop(struct vmm_entry *entry)
{
    entry->vm = NULL;
    pcpu_plan_release(entry);
}

TEST(without_pins_all)
{
    struct vmm_entry *entry;

    begin();
    entry = add(2, 0, false);
    CHECK_EQ(start(entry), 0);
    CHECK_EQ(entry->plan.bits[0], 0xf);
    CHECK_EQ(pcpu_plan_of(entry, 1).bits[0], 0xf);
    stop(entry);
    pcpus[2].is_online = false;
    CHECK_EQ(start(entry), 0);
    CHECK_EQ(entry->plan.bits[0], 0xb);
    stop(entry);
    pcpus[1].is_online = pcpus[3].is_online = false;
    CHECK_EQ(start(entry), 0);
    CHECK_EQ(entry->plan.bits[0], 1);
    stop(entry);
}

TEST(pins_are_kept_and_must_exist)
{
    struct vmm_entry *entry;

    begin();
    entry = add(1, 0x5, false);
    CHECK_EQ(pcpu_plan_check(&entry->cfg, &err), 0);
    CHECK_EQ(start(entry), 0);
    CHECK_EQ(entry->plan.bits[0], 0x5);
    stop(entry);
    entry->cfg.pins.bits[0] = 1ull << 4;
    CHECK_EQ(pcpu_plan_check(&entry->cfg, &err), -EINVAL);
    CHECK_STR(err.text, "This host has no CPU 4.");
}

TEST(a_real_time_vm_has_a_pcpu_for_each_vcpu)
{
    struct vmm_entry *rt;

    begin();
    rt = add(2, 0, true);
    CHECK_EQ(start(rt), 0);
    CHECK_EQ(rt->plan.bits[0], 0x6);
    CHECK_EQ(pcpu_plan_of(rt, 0).bits[0], 0x2);
    CHECK_EQ(pcpu_plan_of(rt, 1).bits[0], 0x4);
    CHECK(is_reserved[1] && is_reserved[2] && !is_reserved[3]);
    stop(rt);
    CHECK(!is_reserved[1] && !is_reserved[2]);
    rt->cfg.cpu_count = 3;
    CHECK_EQ(start(rt), 0); /* they are free again */
    stop(rt);
}

TEST(the_first_pcpu_keeps_house)
{
    struct vmm_entry *rt;

    begin();
    rt = add(4, 0, true);
    CHECK_EQ(start(rt), -ENOSPC);
    CHECK_STR(err.slug, "no_space");
    CHECK(!is_reserved[1] && !is_reserved[2] && !is_reserved[3]);
    rt->cfg.cpu_count = 1;
    rt->cfg.pins.bits[0] = 1;
    CHECK_EQ(start(rt), -ENOSPC);
}

/* A pinned one does not lose its last; one without pins has the first at least. */
TEST(running_vms_keep_one_of_theirs)
{
    struct vmm_entry *general, *pinned, *rt;

    begin();
    general = add(1, 0, false);
    pinned = add(1, 0x8, false);
    rt = add(2, 0, true);
    CHECK_EQ(start(general), 0);
    CHECK_EQ(start(pinned), 0);
    CHECK_EQ(start(rt), 0);
    CHECK_EQ(rt->plan.bits[0], 0x6);
    stop(rt);
    rt->cfg.cpu_count = 3;
    CHECK_EQ(start(rt), -ENOSPC);
    stop(pinned);
    CHECK_EQ(start(rt), 0);
    stop(general);

    CHECK_EQ(start(general), 0);
    CHECK_EQ(start(pinned), -ENOSPC);
    CHECK_STR(err.pointer, "/cpu/pins");
    stop(general);
    stop(rt);
    CHECK_EQ(start(pinned), 0);
    stop(pinned);
}
