/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks: made, found and deleted by management. */
#include "drivers/net/network.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/nat/nat_network.h"
#include "drivers/net/net_internal.h"
#include "drivers/net/pktbuf_pool.h"
#include "mm/kheap.h"

#define VLAN_MAX           4094u
#define UPLINK_BIG_BUFFERS 288u /* a transmit ring, and some */

/* Management task; net_task knows those with an uplink through net_task_add_bridge. */
static struct {
    struct network *first;
    u32 count;
} networks;

static void add_bridge(void *arg)
{
    net_task_add_bridge(arg);
}

static void remove_bridge(void *arg)
{
    net_task_remove_bridge(arg);
}

static struct network **place_of(const char *name)
{
    struct network **link = &networks.first;

    while (*link && strcmp((*link)->cfg.name, name) < 0)
        link = &(*link)->next;
    return link;
}

struct network *network_find(const char *name)
{
    struct network *network;

    if (!name) {
        if (network_make_builtin())
            return NULL;
        name = UPLINK_NETWORK;
    }
    network = *place_of(name);
    return network && strcmp(network->cfg.name, name) == 0 ? network : NULL;
}

struct network *network_first(void)
{
    return networks.first;
}

/* A VLAN of a NIC belongs to one network: frames that come in have one place to go to. */
static bool vlan_is_taken(const struct netdev *dev, const struct network_config *cfg)
{
    for (const struct network *n = networks.first; n; n = n->next) {
        if (n->dev == dev && n->cfg.vlan == cfg->vlan && strcmp(n->cfg.name, cfg->name) != 0)
            return true;
    }
    return false;
}

/* Return: 0 and *dev (NULL: none wanted), -EINVAL, -ENODEV, -EBUSY, -E2BIG. */
static int check(const struct network_config *cfg, struct netdev **dev)
{
    *dev = NULL;
    if (cfg->kind == NETWORK_BRIDGE) {
        *dev = net_task_nic(cfg->uplink);
        if (!*dev)
            return -ENODEV;
        if (vlan_is_taken(*dev, cfg))
            return -EBUSY;
    }
    if (cfg->vlan > VLAN_MAX ||
        (cfg->mtu != 0 && (cfg->mtu < NETWORK_MTU_MIN || cfg->mtu > NETWORK_MTU_MAX)))
        return -EINVAL;
    return *dev && cfg->mtu > (*dev)->mtu_max ? -E2BIG : 0;
}

/* Long frames fill the NIC's transmit ring, and come in on their way to the ports. */
static struct pktbuf_need uplink_need(const struct netdev *dev, u32 mtu)
{
    return (struct pktbuf_need){.big = dev && mtu > ETHERNET_MTU ? UPLINK_BIG_BUFFERS : 0};
}

static u32 mtu_of(const struct network_config *cfg, const struct netdev *dev)
{
    return cfg->mtu ? cfg->mtu : dev ? MIN(dev->mtu_max, ETHERNET_MTU) : ETHERNET_MTU;
}

static int make(const struct network_config *cfg, struct netdev *dev, struct network **out)
{
    struct network *network;

    network = kzalloc(sizeof(*network));
    if (!network)
        return -ENOMEM;
    network->cfg = *cfg;
    network->dev = dev;
    network->sw.has_tags = dev == NULL;
    if (dev)
        (void)str_copy(network->cfg.uplink, sizeof(network->cfg.uplink), dev->bdf);
    network->mtu = mtu_of(cfg, dev);
    network->cfg.mtu = network->mtu;
    if (pktbuf_pool_reserve(uplink_need(dev, network->mtu))) {
        kfree(network);
        return -ENOMEM;
    }
    networks.count++;
    if (dev)
        net_task_call(add_bridge, network);
    *out = network;
    return 0;
}

static void destroy(struct network *network)
{
    net_capture_end_all(network);
    if (network->nat)
        nat_network_destroy(network->nat);
    if (network->dev)
        net_task_call(remove_bridge, network);
    pktbuf_pool_unreserve(uplink_need(network->dev, network->mtu));
    networks.count--;
    kfree(network);
}

int network_make_builtin(void)
{
    static const struct network_config cfg = {.name = UPLINK_NETWORK, .kind = NETWORK_BRIDGE};
    struct network *network = *place_of(UPLINK_NETWORK);
    bool is_new;
    int rc;

    if (network && network->is_builtin)
        return 0;
    rc = network_put(&cfg, &is_new);
    if (rc == 0)
        network_keep(UPLINK_NETWORK);
    return rc;
}

