/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's interface on a netport: its settings, its addresses, and where it is attached. */
#include "mgmt/net/netif.h"

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/netif.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/net/nat/nat_network.h"
#include "drivers/net/netport.h"
#include "drivers/net/network.h"
#include "mgmt/net/netif_frames.h"
#include "mgmt/net/netif_uplink.h"

/* Frames handed to lwIP before the agent looks at other work. */
#define RX_BATCH 256u

/* DHCP asks again after 2, 4, 8 … seconds: by then it has had three chances. */
#define DHCP_SLOW_NS     (10 * NS_PER_S)
#define DHCP_PATIENCE_NS (12 * NS_PER_S)

/* Guests' gateways do what is due by time at least so often. */
#define NAT_TICK_NS (60 * NS_PER_S)

_Static_assert(HOST_DNS_MAX == DNS_MAX_SERVERS && HOST_DNS_MAX <= NAT_DNS_MAX,
               "settings, lwIP and guests know as many name servers");
_Static_assert(NETIF_IPV6_MAX >= LWIP_IPV6_NUM_ADDRESSES, "all are shown");

static struct {
    struct netif lwip;
    struct netport port;
    void (*wake)(void *arg);
    struct host_network settings;
    char network[NETWORK_NAME_MAX + 1]; /* that the port is on */
    char nic[16];                       /* its uplink, as an address on the PCI bus */
    u32 told_dns[HOST_DNS_MAX];
    struct nat_uplink_v6 told_v6;
    u64 nat_ticked_ns;
    bool attached;
    bool link_up;
    bool fell_back;
    u64 dhcp_began_ns;
    char address[ADDRESS_TEXT_MAX + 1];
} net;

static err_t link_output(struct netif *netif unused, struct pbuf *p)
{
    return net.attached ? netif_frame_send(&net.port, p) : ERR_IF;
}

/* What the interface has of its port. What the host says, and what leaves through NAT, goes far: a
 * large MTU is for the VMs of the port's network. */
static void adopt_port(struct netif *netif)
{
    netif->mtu = (u16_t)MIN(net.port.mtu, ETHERNET_MTU);
    netif->mtu6 = netif->mtu; /* until a router says less */
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, net.port.cfg.mac, ETH_HWADDR_LEN);
}

static err_t init_interface(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    adopt_port(netif);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = link_output;
    return ERR_OK;
}

static u32 number_of(const ip4_addr_t *ip)
{
    return lwip_ntohl(ip4_addr_get_u32(ip));
}

/* Guests on networks of kind nat share the addresses. */
static void tell_nat(void)
{
    struct nat_uplink uplink = {
        .is_up = !ip4_addr_isany(netif_ip4_addr(&net.lwip)),
        .mtu = net.lwip.mtu,
        .address = number_of(netif_ip4_addr(&net.lwip)),
        .netmask = number_of(netif_ip4_netmask(&net.lwip)),
        .gateway = number_of(netif_ip4_gw(&net.lwip)),
        .v6 = net.told_v6,
    };

    memcpy(uplink.mac, net.lwip.hwaddr, sizeof(uplink.mac));
    for (u32 i = 0, count = 0; i < HOST_DNS_MAX; i++) {
        if (net.told_dns[i] != 0)
            uplink.dns[count++] = __builtin_bswap32(net.told_dns[i]);
    }
    nat_network_uplink(net.attached ? &net.port : NULL, &uplink);
}

static u32 dns_server(u32 index)
{
    const ip_addr_t *server = dns_getserver((u8_t)index);

    return IP_IS_V4(server) ? ip4_addr_get_u32(ip_2_ip4(server)) : 0;
}

static void set_dns_server(u32 index, u32 address)
{
    ip_addr_t server = IPADDR4_INIT(address);

    dns_setserver((u8_t)index, &server);
}

/* Those of the settings go before; DHCP sets its own at each renewal. Return: whether they are
 * others than the guests' forwarder was told. */
static bool follow_dns(void)
{
    bool is_new = false;

    for (u32 i = 0; i < HOST_DNS_MAX; i++) {
        if (net.settings.dns[0] != 0 && dns_server(i) != net.settings.dns[i])
            set_dns_server(i, net.settings.dns[i]);
        is_new |= dns_server(i) != net.told_dns[i];
        net.told_dns[i] = dns_server(i);
    }
    return is_new;
}

/* Without it there is no NAT, but the host is reached all the same. */
static void make_default_network(void)
{
    static const struct network_config cfg = {.name = DEFAULT_NETWORK, .kind = NETWORK_NAT};
    bool is_new;

    if (network_put(&cfg, &is_new))
        log_warn("net", "no memory for the network of the guests");
    else
        network_keep(DEFAULT_NETWORK);
}

