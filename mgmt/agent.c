/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's task: frames in, timers, VMs' ends, replies that waited, the status page; then sleep.
 *
 * It never waits for anything but its own wake-up; whoever has news wakes it. Slow work (uploads,
 * followed logs) is a state in a connection, continued turn by turn.
 */
#include "mgmt/agent.h"

#include "lwip/timeouts.h"

#include "core/kern/boot_stages.h"
#include "core/kern/firmware.h"
#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools.h"
#include "core/vmm/vmm.h"
#include "core/x86/log.h"
#include "drivers/block/blk.h"
#include "mgmt/api/api_events.h"
#include "mgmt/api/api_image.h"
#include "mgmt/api/api_tasks.h"
#include "mgmt/auth/auth.h"
#include "mgmt/net/boot_networks.h"
#include "mgmt/tls/client_ca.h"
#include "mgmt/config/config_store.h"
#include "mgmt/config/host_config.h"
#include "mgmt/host_facts.h"
#include "mgmt/net/host_network.h"
#include "mgmt/host_power.h"
#include "mgmt/tls/host_tls.h"
#include "mgmt/api/image_pull.h"
#include "mgmt/nbd/nbd_pool.h"
#include "mgmt/nbd/nbd_remote.h"
#include "mgmt/net/netif.h"
#include "mgmt/net/outgoing.h"
#include "mgmt/api/sampler.h"
#include "mgmt/http/server.h"
#include "mgmt/console/host_console.h"
#include "mgmt/tls/tls.h"
#include "mgmt/tls/tls_store.h"
#include "mm/layout.h"

/* Log followers are served this often: a log record wakes nobody. */
#define STREAM_PERIOD_NS (100 * NS_PER_MS)
#define TURN_MAX_NS      (500 * NS_PER_MS)

#define CONFIG_MISTAKES_MAX 64u

/* Time for the answer to leave before the machine goes down. */
#define POWER_DELAY_NS (1 * NS_PER_S)

static struct {
    struct task task;
    struct host_config cfg;
    const void *dtb; /* NULL: none, or damaged */
    size_t dtb_bytes;
    bool started; /* (a) */
    bool has_address;
    bool is_closed; /* there is no endpoint, for want of entropy */
    bool is_certified;
    u32 certified; /* address and name in the certificate */
    char certified_name[HOSTNAME_MAX + 1];
    u64 ready_ns;
    enum agent_power power;
    u64 power_at_ns;
} agent;

const char *agent_hostname(void)
{
    return agent.cfg.net.hostname;
}

const void *agent_dtb(size_t *bytes)
{
    *bytes = agent.dtb ? agent.dtb_bytes : 0;
    return agent.dtb;
}

u64 agent_ready_ns(void)
{
    return agent.ready_ns;
}

void agent_wake(void)
{
    if (__atomic_load_n(&agent.started, __ATOMIC_ACQUIRE))
        task_wake(&agent.task);
}

static void on_frames(void *arg unused)
{
    agent_wake();
}

void agent_power_down(enum agent_power what)
{
    agent.power = what;
    agent.power_at_ns = time_ns() + POWER_DELAY_NS;
}

static void power_off_vms(void)
{
    char name[VM_NAME_MAX + 1] = "";
    static struct vmm_info info;
    struct vmm_error err;
    u32 id;

    while (vmm_next(name, &id) && vmm_get(id, &info) == 0) {
        memcpy(name, info.cfg.name, sizeof(name));
        if (info.state != VMM_STOPPED && info.state != VMM_CRASHED && vmm_poweroff(id, &err))
            log_warn("agent", "%s: %s", name, err.text);
    }
}

static void power_poll(void)
{
    if (agent.power == AGENT_POWER_ON || time_ns() < agent.power_at_ns)
        return;
    power_off_vms();
    log_info("agent", "%s by request", agent.power == AGENT_REBOOT ? "reboot" : "power-off");
    pools_flush();
    blk_shutdown();
    if (agent.power == AGENT_REBOOT)
        firmware_reset();
    firmware_poweroff();
}

/* A certificate for the address the host has now; without one it can be reached by IPv6. */
static void identify(void)
{
    const char *text = netif_address_text();
    u32 address = 0;

    if (!ipv4_parse(text, strlen(text), &address))
        address = 0;
    if (!agent.cfg.tls || agent.is_closed ||
        (agent.is_certified && address == agent.certified &&
         strcmp(agent.certified_name, agent.cfg.net.hostname) == 0))
        return;
    if (!agent.is_certified && !pools_are_settled())
        return; /* one of them may have the key */
    if (!agent.is_certified) {
        tls_store_find();
        host_tls_find();
        client_ca_find();
    }
    agent.is_certified = true;
    agent.certified = address;
    memcpy(agent.certified_name, agent.cfg.net.hostname, sizeof(agent.certified_name));
    server_end_handshakes();
    if (tls_identify(agent.cfg.net.hostname, address) != 0) {
        log_error("tls", "the certificate could not be made; clients cannot connect");
        return;
    }
    tls_store_poll();
    host_tls_tell();
}

