/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks to and from JSON. Here types, lengths and the fields among themselves are checked, each
 * with its pointer; what depends on other networks and on the NICs, drivers/net checks.
 */
#include "mgmt/api/network_json.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"
#include "mgmt/api/body.h"
#include "mgmt/net/network_text.h"
#include "mgmt/http/server.h"

#define DHCP_CLIENT_PORT 68u
#define OF_NAT           0x7u /* the first three members */
#define NAME_HINT        "Use 1 to 63 of a-z, 0-9 and '-', not '-' first."

static void write_nat(struct json_writer *w, const struct network_nat *nat)
{
    char text[CIDR_BYTES];

    cidr_format(nat, text);
    json_put_string(w, "cidr", text);
    json_put_ipv4(w, "gateway", nat->subnet + 1);
    json_key(w, "dhcp");
    json_object_begin(w);
    json_key(w, "range");
    json_array_begin(w);
    json_ipv4(w, nat->range_first);
    json_ipv4(w, nat->range_last);
    json_array_end(w);
    json_object_end(w);
    json_key(w, "forwards");
    json_array_begin(w);
    for (u32 i = 0; i < nat->forward_count; i++) {
        const struct nat_forward *f = &nat->forwards[i];

        json_object_begin(w);
        json_put_string(w, "proto", f->protocol == IP_PROTOCOL_TCP ? "tcp" : "udp");
        json_put_u64(w, "host_port", f->host_port);
        json_put_string(w, "vm", f->vm);
        json_put_u64(w, "port", f->port);
        json_object_end(w);
    }
    json_array_end(w);
}

/* All that PUT takes. */
static void put_config(struct json_writer *w, const struct network_config *cfg)
{
    json_put_string(w, "name", cfg->name);
    json_put_string(w, "kind", network_kind_name(cfg->kind));
    if (cfg->kind == NETWORK_BRIDGE) {
        json_put_string(w, "uplink", cfg->uplink);
        json_put_u64(w, "vlan", cfg->vlan);
    }
    json_put_u64(w, "mtu", cfg->mtu);
    if (cfg->kind == NETWORK_NAT)
        write_nat(w, &cfg->nat);
}

void network_json_write_config(struct json_writer *w, const struct network_config *cfg)
{
    json_object_begin(w);
    put_config(w, cfg);
    json_object_end(w);
}

void network_json_write(struct json_writer *w, const struct network_info *info)
{
    json_object_begin(w);
    put_config(w, &info->cfg);
    json_put_bool(w, "builtin", info->is_builtin);
    json_counters_follow(w);
    json_put_u64(w, "ports", info->ports);
    json_object_end(w);
}

static struct network_config *cfg_of(const struct body_reader *r)
{
    return r->out;
}

/* The forward being read. */
static struct nat_forward *forward_of(const struct body_reader *r)
{
    return r->item;
}

static int read_kind(struct body_reader *r, const struct json_node *node)
{
    char text[16] = "";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        network_kind_parse(text, &cfg_of(r)->kind))
        return 0;
    return body_bad(r, node, "This is no kind of network.",
                    "Use \"bridge\", \"nat\" or \"isolated\".");
}

static int read_uplink(struct body_reader *r, const struct json_node *node)
{
    if (json_get_string(r->doc, node, cfg_of(r)->uplink, sizeof(cfg_of(r)->uplink)) == 0)
        return 0;
    return body_bad(r, node, "This is no NIC's address.", "Use \"0000:00:02.0\".");
}

static int read_u16(struct body_reader *r, const struct json_node *node, u64 min, const char *hint,
                    u16 *out)
{
    u64 value;

    if (json_get_u64(r->doc, node, &value) || value < min || value > UINT16_MAX)
        return body_bad(r, node, "This value is no whole number in range.", hint);
    *out = (u16)value;
    return 0;
}

static int read_vlan(struct body_reader *r, const struct json_node *node)
{
    return read_u16(r, node, 0, "A VLAN is 0 to 4094.", &cfg_of(r)->vlan);
}