static bool is_in_use(const struct network *network)
{
    return network->port_count > 0 || network->is_hosts;
}

/* It is the built-in uplink as it stands, with an MTU: the host's own port does not mind another.
 */
static bool is_uplink_again(const struct network *old, const struct network_config *cfg)
{
    return old->is_builtin && old->dev && cfg->kind == NETWORK_BRIDGE && cfg->mtu != 0 &&
           cfg->vlan == old->cfg.vlan &&
           (cfg->uplink[0] == '\0' || strcmp(cfg->uplink, old->cfg.uplink) == 0);
}

static void set_mtu(void *arg)
{
    const struct network *network = arg;

    net_task_set_mtu(arg, network->cfg.mtu);
}

/* VMs' cards have told theirs to their guests. */
static int change_mtu(struct network *network, u32 mtu)
{
    struct pktbuf_need had = uplink_need(network->dev, network->mtu);

    if (mtu == network->mtu)
        return 0;
    if (network->port_count > 0)
        return -EBUSY;
    if (pktbuf_pool_reserve(uplink_need(network->dev, mtu)))
        return -ENOMEM;
    network->cfg.mtu = mtu;
    net_task_call(set_mtu, network);
    pktbuf_pool_unreserve(had);
    return 0;
}

/* They are the same but for their forwards. */
static bool differ_in_forwards_only(const struct network *old, const struct network_config *cfg)
{
    const struct network_config *had = &old->cfg;

    return old->nat && cfg->kind == NETWORK_NAT && (cfg->mtu == 0 || cfg->mtu == had->mtu) &&
           cfg->nat.subnet == had->nat.subnet && cfg->nat.prefix_bits == had->nat.prefix_bits &&
           cfg->nat.range_first == had->nat.range_first &&
           cfg->nat.range_last == had->nat.range_last;
}

static int change_forwards(struct network *network, const struct network_config *cfg)
{
    int rc = nat_network_forwards(network->nat, cfg->nat.forwards, cfg->nat.forward_count);

    if (rc == 0)
        network->cfg.nat = cfg->nat;
    return rc;
}

/* The new one stands in the old one's place while its gateway comes; both are whole networks. */
static int replace(struct network **link, struct network *old, const struct network_config *cfg,
                   struct netdev *dev)
{
    struct network *next = old ? old->next : *link;
    struct network *network;
    int rc = !old && networks.count == NETWORKS_MAX ? -ENOSPC : make(cfg, dev, &network);

    if (rc)
        return rc;
    network->is_builtin = old && old->is_builtin;
    network->next = next;
    *link = network;
    if (cfg->kind == NETWORK_NAT)
        rc = nat_network_create(&network->cfg, &network->nat);
    if (rc) {
        *link = old ? old : next;
        destroy(network);
    } else if (old) {
        destroy(old);
    }
    return rc;
}

/* What is there in the place of a network that is wanted, and how it would become that. */
struct change {
    struct network **link;
    struct network *old; /* NULL: it is new */
    struct netdev *dev;
    bool is_mtu_only; /* of the built-in uplink */
    bool is_forwards_only;
};

/* Return: as network_put; *cfg then has what was left to the host. */
static int settle(struct network_config *cfg, struct change *change)
{
    struct network **link = place_of(cfg->name);
    struct network *old = *link && strcmp((*link)->cfg.name, cfg->name) == 0 ? *link : NULL;
    bool is_uplink = old && is_uplink_again(old, cfg);
    int rc;

    *change = (struct change){.link = link, .old = old, .is_mtu_only = is_uplink};
    if (old && old->is_builtin && !is_uplink && (!old->nat || cfg->kind != NETWORK_NAT))
        return -EBUSY;
    rc = check(cfg, &change->dev);
    if (rc == 0 && cfg->kind == NETWORK_NAT)
        rc = network_nat_settle(cfg, old);
    if (rc || is_uplink)
        return rc;
    change->is_forwards_only = old && differ_in_forwards_only(old, cfg);
    return old && !change->is_forwards_only && is_in_use(old) ? -EBUSY : 0;
}

int network_check(struct network_config *cfg)
{
    struct change change;
    int rc = settle(cfg, &change);

    if (rc)
        return rc;
    if (change.is_mtu_only && cfg->mtu != change.old->mtu && change.old->port_count > 0)
        return -EBUSY;
    if (!change.old && networks.count == NETWORKS_MAX)
        return -ENOSPC;
    if (change.dev)
        (void)str_copy(cfg->uplink, sizeof(cfg->uplink), change.dev->bdf);
    cfg->mtu = mtu_of(cfg, change.dev);
    return 0;
}

