/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own network: settings in force, their change on trial, and its confirmation. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/netdev.h"
#include "drivers/net/network.h"
#include "mgmt/api/api.h"
#include "mgmt/config/config_store.h"
#include "mgmt/api/body.h"
#include "mgmt/net/host_network.h"
#include "mgmt/net/netif.h"

#define TASK_PREFIX  "network-"
#define TASK_ID_MAX  24u
#define ADDRESS_MAX  20u /* "192.0.2.10/24" */
#define TRIAL_MS     60000u
#define TRIAL_MS_MIN 1000u
#define TRIAL_MS_MAX 600000u

static void put_ip(struct json_writer *w, const char *key, u32 wire)
{
    json_put_ipv4(w, key, __builtin_bswap32(wire));
}

/* With its prefix; null if there is none. */
static void put_address(struct json_writer *w, u32 wire, u32 netmask)
{
    u32 ip = __builtin_bswap32(wire);
    char text[ADDRESS_MAX];

    json_key(w, "address");
    if (ip == 0) {
        json_null(w);
        return;
    }
    ksnprintf(text, sizeof(text), "%u.%u.%u.%u/%u", ip >> 24, ip >> 16 & 0xffu, ip >> 8 & 0xffu,
              ip & 0xffu, ipv4_prefix_bits(netmask));
    json_string(w, text);
}

static void put_dns(struct json_writer *w, const u32 *dns)
{
    json_key(w, "dns");
    json_array_begin(w);
    for (u32 i = 0; i < HOST_DNS_MAX; i++) {
        if (dns[i] != 0)
            json_ipv4(w, __builtin_bswap32(dns[i]));
    }
    json_array_end(w);
}

static void put_settings(struct json_writer *w, const struct host_network *net)
{
    json_object_begin(w);
    json_put_string(w, "hostname", net->hostname);
    json_key(w, "nic");
    if (net->nic[0] != '\0')
        json_string(w, net->nic);
    else
        json_null(w);
    json_put_u64(w, "vlan", net->vlan);
    json_put_bool(w, "dhcp", net->dhcp);
    put_address(w, net->address, net->netmask);
    put_ip(w, "gateway", net->gateway);
    put_dns(w, net->dns);
    json_object_end(w);
}

static void put_settings_if(struct json_writer *w, const char *key, const struct host_network *net,
                            bool is_there)
{
    json_key(w, key);
    if (is_there)
        put_settings(w, net);
    else
        json_null(w);
}

/* What DHCP, the NIC and routers made of the settings. */
static void put_view(struct json_writer *w)
{
    struct netif_view view;

    netif_look(&view);
    json_key(w, "interface");
    json_object_begin(w);
    json_put_string(w, "nic", view.nic);
    json_put_string(w, "network", view.network);
    json_put_mac(w, "mac", view.mac);
    json_put_string(w, "link", view.link_up ? "up" : "down");
    put_address(w, view.address, view.netmask);
    json_put_bool(w, "by_dhcp", view.by_dhcp);
    put_ip(w, "gateway", view.gateway);
    put_dns(w, view.dns);
    json_key(w, "ipv6");
    json_array_begin(w);
    for (u32 i = 0; i < view.ipv6_count; i++)
        json_string(w, view.ipv6[i]);
    json_array_end(w);
    json_object_end(w);
}

static const struct {
    const char *state;
    const char *detail;
} task_states[] = {
    [NET_CHANGE_NONE] = {"", ""},
    [NET_CHANGE_WAITING] = {"running", "It is applied a second after the answer."},
    [NET_CHANGE_ON_TRIAL] = {"running", "It is in force, and is undone unless it is confirmed."},
    [NET_CHANGE_CONFIRMED] = {"succeeded", "It was confirmed."},
    [NET_CHANGE_ROLLED_BACK] = {"failed", "Nobody confirmed it: the settings before are back."},
    [NET_CHANGE_FAILED] = {"failed", "It could not be applied; the log says why."},
};

static void put_task(struct json_writer *w, const struct net_change *change)
{
    u64 now_ns = time_ns();
    char id[TASK_ID_MAX];

    ksnprintf(id, sizeof(id), TASK_PREFIX "%u", change->number);
    json_object_begin(w);
    json_put_string(w, "id", id);
    json_put_string(w, "kind", "host.network");
    json_put_string(w, "target", "host");
    json_put_string(w, "state", task_states[change->state].state);
    json_put_string(w, "detail", task_states[change->state].detail);
    if (change->state == NET_CHANGE_ON_TRIAL)
        json_put_u64(w, "left_ms",
                     change->due_ns > now_ns ? (change->due_ns - now_ns) / NS_PER_MS : 0);
    json_object_end(w);
}

