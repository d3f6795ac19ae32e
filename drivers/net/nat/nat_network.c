/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NATs on net_task.
 *
 * A NAT needs no ring of its own: it takes frames as net_task is about to put them into the inbox
 * of the gateway's port or of the host's, and passes on what it makes of them at once. Management
 * changes a NAT through net_task_call only.
 */
#include "drivers/net/nat/nat_network.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/cpu_features.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/net/net_forward.h"
#include "drivers/net/net_internal.h"
#include "mm/kheap.h"

#define PORTS   ((NAT_PORT_HIGH - NAT_PORT_LOW + 1u) / NAT_NETWORKS_MAX)
#define TICK_NS NS_PER_S

struct nat_network {
    struct nat *nat;     /* (o) net_task */
    struct netport port; /* the gateway's */
    struct netport_filter inside, outside;
    struct netport *host; /* (o) the port the outside filter is on, NULL if none */
    u64 ticked_ns;        /* (o) */
    u32 slot;
};

static struct {
    struct nat_network *slots[NAT_NETWORKS_MAX];
    struct netport *host;
    struct nat_uplink uplink;
} nats;

/* What net_task is asked to do. */
struct call {
    struct nat_network *n;
    const u8 *mac;
    const char *vm;
    const struct nat_forward *forwards;
    u32 count;
    int rc;
};

static void to_inside(void *arg, struct pktbuf *pkt)
{
    struct nat_network *n = arg;

    net_forward_from(&n->port, pkt);
}

static void to_uplink(void *arg, struct pktbuf *pkt)
{
    struct nat_network *n = arg;

    if (n->host)
        net_forward_from(n->host, pkt);
    else
        pktbuf_free(pkt);
}

static const struct nat_ops ops = {.to_inside = to_inside, .to_uplink = to_uplink};

static u64 tick(struct nat_network *n)
{
    u64 now_ns = time_ns();

    if (now_ns - n->ticked_ns >= TICK_NS) {
        n->ticked_ns = now_ns;
        nat_tick(n->nat, now_ns);
    }
    return now_ns;
}

static void tick_now(void *arg)
{
    (void)tick(arg);
}

static bool take_inside(void *arg, struct pktbuf *pkt)
{
    struct nat_network *n = arg;

    nat_from_inside(n->nat, pkt, tick(n));
    return true;
}

static bool take_outside(void *arg, struct pktbuf *pkt)
{
    struct nat_network *n = arg;

    return nat_from_uplink(n->nat, pkt, tick(n));
}

static u64 random(void)
{
    u64 value = 0;

    if (!cpu_features.has_rdrand || !rdrand(&value))
        value = rdtsc() * 0x9e3779b97f4a7c15ull;
    return value;
}

static struct nat_config config_of(const struct network_config *network, u32 slot)
{
    const struct network_nat *inside = &network->nat;
    struct nat_config cfg = {
        .mac = {0x02, 0x53, 0x4f, 0x43, 0x4c, (u8)slot},
        .gateway = inside->subnet + 1,
        .prefix_bits = inside->prefix_bits,
        .range_first = inside->range_first,
        .range_last = inside->range_last,
        .mtu = (u16)network->mtu,
        .port_first = (u16)(NAT_PORT_LOW + slot * PORTS),
        .port_count = (u16)PORTS,
        .secret = {{random(), random()}},
    };

    (void)str_copy(cfg.network, sizeof(cfg.network), network->name);
    return cfg;
}

/* net_task. */
static void set_uplink(void *arg)
{
    struct nat_network *n = arg;

    if (n->host != nats.host) {
        if (n->host)
            netport_filter_remove(n->host, &n->outside);
        n->host = nats.host;
        if (n->host)
            netport_filter_add(n->host, &n->outside);
    }
    if (nat_uplink_set(n->nat, &nats.uplink))
        log_warn("net", "the host's network overlaps that of its guests: no way out for them");
}

static void attach_filters(void *arg)
{
    struct nat_network *n = arg;

    netport_filter_add(&n->port, &n->inside);
    set_uplink(n);
}

static void detach_filters(void *arg)
{
    struct nat_network *n = arg;

    netport_filter_remove(&n->port, &n->inside);
    if (n->host)
        netport_filter_remove(n->host, &n->outside);
    nat_fini(n->nat);
}

