/* SPDX-License-Identifier: BSD-2-Clause */
/* Member by member; then what they are together. */
#include "mgmt/api/host_network_json.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"

#define ADDRESS_MAX 20u /* "192.0.2.10/24" */

void json_put_wire_ip(struct json_writer *w, const char *key, u32 wire)
{
    json_put_ipv4(w, key, __builtin_bswap32(wire));
}

void json_put_wire_address(struct json_writer *w, u32 wire, u32 netmask)
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

void json_put_wire_dns(struct json_writer *w, const u32 *dns)
{
    json_key(w, "dns");
    json_array_begin(w);
    for (u32 i = 0; i < HOST_DNS_MAX; i++) {
        if (dns[i] != 0)
            json_ipv4(w, __builtin_bswap32(dns[i]));
    }
    json_array_end(w);
}

void host_network_json_write(struct json_writer *w, const struct host_network *net)
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
    json_put_wire_address(w, net->address, net->netmask);
    json_put_wire_ip(w, "gateway", net->gateway);
    json_put_wire_dns(w, net->dns);
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

void host_network_json_task(struct json_writer *w, const struct net_change *change)
{
    u64 now_ns = time_ns();
    char id[HOST_NETWORK_TASK_MAX];

    ksnprintf(id, sizeof(id), HOST_NETWORK_TASK "%u", change->number);
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

static struct host_network *net_of(const struct body_reader *r)
{
    return r->out;
}

static int read_trial(struct body_reader *r, const struct json_node *node)
{
    u64 *ms = r->item;

    if (json_get_u64(r->doc, node, ms) == 0 && *ms >= HOST_TRIAL_MS_MIN && *ms <= HOST_TRIAL_MS_MAX)
        return 0;
    return body_bad(r, node, "This time is no whole number in range.",
                    "Use 1000 to 600000 milliseconds.");
}

static int read_dhcp(struct body_reader *r, const struct json_node *node)
{
    if (json_get_bool(r->doc, node, &net_of(r)->dhcp) == 0)
        return 0;
    return body_bad(r, node, "This value must be true or false.",
                    "With true the address is the fall-back.");
}

static int read_address(struct body_reader *r, const struct json_node *node)
{
    struct host_network *net = net_of(r);
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
    u32 *gateway = &net_of(r)->gateway;

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
    u32 *dns = net_of(r)->dns;
    u32 count = 0;

    memset(dns, 0, sizeof(net_of(r)->dns));
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
    net_of(r)->vlan = (u16)vlan;
    return 0;
}

static int read_nic(struct body_reader *r, const struct json_node *node)
{
    struct host_network *net = net_of(r);

    if (node->type == JSON_NULL) {
        net->nic[0] = '\0';
        return 0;
    }
    if (json_get_string(r->doc, node, net->nic, sizeof(net->nic)) == 0 &&
        host_network_has_nic(net->nic))
        return 0;
    return body_refuse(r, node, "semantic", HOST_NETWORK_NO_NIC,
                       "GET /api/v1/host/nics lists them by their names; null is the first.");
}

static int read_hostname(struct body_reader *r, const struct json_node *node)
{
    struct host_network *net = net_of(r);

    if (json_get_string(r->doc, node, net->hostname, sizeof(net->hostname)) == 0 &&
        hostname_is_valid(net->hostname))
        return 0;
    return body_bad(r, node, "This is no host name.",
                    "Use 1 to 63 letters, digits and hyphens, no hyphen first or last.");
}

int host_network_json_read(struct body_reader *r, const struct json_node *node,
                           struct host_network *net, u64 *trial_ms)
{
    static const struct body_member members[] = {
        {"dhcp", read_dhcp},         {"address", read_address},
        {"gateway", read_gateway},   {"dns", read_dns},
        {"vlan", read_vlan},         {"nic", read_nic},
        {"hostname", read_hostname}, {"confirm_within_ms", read_trial},
    };
    struct body_reader inner = {.req = r->req, .doc = r->doc, .out = net, .item = trial_ms};
    u32 seen;

    return body_object(&inner, node, members, ARRAY_SIZE(members) - (trial_ms ? 0 : 1), &seen);
}

int host_network_json_check(struct req *req, const char *at, const struct host_network *net)
{
    const char *member;
    const char *mistake = host_network_conflict(net, &member);
    char pointer[64];

    if (!mistake)
        return 0;
    ksnprintf(pointer, sizeof(pointer), "%s%s", at, member);
    api_error(req,
              &(struct problem){
                  .slug = "semantic",
                  .pointer = pointer,
                  .detail = mistake,
                  .hint = "GET /api/v1/host/network shows what is in force; null takes a setting "
                          "away.",
              });
    return -EINVAL;
}

int host_network_refuse_second(struct req *req)
{
    if (!net_change_is_open(host_network_change()))
        return 0;
    api_error(req, &(struct problem){
                       .slug = "task_running",
                       .detail = "A change of the host's network is under way.",
                       .hint = "Confirm it, or wait until it is undone: GET /api/v1/host/network.",
                   });
    return -EBUSY;
}