void api_host_network_get(struct req *req)
{
    const struct net_change *change = host_network_change();
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_key(w, "settings");
    put_settings(w, host_network_in_force());
    put_settings_if(w, "pending", &change->wanted, change->state == NET_CHANGE_WAITING);
    put_settings_if(w, "previous", &change->previous, change->state == NET_CHANGE_ON_TRIAL);
    json_counters_follow(w);
    json_key(w, "task");
    if (change->state != NET_CHANGE_NONE)
        put_task(w, change);
    else
        json_null(w);
    put_view(w);
    json_object_end(w);
}

struct wanted {
    struct host_network net;
    u64 trial_ms;
};

static struct wanted *wanted_of(const struct body_reader *r)
{
    return r->out;
}

static int read_trial(struct body_reader *r, const struct json_node *node)
{
    u64 *ms = &wanted_of(r)->trial_ms;

    if (json_get_u64(r->doc, node, ms) == 0 && *ms >= TRIAL_MS_MIN && *ms <= TRIAL_MS_MAX)
        return 0;
    return body_bad(r, node, "This time is no whole number in range.",
                    "Use 1000 to 600000 milliseconds.");
}

static int read_dhcp(struct body_reader *r, const struct json_node *node)
{
    if (json_get_bool(r->doc, node, &wanted_of(r)->net.dhcp) == 0)
        return 0;
    return body_bad(r, node, "This value must be true or false.",
                    "With true the address is the fall-back.");
}

static int read_address(struct body_reader *r, const struct json_node *node)
{
    struct host_network *net = &wanted_of(r)->net;
    char text[ADDRESS_MAX];

    if (node->type == JSON_NULL) {
        net->address = net->netmask = 0;
        return 0;
    }
    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        ipv4_prefix_parse(text, &net->address, &net->netmask))
        return 0;
    return body_bad(r, node, "This is no IPv4 address with a prefix.",
                    "Write it as \"192.0.2.10/24\", or null for none.");
}

/* Return: false if it is no text with an IPv4 address that one can talk to. */
static bool take_ip(const struct body_reader *r, const struct json_node *node, u32 *wire)
{
    char text[ADDRESS_MAX];

    return json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
           ipv4_parse(text, strlen(text), wire) && *wire != 0;
}

static int read_gateway(struct body_reader *r, const struct json_node *node)
{
    u32 *gateway = &wanted_of(r)->net.gateway;

    if (node->type == JSON_NULL) {
        *gateway = 0;
        return 0;
    }
    if (take_ip(r, node, gateway))
        return 0;
    return body_bad(r, node, "This is no IPv4 address.",
                    "Write it as \"192.0.2.1\", or null for none.");
}

static int read_dns(struct body_reader *r, const struct json_node *node)
{
    const struct json_node *at = node->type == JSON_ARRAY ? json_first(r->doc, node) : NULL;
    u32 *dns = wanted_of(r)->net.dns;
    u32 count = 0;

    memset(dns, 0, sizeof(wanted_of(r)->net.dns));
    while (at && count < HOST_DNS_MAX && take_ip(r, at, &dns[count])) {
        count++;
        at = json_next(r->doc, at);
    }
    if (!at && (node->type == JSON_ARRAY || node->type == JSON_NULL))
        return 0;
    return body_bad(r, node, "These are no name servers.",
                    "Use at most two, as [\"192.0.2.53\"]; [] for those of DHCP.");
}

static int read_vlan(struct body_reader *r, const struct json_node *node)
{
    u64 vlan = 0;

    if (node->type != JSON_NULL && (json_get_u64(r->doc, node, &vlan) || vlan > HOST_VLAN_MAX))
        return body_bad(r, node, "This is no VLAN.", "Use 0 to 4094; 0 is none.");
    wanted_of(r)->net.vlan = (u16)vlan;
    return 0;
}

static bool nic_exists(const char *bdf)
{
    const struct netdev *dev = netdev_next(NULL);

    while (dev && strcmp(dev->bdf, bdf) != 0)
        dev = netdev_next(dev);
    return dev != NULL;
}

static int read_nic(struct body_reader *r, const struct json_node *node)
{
    struct host_network *net = &wanted_of(r)->net;

    if (node->type == JSON_NULL) {
        net->nic[0] = '\0';
        return 0;
    }
    if (json_get_string(r->doc, node, net->nic, sizeof(net->nic)) == 0 && nic_exists(net->nic))
        return 0;
    return body_refuse(r, node, "semantic", "The host has no such network card.",
                       "GET /api/v1/host/nics lists them by their names; null is the first.");
}

