/* SPDX-License-Identifier: BSD-2-Clause */
/* Records boot milestones. */
#include "core/kern/boot_stages.h"

#include "boot/boot_info.h"
#include "core/lib/string.h"
#include "core/x86/tsc.h"

#define STAGES_MAX 16

static struct boot_stage stages[STAGES_MAX];
static size_t count;
static u64 origin_tsc;

static void add(const char *name, u64 tsc)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(stages[i].name, name) == 0)
            return;
    }
    if (count < STAGES_MAX)
        stages[count++] = (struct boot_stage){name, tsc_to_ns(tsc - origin_tsc)};
}

void boot_stages_init(const struct boot_info *info)
{
    origin_tsc = info->stamps.loader_entry;
    add("loader", info->stamps.loader_entry);
    add("kernel_loaded", info->stamps.kernel_loaded);
    add("firmware_left", info->stamps.firmware_left);
}

void boot_stage_mark(const char *name)
{
    add(name, rdtsc());
}

size_t boot_stages(const struct boot_stage **list)
{
    *list = stages;
    return count;
}