/* An address came, went or changed. */
static void on_status(struct netif *netif)
{
    const ip4_addr_t *ip = netif_ip4_addr(netif);
    char text[ADDRESS_TEXT_MAX + 1] = "";

    (void)follow_dns();
    (void)netif_uplink_follow_v6(netif, &net.told_v6);
    tell_nat();
    if (!ip4_addr_isany(ip))
        ip4addr_ntoa_r(ip, text, sizeof(text));
    if (strcmp(text, net.address) == 0)
        return;
    (void)str_copy(net.address, sizeof(net.address), text);
    if (text[0])
        log_info("net", "address %s, gateway %u.%u.%u.%u%s", text, ip4_addr1(netif_ip4_gw(netif)),
                 ip4_addr2(netif_ip4_gw(netif)), ip4_addr3(netif_ip4_gw(netif)),
                 ip4_addr4(netif_ip4_gw(netif)),
                 dhcp_supplied_address(netif) ? " (DHCP)" : " (static)");
}

static void use_static_address(void)
{
    ip4_addr_t ip = {net.settings.address};
    ip4_addr_t mask = {net.settings.netmask};
    ip4_addr_t gateway = {net.settings.gateway};

    netif_set_addr(&net.lwip, &ip, &mask, &gateway);
}

/* Puts the port where the settings say. Return: 0; -ENODEV, -ENOSPC, -ENOMEM, -EEXIST, -EINVAL. */
static int attach(const struct host_network *settings)
{
    static struct network_info info; /* large; one thread */
    struct netport_config port = {.flags = NETPORT_HOST, .wake = net.wake};
    int rc = network_host_join(settings->nic, settings->vlan, net.network);

    if (rc)
        return rc;
    port.network = net.network;
    rc = netport_attach(&net.port, &port);
    if (rc) {
        network_host_leave(net.network);
        return rc;
    }
    if (network_get(net.network, &info) == 0)
        (void)str_copy(net.nic, sizeof(net.nic), info.cfg.uplink);
    net.attached = true;
    return 0;
}

static void detach(void)
{
    net.attached = false;
    tell_nat(); /* its filters leave the port first */
    netport_detach(&net.port);
    network_host_leave(net.network);
}

/* A card that is gone must not lock everybody out. */
static int attach_at_boot(struct host_network *settings)
{
    int rc = attach(settings);

    if (rc != -ENODEV || settings->nic[0] == '\0')
        return rc;
    log_warn("net", "socle.dtb: network/nic: there is no card at %s, the first one serves",
             settings->nic);
    settings->nic[0] = '\0';
    return attach(settings);
}

int netif_start(struct host_network *settings, void (*wake)(void *arg))
{
    int rc;

    net.wake = wake;
    netif_frames_init();
    lwip_init();
    rc = attach_at_boot(settings);
    net.settings = *settings;
    if (rc)
        return rc;
    if (!netif_add_noaddr(&net.lwip, NULL, init_interface, netif_input))
        return -ENODEV;
    netif_set_default(&net.lwip);
    netif_set_hostname(&net.lwip, net.settings.hostname);
    netif_set_status_callback(&net.lwip, on_status);
    netif_create_ip6_linklocal_address(&net.lwip, 1);
    netif_set_ip6_autoconfig_enabled(&net.lwip, 1);
    make_default_network();
    netif_set_up(&net.lwip);
    if (!net.settings.dhcp && net.settings.address)
        use_static_address();
    return 0;
}

static void start_dhcp(void)
{
    net.dhcp_began_ns = time_ns();
    net.fell_back = false;
    if (dhcp_start(&net.lwip) != ERR_OK)
        log_warn("net", "DHCP could not be started");
}

static void drop_dns_servers(void)
{
    for (u32 i = 0; i < HOST_DNS_MAX; i++)
        set_dns_server(i, 0);
}

static void drop_addresses(void)
{
    dhcp_release_and_stop(&net.lwip);
    netif_set_addr(&net.lwip, NULL, NULL, NULL);
    drop_dns_servers();
}

/* To another NIC or VLAN; back if that fails. It may have come to neither the last time. Return: as
 * attach. */
