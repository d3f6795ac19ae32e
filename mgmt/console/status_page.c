/* SPDX-License-Identifier: BSD-2-Clause */
/* Composes the status lines; consoles decide how they look. */
#include "mgmt/console/status_page.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/vmm/vmm.h"
#include "core/x86/percpu.h"
#include "mgmt/api/sampler.h"
#include "mgmt/auth/auth.h"
#include "mgmt/host_facts.h"
#include "mgmt/net/netif.h"
#include "mgmt/tls/tls.h"
#include "mm/pmm.h"

#define LIVELY_LINES 2u /* at the end: use of CPU and memory, keys */

#define LOW_MEMORY_PART 32u /* of all: less than that free is an alarm */
#define COLUMN_GUESTS   0u
#define COLUMN_HOST     1u

/* Where the API is, and by what a client knows that it talks to this host. */
static void compose_endpoint(char lines[][PAGE_COLUMNS], const struct host_config *cfg,
                             bool is_closed)
{
    const char *address = netif_address_text();
    char port[8] = "";

    if (cfg->port != (cfg->tls ? TLS_PORT : HTTP_PORT))
        ksnprintf(port, sizeof(port), ":%u", cfg->port);
    if (!address[0])
        (void)str_copy(lines[1], PAGE_COLUMNS, netif_problem());
    else if (is_closed)
        ksnprintf(lines[1], PAGE_COLUMNS,
                  "%s   closed: neither CPU nor firmware has random numbers for a key", address);
    else
        ksnprintf(lines[1], PAGE_COLUMNS, "%s   %s://%s%s/api/v1/", address,
                  cfg->tls ? "https" : "http", address, port);
    if (!cfg->tls)
        ksnprintf(lines[2], PAGE_COLUMNS, "TLS is off");
    else if (tls_fingerprint()[0])
        ksnprintf(lines[2], PAGE_COLUMNS, "certificate SHA-256 %s", tls_fingerprint());
}

/* How the first administrator comes in. */
static void compose_claim(char line[PAGE_COLUMNS])
{
    if (auth_is_claimed())
        (void)str_copy(line, PAGE_COLUMNS, "claimed");
    else if (auth_claim_code()[0])
        ksnprintf(line, PAGE_COLUMNS, "claim code: %s   (POST it to /api/v1/claim)",
                  auth_claim_code());
    else if (auth_is_claimable())
        (void)str_copy(line, PAGE_COLUMNS, "claim code: the one in socle.dtb");
    else if (!auth_is_settled())
        (void)str_copy(line, PAGE_COLUMNS, "looking for tokens in pools");
    else
        (void)str_copy(line, PAGE_COLUMNS,
                       "no claim code, for want of random numbers: put a token into socle.dtb");
}

/* A pool that should be there and is not; NULL: all is well. *info: it. */
static struct vmm_pool *lost_pool(struct pool_info *info)
{
    struct vmm_pool *pool = NULL;

    while ((pool = pools_next(pool)) != NULL) {
        pools_get_info(pool, info);
        if (info->state == POOL_FAILED)
            return pool;
    }
    return NULL;
}

/* What somebody should look after; the first thing of several. */
static void compose_alarm(char line[PAGE_COLUMNS], const struct pmm_stats *memory)
{
    const char *why = vmm_unavailable_reason();
    u32 crashed = vmm_count(VMM_CRASHED);
    struct pool_info pool;

    if (why)
        ksnprintf(line, PAGE_COLUMNS, "ALARM: %s", why);
    else if (lost_pool(&pool))
        ksnprintf(line, PAGE_COLUMNS, "ALARM: pool %s: %s", pool.name,
                  pool.reason ? pool.reason : "it has failed");
    else if (crashed)
        ksnprintf(line, PAGE_COLUMNS, "ALARM: %u VM%s crashed", crashed,
                  crashed > 1 ? "s have" : " has");
    else if (memory->free_bytes < memory->total_bytes / LOW_MEMORY_PART)
        (void)str_copy(line, PAGE_COLUMNS, "ALARM: the host's memory is nearly used up");
    else
        (void)str_copy(line, PAGE_COLUMNS, "no alarms");
}

/* Of the last second; columns as sampler_host_columns names them. */
static void compose_use(char line[PAGE_COLUMNS], const struct pmm_stats *memory)
{
    const struct history *history = sampler_host();
    u64 guests = 0, host = 0;

    if (history->end) {
        guests = history_mean(history, COLUMN_GUESTS, history->end - 1, 1);
        host = history_mean(history, COLUMN_HOST, history->end - 1, 1);
    }
    ksnprintf(line, PAGE_COLUMNS,
              "CPU: guests %llu.%02llu, host %llu.%02llu of %u   memory: %llu of %llu MiB free",
              (unsigned long long)(guests / 1000), (unsigned long long)(guests % 1000 / 10),
              (unsigned long long)(host / 1000), (unsigned long long)(host % 1000 / 10),
              pcpu_count(), (unsigned long long)(memory->free_bytes / MiB),
              (unsigned long long)(memory->total_bytes / MiB));
}

void status_page_write(struct page *page, const struct host_config *cfg, bool is_closed)
{
    char(*lines)[PAGE_COLUMNS] = page->lines;
    struct pmm_stats memory;

    pmm_get_stats(&memory);
    ksnprintf(lines[0], PAGE_COLUMNS, "Socle %s   %s", host_facts()->version, cfg->net.hostname);
    compose_endpoint(lines, cfg, is_closed);
    if (!is_closed)
        compose_claim(lines[3]);
    ksnprintf(lines[4], PAGE_COLUMNS, "VMs: %u running, %u off",
              vmm_count(VMM_RUNNING) + vmm_count(VMM_PAUSED),
              vmm_count(VMM_STOPPED) + vmm_count(VMM_CRASHED));
    compose_alarm(lines[5], &memory);
    compose_use(lines[6], &memory);
    (void)str_copy(lines[7], PAGE_COLUMNS,
                   cfg->has_keys ? "Keys: n network, l log, p power" : "Keys are off (socle.dtb)");
    page->count = 8;
    page->lively = LIVELY_LINES;
}