int network_put(const struct network_config *wanted, bool *is_new)
{
    static struct network_config cfg; /* large; one thread makes networks */
    struct change change;
    int rc;

    cfg = *wanted;
    rc = settle(&cfg, &change);
    *is_new = change.old == NULL;
    if (rc)
        return rc;
    if (change.is_mtu_only)
        return change_mtu(change.old, cfg.mtu);
    if (change.is_forwards_only)
        return change_forwards(change.old, &cfg);
    return replace(change.link, change.old, &cfg, change.dev);
}

void network_keep(const char *name)
{
    struct network *network = network_find(name);

    if (network)
        network->is_builtin = true;
}

static void forget(struct network *network)
{
    *place_of(network->cfg.name) = network->next;
    destroy(network);
}

int network_delete(const char *name)
{
    struct network *network = network_find(name);

    if (!network)
        return -ENOENT;
    if (network->is_builtin || is_in_use(network))
        return -EBUSY;
    forget(network);
    return 0;
}

static struct network *find_bridge(const struct netdev *dev, u16 vlan)
{
    struct network *network = networks.first;

    while (network && !(network->dev == dev && network->cfg.vlan == vlan))
        network = network->next;
    return network;
}

/* Under the first name that is free. */
static int make_for_host(const struct netdev *dev, u16 vlan, struct network **out)
{
    static struct network_config cfg; /* large; one thread makes networks */
    bool is_new;
    int rc;

    cfg = (struct network_config){.name = HOST_NETWORK, .kind = NETWORK_BRIDGE, .vlan = vlan};
    for (u32 i = 2; network_find(cfg.name) && i <= NETWORKS_MAX; i++)
        ksnprintf(cfg.name, sizeof(cfg.name), HOST_NETWORK "-%u", i);
    (void)str_copy(cfg.uplink, sizeof(cfg.uplink), dev->bdf);
    rc = network_put(&cfg, &is_new);
    if (rc)
        return rc;
    *out = network_find(cfg.name);
    (*out)->was_made_for_host = true;
    return 0;
}

int network_host_join(const char *nic, u16 vlan, char *name)
{
    const struct netdev *dev;
    struct network *network;
    int rc = network_make_builtin();

    if (rc)
        return rc;
    dev = net_task_nic(nic);
    if (!dev)
        return -ENODEV;
    network = find_bridge(dev, vlan);
    if (!network)
        rc = make_for_host(dev, vlan, &network);
    if (rc)
        return rc;
    network->is_hosts = true;
    (void)str_copy(name, NETWORK_NAME_MAX + 1, network->cfg.name);
    return 0;
}

void network_host_leave(const char *name)
{
    struct network *network = network_find(name);

    if (!network)
        return;
    network->is_hosts = false;
    if (network->was_made_for_host && network->port_count == 0)
        forget(network);
}

static void describe(const struct network *network, struct network_info *out)
{
    out->cfg = network->cfg;
    out->ports = network->port_count;
    out->is_builtin = network->is_builtin;
    out->was_made_for_host = network->was_made_for_host;
}

int network_get(const char *name, struct network_info *out)
{
    const struct network *network = network_find(name);

    if (!network)
        return -ENOENT;
    describe(network, out);
    return 0;
}

bool network_next(const char *after, struct network_info *out)
{
    const struct network *network = *place_of(after);

    if (network && strcmp(network->cfg.name, after) == 0)
        network = network->next;
    if (!network)
        return false;
    describe(network, out);
    return true;
}

bool network_nat_counters(const char *name, struct nat_counters *out, u32 *connections)
{
    const struct network *network = network_find(name);

    if (!network || !network->nat)
        return false;
    nat_network_counters(network->nat, out, connections);
    return true;
}

const struct netport *network_port_find(const char *name, const char *vm, const char *nic)
{
    const struct network *network = network_find(name);

    for (u32 i = 0; network && i < NETPORTS_MAX; i++) {
        const struct netport *port = net_task_port(i);

        if (port && port->network == network && strcmp(port->cfg.vm, vm) == 0 &&
            strcmp(port->cfg.nic, nic) == 0)
            return port;
    }
    return NULL;
}

const struct netport *network_port_next(const char *name, u32 index)
{
    for (; index < NETPORTS_MAX; index++) {
        const struct netport *port = net_task_port(index);

        if (port && strcmp(port->network->cfg.name, name) == 0)
            return port;
    }
    return NULL;
}