static void no_wake(void *arg unused)
{
}

static int start(struct nat_network *n, const struct network_config *network)
{
    struct nat_config cfg = config_of(network, n->slot);
    /* Its rings stay empty: the filter takes all, and what is sent needs none. */
    struct netport_config port = {.network = network->name,
                                  .nic = "gateway",
                                  .flags = NETPORT_HOST,
                                  .queue = NET_BATCH,
                                  .wake = no_wake};
    int rc = nat_init(n->nat, &cfg, &ops, n);

    if (rc == 0)
        rc = nat_forwards_set(n->nat, network->nat.forwards, network->nat.forward_count);
    if (rc)
        return rc;
    memcpy(port.mac, cfg.mac, sizeof(port.mac));
    n->inside = (struct netport_filter){.take = take_inside, .arg = n};
    n->outside = (struct netport_filter){.take = take_outside, .arg = n};
    rc = netport_attach(&n->port, &port);
    if (rc)
        return rc;
    net_task_call(attach_filters, n);
    return 0;
}

int nat_network_create(const struct network_config *network, struct nat_network **out)
{
    struct nat_network *n;
    u32 slot = 0;
    int rc;

    while (slot < NAT_NETWORKS_MAX && nats.slots[slot])
        slot++;
    if (slot == NAT_NETWORKS_MAX)
        return -ENOSPC;
    n = kzalloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->slot = slot;
    rc = -ENOMEM;
    n->nat = kzalloc(nat_bytes());
    if (n->nat)
        rc = start(n, network);
    if (rc) {
        kfree(n->nat);
        kfree(n);
        return rc;
    }
    nats.slots[slot] = n;
    *out = n;
    return 0;
}

void nat_network_destroy(struct nat_network *n)
{
    net_task_call(detach_filters, n);
    netport_detach(&n->port);
    nats.slots[n->slot] = NULL;
    kfree(n->nat);
    kfree(n);
}

static void add_nic(void *arg)
{
    struct call *call = arg;

    call->rc = nat_host_add(call->n->nat, call->mac, call->vm);
}

static void remove_nic(void *arg)
{
    struct call *call = arg;

    nat_host_remove(call->n->nat, call->mac);
}

static void set_forwards(void *arg)
{
    struct call *call = arg;

    call->rc = nat_forwards_set(call->n->nat, call->forwards, call->count);
}

void nat_network_nic_add(struct nat_network *n, const u8 mac[6], const char *vm)
{
    struct call call = {.n = n, .mac = mac, .vm = vm};

    net_task_call(add_nic, &call);
    if (call.rc)
        log_warn("net", "%s: too many cards on its network: it has no name there", vm);
}

void nat_network_nic_remove(struct nat_network *n, const u8 mac[6])
{
    struct call call = {.n = n, .mac = mac};

    net_task_call(remove_nic, &call);
}

int nat_network_forwards(struct nat_network *n, const struct nat_forward *forwards, u32 count)
{
    struct call call = {.n = n, .forwards = forwards, .count = count};

    net_task_call(set_forwards, &call);
    return call.rc;
}

bool nat_network_is_outside(u32 subnet, u32 netmask)
{
    const struct nat_uplink *uplink = &nats.uplink;

    return uplink->is_up && ((uplink->address ^ subnet) & uplink->netmask & netmask) == 0;
}

void nat_network_counters(const struct nat_network *n, struct nat_counters *out, u32 *connections)
{
    const u64 *from = (const u64 *)(const void *)nat_counters(n->nat);
    u64 *to = (u64 *)(void *)out;

    for (size_t i = 0; i < sizeof(*out) / sizeof(u64); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    *connections = nat_connection_count(n->nat);
}

void nat_network_uplink(struct netport *host, const struct nat_uplink *uplink)
{
    nats.host = host;
    nats.uplink = *uplink;
    for (u32 i = 0; i < NAT_NETWORKS_MAX; i++)
        if (nats.slots[i])
            net_task_call(set_uplink, nats.slots[i]);
}

void nat_network_tick(void)
{
    for (u32 i = 0; i < NAT_NETWORKS_MAX; i++)
        if (nats.slots[i])
            net_task_call(tick_now, nats.slots[i]);
}