static int move(const struct host_network *settings)
{
    int rc;

    netif_set_link_down(&net.lwip);
    netif_set_down(&net.lwip);
    for (u32 i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        netif_ip6_addr_set_state(&net.lwip, (s8_t)i, IP6_ADDR_INVALID);
    if (net.attached)
        detach();
    rc = attach(settings);
    if (rc && attach(&net.settings))
        log_error("net", "the host's port is on no network: the API cannot be reached");
    if (net.attached)
        adopt_port(&net.lwip);
    net.link_up = false; /* follow_link goes on from here */
    netif_create_ip6_linklocal_address(&net.lwip, 1);
    netif_set_up(&net.lwip);
    return rc;
}

static bool has_same_place(const struct host_network *a, const struct host_network *b)
{
    return a->vlan == b->vlan && strcmp(a->nic, b->nic) == 0;
}

static bool has_same_address(const struct host_network *a, const struct host_network *b)
{
    /* Name servers of DHCP that were replaced come back with a new lease only. */
    bool needs_lease = b->dhcp && a->dns[0] != 0 && b->dns[0] == 0;

    return a->dhcp == b->dhcp && a->address == b->address && a->netmask == b->netmask &&
           a->gateway == b->gateway && !needs_lease;
}

int netif_apply(const struct host_network *settings)
{
    bool moves = !net.attached || !has_same_place(&net.settings, settings);
    bool renumbers = moves || !has_same_address(&net.settings, settings);
    int rc = 0;

    if (renumbers)
        drop_addresses();
    if (moves)
        rc = move(settings);
    if (rc == 0)
        net.settings = *settings;
    if (renumbers && !net.settings.dhcp)
        use_static_address();
    else if (renumbers && net.link_up)
        start_dhcp();
    if (net.settings.dns[0] == 0 && !net.settings.dhcp)
        drop_dns_servers();
    if (follow_dns())
        tell_nat();
    return rc;
}

static void follow_link(void)
{
    bool up = __atomic_load_n(&net.port.link_up, __ATOMIC_ACQUIRE);

    if (up == net.link_up)
        return;
    net.link_up = up;
    if (!up) {
        netif_set_link_down(&net.lwip);
        return;
    }
    netif_set_link_up(&net.lwip);
    if (net.settings.dhcp)
        start_dhcp();
}

/* No lease in time: the static address serves until one comes; DHCP goes on asking. */
static void fall_back(void)
{
    if (!net.settings.dhcp || net.fell_back || !net.link_up || dhcp_supplied_address(&net.lwip) ||
        time_ns() - net.dhcp_began_ns < DHCP_PATIENCE_NS)
        return;
    net.fell_back = true;
    if (net.settings.address) {
        log_warn("net", "no answer from DHCP, using the static address");
        use_static_address();
    } else {
        log_warn("net", "no answer from DHCP and no static address; still asking");
    }
}

/* Name servers, IPv6 routers and prefixes come and go without a call. */
static void serve_nat(void)
{
    bool is_new = follow_dns();

    if (netif_uplink_follow_v6(&net.lwip, &net.told_v6) || is_new)
        tell_nat();
    if (time_ns() - net.nat_ticked_ns < NAT_TICK_NS)
        return;
    net.nat_ticked_ns = time_ns();
    nat_network_tick();
}

void netif_poll_port(void)
{
    struct pktbuf *pkt;
    u32 count = 0;

    if (!net.attached)
        return;
    follow_link();
    fall_back();
    serve_nat();
    while (count++ < RX_BATCH && (pkt = netport_receive(&net.port)) != NULL)
        netif_frame_receive(&net.lwip, &net.port, pkt);
    if (count > RX_BATCH)
        net.port.cfg.wake(net.port.cfg.wake_arg); /* there may be more */
}

const char *netif_address_text(void)
{
    return net.address;
}

const char *netif_problem(void)
{
    if (net.address[0])
        return NULL;
    if (!net.attached)
        return "no network: there is no network card that has a driver here";
    if (!net.link_up)
        return "no network: the card has no link; is its cable plugged in?";
    if (!net.settings.dhcp)
        return "no network: DHCP is off, and there is no static address";
    if (time_ns() - net.dhcp_began_ns >= DHCP_SLOW_NS)
        return "no network: no DHCP answer in 10 s, still asking";
    return "no network address yet: asking DHCP";
}

const char *netif_nic(void)
{
    return net.nic;
}

static void view_ipv6(struct netif_view *view)
{
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES && view->ipv6_count < NETIF_IPV6_MAX; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(&net.lwip, i)))
            ip6addr_ntoa_r(netif_ip6_addr(&net.lwip, i), view->ipv6[view->ipv6_count++],
                           sizeof(view->ipv6[0]));
    }
}

void netif_look(struct netif_view *view)
{
    *view = (struct netif_view){.nic = net.nic, .network = net.network};
    if (!net.attached)
        return;
    view->link_up = net.link_up;
    memcpy(view->mac, net.port.cfg.mac, sizeof(view->mac));
    view->address = ip4_addr_get_u32(netif_ip4_addr(&net.lwip));
    view->netmask = ip4_addr_get_u32(netif_ip4_netmask(&net.lwip));
    view->gateway = ip4_addr_get_u32(netif_ip4_gw(&net.lwip));
    view->by_dhcp = dhcp_supplied_address(&net.lwip) != 0;
    for (u32 i = 0; i < HOST_DNS_MAX; i++)
        view->dns[i] = dns_server(i);
    view_ipv6(view);
}