static int read_hostname(struct body_reader *r, const struct json_node *node)
{
    struct host_network *net = &wanted_of(r)->net;

    if (json_get_string(r->doc, node, net->hostname, sizeof(net->hostname)) == 0 &&
        hostname_is_valid(net->hostname))
        return 0;
    return body_bad(r, node, "This is no host name.",
                    "Use 1 to 63 letters, digits and hyphens, no hyphen first or last.");
}

/* With an inside network guests could not tell where to send. */
static bool overlaps_inside(const struct host_network *net)
{
    static struct network_info info; /* large; one thread answers */
    u32 address = __builtin_bswap32(net->address);
    u32 mask = __builtin_bswap32(net->netmask);

    info.cfg.name[0] = '\0';
    while (address != 0 && network_next(info.cfg.name, &info)) {
        u32 inside;

        if (info.cfg.kind != NETWORK_NAT)
            continue;
        inside = ~0u << (32 - info.cfg.nat.prefix_bits);
        if (((info.cfg.nat.subnet ^ address) & inside & mask) == 0)
            return true;
    }
    return false;
}

/* What each member cannot tell alone. Return: 0, -EINVAL after answering. */
static int check_together(struct req *req, const struct host_network *net)
{
    const char *pointer;
    const char *mistake = host_network_mistake(net, &pointer);

    if (!mistake && overlaps_inside(net)) {
        pointer = "/address";
        mistake = "The subnet overlaps that of a network of guests.";
    }
    if (!mistake)
        return 0;
    api_error(req,
              &(struct problem){
                  .slug = "semantic",
                  .pointer = pointer,
                  .detail = mistake,
                  .hint = "What is not in the body stays as GET /api/v1/host/network shows it; "
                          "null takes it away.",
              });
    return -EINVAL;
}

static void refuse_second(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "task_running",
                       .detail = "A change of the host's network is under way.",
                       .hint = "Confirm it, or wait until it is undone: GET /api/v1/host/network.",
                   });
}

void api_host_network_patch(struct req *req)
{
    static const struct body_member members[] = {
        {"dhcp", read_dhcp},         {"address", read_address},
        {"gateway", read_gateway},   {"dns", read_dns},
        {"vlan", read_vlan},         {"nic", read_nic},
        {"hostname", read_hostname}, {"confirm_within_ms", read_trial},
    };
    struct wanted wanted = {.net = *host_network_in_force(), .trial_ms = TRIAL_MS};
    struct body_reader r = {.req = req, .out = &wanted};
    bool dry_run;
    u32 seen;

    if (query_bool(req, "dry_run", &dry_run))
        return;
    if (net_change_is_open(host_network_change())) {
        refuse_second(req);
        return;
    }
    if (body_read(&r, members, ARRAY_SIZE(members), &seen) || check_together(req, &wanted.net))
        return;
    if (dry_run)
        put_settings(reply_json(req, 200), &wanted.net);
    else if (host_network_begin(&wanted.net, wanted.trial_ms * NS_PER_MS))
        refuse_second(req);
    else
        put_task(reply_json(req, 202), host_network_change());
}

static int read_task(struct body_reader *r, const struct json_node *node)
{
    char text[TASK_ID_MAX], latest[TASK_ID_MAX];
    const struct net_change *change = host_network_change();

    ksnprintf(latest, sizeof(latest), TASK_PREFIX "%u", change->number);
    if (json_get_string(r->doc, node, text, sizeof(text)))
        return body_bad(r, node, "This is no task.", "Use the \"id\" that the change was given.");
    *(u32 *)r->out = strcmp(text, latest) == 0 ? change->number : 0;
    return 0;
}

static void refuse_confirmation(struct req *req, int rc)
{
    bool is_early = rc == -EAGAIN;

    api_error(req, &(struct problem){
                       .slug = "state",
                       .state = is_early ? "waiting" : "over",
                       .detail = is_early ? "The change is not in force yet."
                                          : "No such change waits to be confirmed.",
                       .hint = is_early ? "Connect again a second later: that proves the host can "
                                          "be reached."
                                        : "GET /api/v1/host/network says what became of the last.",
                   });
}

void api_host_network_confirm(struct req *req)
{
    static const struct body_member members[] = {{"task", read_task}};
    u32 number = 0, seen;
    struct body_reader r = {.req = req, .out = &number};
    int rc;

    if (body_read(&r, members, ARRAY_SIZE(members), &seen))
        return;
    rc = host_network_confirm(number);
    if (rc) {
        refuse_confirmation(req, rc);
        return;
    }
    config_store_note();
    put_task(reply_json(req, 200), host_network_change());
}