static int read_mtu(struct body_reader *r, const struct json_node *node)
{
    u16 mtu = 0;
    int rc = read_u16(r, node, 0, "An MTU is 576 to 9000.", &mtu);

    cfg_of(r)->mtu = mtu;
    return rc;
}

static int read_cidr(struct body_reader *r, const struct json_node *node)
{
    char text[CIDR_BYTES] = "";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 && cidr_parse(text, &cfg_of(r)->nat))
        return 0;
    return body_bad(r, node, "This is no subnet of 8 to 29 bits.",
                    "Write it as \"192.168.80.0/24\", with zeroes behind the prefix.");
}

static int read_range(struct body_reader *r, const struct json_node *node)
{
    const struct json_node *at = node->type == JSON_ARRAY ? json_first(r->doc, node) : NULL;
    u32 *const ends[] = {&cfg_of(r)->nat.range_first, &cfg_of(r)->nat.range_last};
    char text[IPV4_BYTES];
    u32 count = 0;

    while (at && count < ARRAY_SIZE(ends) && json_get_string(r->doc, at, text, sizeof(text)) == 0 &&
           ip_parse(text, strlen(text), ends[count]) && *ends[count] != 0) {
        count++;
        at = json_next(r->doc, at);
    }
    if (!at && count == ARRAY_SIZE(ends))
        return 0;
    return body_bad(r, node, "This is no range of addresses.",
                    "Write it as [\"192.168.80.100\", \"192.168.80.199\"], or leave it out.");
}

static int read_dhcp(struct body_reader *r, const struct json_node *node)
{
    static const struct body_member members[] = {{"range", read_range}};
    u32 seen;

    return body_object(r, node, members, ARRAY_SIZE(members), &seen);
}

static int read_proto(struct body_reader *r, const struct json_node *node)
{
    char text[4] = "";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        (strcmp(text, "tcp") == 0 || strcmp(text, "udp") == 0)) {
        forward_of(r)->protocol = text[0] == 't' ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
        return 0;
    }
    return body_bad(r, node, "This is no protocol that is forwarded.", "Use \"tcp\" or \"udp\".");
}

static int read_host_port(struct body_reader *r, const struct json_node *node)
{
    u16 port = 0;

    if (read_u16(r, node, 1, "Use 1 to 49151.", &port))
        return -EINVAL;
    forward_of(r)->host_port = port;
    return port <= NAT_PORT_HIGH
               ? 0
               : body_bad(r, node, "The host needs the ports from 49152 on for itself.",
                          "Use 1 to 49151.");
}

static int read_vm(struct body_reader *r, const struct json_node *node)
{
    struct nat_forward *f = forward_of(r);

    if (json_get_string(r->doc, node, f->vm, sizeof(f->vm)) == 0 && vm_name_is_valid(f->vm))
        return 0;
    return body_bad(r, node, "This is no VM's name.",
                    "Use 1 to 63 of a-z, 0-9 and '-', not '-' first; the VM may come later.");
}

static int read_port(struct body_reader *r, const struct json_node *node)
{
    return read_u16(r, node, 1, "Use 1 to 65535.", &forward_of(r)->port);
}

/* Who could forward these would lock everybody out of the host. */
static bool is_hosts_own(const struct nat_forward *f)
{
    return f->protocol == IP_PROTOCOL_TCP ? server_has_port(f->host_port)
                                          : f->host_port == DHCP_CLIENT_PORT;
}

static int read_forward(struct body_reader *r, const struct json_node *node)
{
    static const struct body_member members[] = {
        {"proto", read_proto}, {"host_port", read_host_port}, {"vm", read_vm}, {"port", read_port}};
    u32 seen;

    if (body_object(r, node, members, ARRAY_SIZE(members), &seen))
        return -EINVAL;
    if (seen != BIT(ARRAY_SIZE(members)) - 1)
        return body_bad(r, node, "A forward needs \"proto\", \"host_port\", \"vm\" and \"port\".",
                        "Use {\"proto\": \"tcp\", \"host_port\": 8080, \"vm\": \"web\", "
                        "\"port\": 80}.");
    if (is_hosts_own(forward_of(r)))
        return body_refuse(r, node, "semantic", "The host itself listens on this port.",
                           "Choose another \"host_port\".");
    return 0;
}

