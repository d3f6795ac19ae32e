/* SPDX-License-Identifier: BSD-2-Clause */
/* Composes the status lines; consoles decide how they look. */
#include "mgmt/status_page.h"

#include "core/kern/status.h"
#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/vmm.h"
#include "mgmt/host_facts.h"
#include "mgmt/netif.h"
#include "mm/pmm.h"

#define PAGE_LINES     4u
#define PAGE_COLUMNS   100u
#define PAGE_PERIOD_NS (500 * NS_PER_MS)

static void compose(char lines[PAGE_LINES][PAGE_COLUMNS], const struct host_config *cfg)
{
    const char *address = netif_address_text();
    const char *why = vmm_unavailable_reason();
    struct pmm_stats memory;
    u32 running = vmm_count(VMM_RUNNING) + vmm_count(VMM_PAUSED);
    u32 others = vmm_count(VMM_STOPPED) + vmm_count(VMM_CRASHED);

    pmm_get_stats(&memory);
    ksnprintf(lines[0], PAGE_COLUMNS, "Socle %s   %s", host_facts()->version, cfg->hostname);
    if (!address[0])
        ksnprintf(lines[1], PAGE_COLUMNS, "no network address yet");
    else if (cfg->http_port == HTTP_PORT)
        ksnprintf(lines[1], PAGE_COLUMNS, "%s   http://%s/api/v1/", address, address);
    else
        ksnprintf(lines[1], PAGE_COLUMNS, "%s   http://%s:%u/api/v1/", address, address,
                  cfg->http_port);
    ksnprintf(lines[2], PAGE_COLUMNS, "VMs: %u running, %u off%s%s", running, others,
              why ? "   " : "", why ? why : "");
    ksnprintf(lines[3], PAGE_COLUMNS, "memory: %llu of %llu MiB free",
              (unsigned long long)(memory.free_bytes / MiB),
              (unsigned long long)(memory.total_bytes / MiB));
}

void status_page_update(const struct host_config *cfg)
{
    static char shown[PAGE_LINES][PAGE_COLUMNS];
    static u64 next_ns;
    char lines[PAGE_LINES][PAGE_COLUMNS];
    const char *pointers[PAGE_LINES];

    if (time_ns() < next_ns)
        return;
    next_ns = time_ns() + PAGE_PERIOD_NS;
    memset(lines, 0, sizeof(lines));
    compose(lines, cfg);
    if (memcmp(lines, shown, sizeof(lines)) == 0)
        return;
    memcpy(shown, lines, sizeof(lines));
    for (u32 i = 0; i < PAGE_LINES; i++)
        pointers[i] = shown[i];
    status_show(pointers, PAGE_LINES);
}