/* The first address ends the boot. */
static void note_address(void)
{
    if (agent.has_address || !netif_address_text()[0])
        return;
    agent.has_address = true;
    boot_stage_mark("network_ready");
}

static void agent_main(void *arg unused)
{
    for (;;) {
        u64 sleep_ns = TURN_MAX_NS;
        enum server_next next;
        u64 sample_in_ns, console_in_ns;
        u32 timer_ms;

        netif_poll_port();
        sys_check_timeouts();
        vmm_poll();
        next = server_poll();
        if (next != SERVER_SLEEP)
            sleep_ns = next == SERVER_GO_ON ? 0 : STREAM_PERIOD_NS;
        nbd_remote_poll();
        if (outgoing_poll())
            sleep_ns = 0;
        note_address();
        host_network_poll();
        identify();
        if (agent.is_certified)
            tls_store_poll();
        host_tls_poll();
        client_ca_poll();
        auth_poll();
        config_store_poll();
        console_in_ns = host_console_poll(&agent.cfg, agent.is_closed);
        host_power_poll(time_ns());
        power_poll();
        api_tasks_poll(time_ns());
        api_image_uploads_poll(time_ns());
        if (image_pull_poll(time_ns()))
            sleep_ns = 0;
        sample_in_ns = sampler_poll(time_ns());
        sleep_ns = MIN(sleep_ns, MIN(sample_in_ns, console_in_ns));
        timer_ms = sys_timeouts_sleeptime();
        if (timer_ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE)
            sleep_ns = MIN(sleep_ns, timer_ms * NS_PER_MS);
        if (sleep_ns)
            (void)task_wait_until(time_ns() + sleep_ns);
        else
            task_yield();
    }
}

/* A tree with mistakes everywhere must not fill the log. */
static void on_config_mistake(void *cookie unused, const char *node, const char *name,
                              const char *what)
{
    static u32 told;

    if (told == CONFIG_MISTAKES_MAX)
        log_warn("config", "socle.dtb: there are more mistakes, which are not shown");
    if (told++ >= CONFIG_MISTAKES_MAX)
        return;
    log_warn("config", "socle.dtb: %s%s%s%s%s", node, node[0] && name ? "/" : "", name ? name : "",
             node[0] || name ? ": " : "", what);
}

static const struct dtb_report config_report = {on_config_mistake, NULL};

static void read_config(const struct boot_info *info)
{
    host_config_default(&agent.cfg);
    if (!info->dtb_base)
        return;
    agent.dtb = hpa_to_ptr(hpa(info->dtb_base));
    agent.dtb_bytes = info->dtb_bytes;
    if (host_config_read(&agent.cfg, agent.dtb, agent.dtb_bytes, &config_report)) {
        log_warn("config", "the host goes on with its defaults");
        agent.dtb = NULL;
    }
}

/*
 * Without entropy there is no key, and without a key nobody is let in: the host runs its VMs and
 * says so. Return: 0; -ENOMEM, -EIO.
 */
static int open_endpoint(const struct boot_info *info)
{
    int rc = server_init();

    if (rc == 0)
        rc = outgoing_init();
    if (rc == 0)
        rc = tls_init(info->seed, info->seed_bytes);
    if (rc == -ENODATA && !agent.cfg.tls)
        rc = 0; /* tokens come from socle.dtb then */
    if (rc == -ENODATA) {
        log_error("tls", "the management endpoint stays closed: neither the CPU nor the firmware "
                         "has random numbers for its key");
        agent.is_closed = true;
        return 0;
    }
    if (!agent.cfg.tls)
        log_warn("tls", "socle.dtb turns TLS off: anybody on the network can read what is sent");
    return rc ? rc : server_listen(agent.cfg.port, agent.cfg.tls);
}

int agent_start(const struct boot_info *info)
{
    int rc;

    host_facts_init(info);
    read_config(info);
    rc = vmm_init(agent_wake);
    if (rc)
        return rc;
    api_events_start();
    api_tasks_start();
    sampler_start();
    vmm_boot(info, &config_report);
    if (netif_start(&agent.cfg.net, on_frames))
        log_warn("net", "no supported network card: the API cannot be reached");
    host_network_init(&agent.cfg.net);
    rc = open_endpoint(info);
    if (rc)
        return rc;
    boot_networks(agent.dtb, agent.dtb_bytes, NULL, &config_report);
    nbd_pools_init();
    config_store_init(agent.dtb, agent.dtb_bytes);
    if (!agent.is_closed)
        auth_init(info->dtb_base ? hpa_to_ptr(hpa(info->dtb_base)) : NULL, info->dtb_bytes,
                  &config_report);
    agent.ready_ns = time_ns();
    boot_stage_mark("agent_ready");
    rc = task_start(&agent.task, "agent", TASK_AGENT, 0, agent_main, NULL);
    if (rc)
        return rc;
    __atomic_store_n(&agent.started, true, __ATOMIC_RELEASE);
    return 0;
}