static int read_forwards(struct body_reader *r, const struct json_node *node)
{
    struct network_nat *nat = &cfg_of(r)->nat;

    if (node->type != JSON_ARRAY)
        return body_bad(r, node, "This value must be an array of port forwards.", "Use [].");
    for (const struct json_node *at = json_first(r->doc, node); at; at = json_next(r->doc, at)) {
        if (nat->forward_count == NAT_FORWARDS)
            return body_bad(r, at, "There are too many forwards.", "Use at most 64.");
        r->item = &nat->forwards[nat->forward_count++];
        if (read_forward(r, at))
            return -EINVAL;
    }
    return 0;
}

static int read_name(struct body_reader *r, const struct json_node *node)
{
    struct network_config *cfg = cfg_of(r);

    if (json_get_string(r->doc, node, cfg->name, sizeof(cfg->name)) == 0 &&
        vm_name_is_valid(cfg->name))
        return 0;
    return body_bad(r, node, "This cannot be the name of a network.", NAME_HINT);
}

/* Members that its kind does not have. */
static int check_kind(const struct body_reader *r, const struct json_node *root, u32 seen)
{
    if (cfg_of(r)->kind != NETWORK_BRIDGE && (cfg_of(r)->vlan != 0 || cfg_of(r)->uplink[0] != '\0'))
        return body_refuse(r, root, "semantic",
                           "Only a network of kind bridge has an uplink and a VLAN.",
                           "Leave both out, or use the kind \"bridge\".");
    if (cfg_of(r)->kind != NETWORK_NAT && (seen & OF_NAT) != 0)
        return body_refuse(r, root, "semantic",
                           "Only a network of kind nat has a subnet, DHCP and forwards.",
                           "Leave them out, or use the kind \"nat\".");
    return 0;
}

/* name: who reads the member. Members without a function: what GET gave can be PUT back. */
static int read_object(struct req *req, const struct json_doc *doc, const struct json_node *node,
                       int (*name)(struct body_reader *r, const struct json_node *value),
                       struct network_config *cfg)
{
    const struct body_member members[] = {
        {"cidr", read_cidr}, {"dhcp", read_dhcp},     {"forwards", read_forwards},
        {"kind", read_kind}, {"uplink", read_uplink}, {"vlan", read_vlan},
        {"mtu", read_mtu},   {"gateway", NULL},       {"ports", NULL},
        {"builtin", NULL},   {"name", name},
    };
    struct body_reader r = {.req = req, .doc = doc, .out = cfg};
    u32 seen;

    memset(cfg, 0, sizeof(*cfg));
    cfg->kind = NETWORK_ISOLATED;
    return body_object(&r, node, members, ARRAY_SIZE(members), &seen) ? -EINVAL
                                                                      : check_kind(&r, node, seen);
}

int network_json_read_item(struct body_reader *r, const struct json_node *node,
                           struct network_config *cfg)
{
    if (read_object(r->req, r->doc, node, read_name, cfg))
        return -EINVAL;
    return cfg->name[0] != '\0' ? 0 : body_bad(r, node, "A network needs a \"name\".", NAME_HINT);
}

int network_json_read(struct req *req, struct network_config *cfg)
{
    const struct json_doc *doc = api_json_body(req);

    if (!doc || read_object(req, doc, json_root(doc), NULL, cfg))
        return -EINVAL;
    if (str_copy(cfg->name, sizeof(cfg->name), req->match.params[0]) && vm_name_is_valid(cfg->name))
        return 0;
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .pointer = "/name",
                                     .got = req->match.params[0],
                                     .detail = "This cannot be the name of a network.",
                                     .hint = NAME_HINT});
    return -EINVAL;
}
