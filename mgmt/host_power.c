/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's end once its guests have switched themselves off. */
#include "mgmt/host_power.h"

#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "core/vmm/vmm.h"
#include "core/x86/log.h"

static struct {
    enum agent_power what; /* AGENT_POWER_ON: nothing is wanted */
    u64 end_ns;            /* of the guests' time */
} wanted;

u32 host_power_vms(void)
{
    return vmm_count(VMM_RUNNING) + vmm_count(VMM_PAUSED) + vmm_count(VMM_STARTING) +
           vmm_count(VMM_STOPPING);
}

static void ask(void)
{
    static struct vmm_info info; /* large; one thread */
    char name[VM_NAME_MAX + 1] = "";
    struct vmm_error err;
    u32 id;

    while (vmm_next(name, &id) && vmm_get(id, &info) == 0) {
        memcpy(name, info.cfg.name, sizeof(name));
        if (info.state == VMM_RUNNING && vmm_power_button(id, &err))
            log_warn("host", "%s: %s", name, err.text);
        else if (info.state == VMM_PAUSED)
            log_warn("host", "%s is paused and cannot switch itself off", name);
    }
}

void host_power_begin(enum agent_power what, u64 grace_ms)
{
    wanted.what = what;
    wanted.end_ns = time_ns() + grace_ms * NS_PER_MS;
    log_info("host", "%u VMs are asked to switch themselves off", host_power_vms());
    ask();
}

bool host_power_waits(void)
{
    return wanted.what != AGENT_POWER_ON;
}

void host_power_poll(u64 now_ns)
{
    u32 left = host_power_waits() ? host_power_vms() : 0;

    if (!host_power_waits() || (left > 0 && now_ns < wanted.end_ns))
        return;
    if (left > 0)
        log_warn("host", "%u VMs have not switched themselves off and are powered off", left);
    agent_power_down(wanted.what);
    wanted.what = AGENT_POWER_ON;
}
