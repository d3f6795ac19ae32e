/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's interface on a netport.
 *
 * Received frames are wrapped, not copied: a custom pbuf keeps the pktbuf until lwIP and the server
 * are done with it. Sent frames are copied once, from lwIP's heap into a pktbuf; TCP's checksum is
 * left to the NIC (CHECKSUM_GEN_TCP is 0). When a pool is empty the frame is dropped; TCP sends it
 * again.
 */
#include "mgmt/netif.h"

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/net/nat/nat_network.h"
#include "drivers/net/netport.h"
#include "drivers/net/network.h"
#include "drivers/net/pktbuf_csum.h"

/* Frames lwIP and the server may hold at the same time; fewer than there are pktbufs. */
#define RX_WRAPPERS 1536u

/* Frames handed to lwIP before the agent looks at other work. */
#define RX_BATCH 256u

/* DHCP asks again after 2, 4, 8 … seconds: by then it has had three chances. */
#define DHCP_PATIENCE_NS (12 * NS_PER_S)

struct rx_wrapper {
    struct pbuf_custom pbuf; /* first: lwIP gives this pointer back */
    struct pktbuf *pkt;
    struct rx_wrapper *next;
};

static struct {
    struct netif lwip;
    struct netport port;
    struct host_config cfg;
    struct rx_wrapper wrappers[RX_WRAPPERS];
    struct rx_wrapper *free;
    bool attached;
    bool link_up;
    bool fell_back;
    u64 dhcp_began_ns;
    char address[ADDRESS_TEXT_MAX + 1];
} net;

static void rx_free(struct pbuf *p)
{
    struct rx_wrapper *wrapper = (struct rx_wrapper *)(void *)p;

    pktbuf_free(wrapper->pkt);
    wrapper->next = net.free;
    net.free = wrapper;
}

/* lwIP checks the transport header's checksum unless the device has. */
static void set_checks(const struct pktbuf *pkt)
{
    u32 checks = NETIF_CHECKSUM_ENABLE_ALL;

    if (pkt->csum != PKTBUF_CSUM_UNKNOWN)
        checks &= ~(u32)(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
    NETIF_SET_CHECKSUM_CTRL(&net.lwip, (u16_t)checks);
}

/* One frame to lwIP, which owns it from here on. */
static void receive(struct pktbuf *pkt)
{
    struct rx_wrapper *wrapper = net.free;
    struct pbuf *p;

    if (!wrapper) {
        netport_count_drop(&net.port);
        pktbuf_free(pkt);
        return;
    }
    net.free = wrapper->next;
    wrapper->pkt = pkt;
    wrapper->pbuf.custom_free_function = rx_free;
    set_checks(pkt);
    p = pbuf_alloced_custom(PBUF_RAW, pkt->len, PBUF_REF, &wrapper->pbuf, pktbuf_data(pkt),
                            (u16_t)(PKTBUF_BYTES - pkt->offset));
    if (!p)
        rx_free(&wrapper->pbuf.pbuf);
    else if (net.lwip.input(p, &net.lwip) != ERR_OK)
        pbuf_free(p);
}

static err_t link_output(struct netif *netif unused, struct pbuf *p)
{
    struct pktbuf *pkt;

    if (p->tot_len > PKTBUF_BYTES - PKTBUF_HEADROOM)
        return ERR_BUF;
    pkt = pktbuf_alloc();
    if (!pkt)
        return ERR_MEM;
    pkt->len = pbuf_copy_partial(p, pktbuf_data(pkt), p->tot_len, 0);
    pktbuf_csum_defer(pkt);
    if (!netport_has_room(&net.port) || !netport_send(&net.port, pkt)) {
        pktbuf_free(pkt);
        return ERR_MEM;
    }
    netport_flush(&net.port);
    return ERR_OK;
}

static err_t init_interface(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = (u16_t)net.port.mtu;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, net.port.cfg.mac, ETH_HWADDR_LEN);
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

/* Guests on networks of kind nat share the address. */
static void tell_nat(void)
{
    struct nat_uplink uplink = {
        .is_up = !ip4_addr_isany(netif_ip4_addr(&net.lwip)),
        .mtu = net.lwip.mtu,
        .address = number_of(netif_ip4_addr(&net.lwip)),
        .netmask = number_of(netif_ip4_netmask(&net.lwip)),
        .gateway = number_of(netif_ip4_gw(&net.lwip)),
    };

    memcpy(uplink.mac, net.lwip.hwaddr, sizeof(uplink.mac));
    for (u8_t i = 0, count = 0; i < DNS_MAX_SERVERS && count < NAT_DNS_MAX; i++) {
        const ip_addr_t *server = dns_getserver(i);

        if (IP_IS_V4(server) && !ip_addr_isany(server))
            uplink.dns[count++] = number_of(ip_2_ip4(server));
    }
    nat_network_uplink(&net.port, &uplink);
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
    ip4_addr_t ip = {net.cfg.address};
    ip4_addr_t mask = {net.cfg.netmask};
    ip4_addr_t gateway = {net.cfg.gateway};

    netif_set_addr(&net.lwip, &ip, &mask, &gateway);
}

int netif_start(const struct host_config *cfg, void (*wake)(void *arg))
{
    const struct netport_config port = {.flags = NETPORT_HOST, .wake = wake};
    int rc;

    net.cfg = *cfg;
    for (u32 i = 0; i < RX_WRAPPERS; i++) {
        net.wrappers[i].next = net.free;
        net.free = &net.wrappers[i];
    }
    lwip_init();
    rc = netport_attach(&net.port, &port);
    if (rc)
        return rc;
    if (!netif_add_noaddr(&net.lwip, NULL, init_interface, netif_input))
        return -ENODEV;
    net.attached = true;
    netif_set_default(&net.lwip);
    netif_set_hostname(&net.lwip, net.cfg.hostname);
    netif_set_status_callback(&net.lwip, on_status);
    netif_create_ip6_linklocal_address(&net.lwip, 1);
    netif_set_ip6_autoconfig_enabled(&net.lwip, 1);
    make_default_network();
    netif_set_up(&net.lwip);
    if (!net.cfg.dhcp && net.cfg.address)
        use_static_address();
    return 0;
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
    if (!net.cfg.dhcp)
        return;
    net.dhcp_began_ns = time_ns();
    net.fell_back = false;
    if (dhcp_start(&net.lwip) != ERR_OK)
        log_warn("net", "DHCP could not be started");
}

/* No lease in time: the static address serves until one comes; DHCP goes on asking. */
static void fall_back(void)
{
    if (!net.cfg.dhcp || net.fell_back || !net.link_up || dhcp_supplied_address(&net.lwip) ||
        time_ns() - net.dhcp_began_ns < DHCP_PATIENCE_NS)
        return;
    net.fell_back = true;
    if (net.cfg.address) {
        log_warn("net", "no answer from DHCP, using the static address");
        use_static_address();
    } else {
        log_warn("net", "no answer from DHCP and no static address in socle.dtb; still asking");
    }
}

void netif_poll_port(void)
{
    struct pktbuf *pkt;
    u32 count = 0;

    if (!net.attached)
        return;
    follow_link();
    fall_back();
    while (count++ < RX_BATCH && (pkt = netport_receive(&net.port)) != NULL)
        receive(pkt);
    if (count > RX_BATCH)
        net.port.cfg.wake(net.port.cfg.wake_arg); /* there may be more */
}

const char *netif_address_text(void)
{
    return net.address;
}
