/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks to and from JSON. Here types, lengths and the fields among themselves are checked, each
 * with its pointer; what depends on other networks and on the NICs, drivers/net checks.
 */
#include "mgmt/network_json.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"
#include "mgmt/host_config.h"
#include "mgmt/server.h"

#define IPV4_BYTES       16u
#define CIDR_BYTES       (IPV4_BYTES + 3)
#define DHCP_CLIENT_PORT 68u

static const char *const kinds[] = {
    [NETWORK_BRIDGE] = "bridge",
    [NETWORK_ISOLATED] = "isolated",
    [NETWORK_NAT] = "nat",
};

static void write_nat(struct json_writer *w, const struct network_nat *nat)
{
    char text[CIDR_BYTES];

    ksnprintf(text, sizeof(text), "%u.%u.%u.%u/%u", nat->subnet >> 24, nat->subnet >> 16 & 0xffu,
              nat->subnet >> 8 & 0xffu, nat->subnet & 0xffu, nat->prefix_bits);
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

void network_json_write(struct json_writer *w, const struct network_info *info)
{
    const struct network_config *cfg = &info->cfg;

    json_object_begin(w);
    json_put_string(w, "name", cfg->name);
    json_put_string(w, "kind", kinds[cfg->kind]);
    if (cfg->kind == NETWORK_BRIDGE) {
        json_put_string(w, "uplink", cfg->uplink);
        json_put_u64(w, "vlan", cfg->vlan);
    }
    json_put_u64(w, "mtu", cfg->mtu);
    if (cfg->kind == NETWORK_NAT)
        write_nat(w, &cfg->nat);
    json_put_u64(w, "ports", info->ports);
    json_put_bool(w, "builtin", info->is_builtin);
    json_object_end(w);
}

struct reader {
    struct req *req;
    const struct json_doc *doc;
    struct network_config *cfg;
    struct nat_forward *forward; /* the one being read */
};

/* A member of an object, and who reads its value. Return of read: 0, -EINVAL after answering. */
struct member {
    const char *name;
    int (*read)(struct reader *r, const struct json_node *value);
};

static int refuse(const struct reader *r, const struct json_node *node, const char *slug,
                  const char *detail, const char *hint)
{
    char pointer[160];

    json_pointer(r->doc, node, pointer, sizeof(pointer));
    api_error(r->req,
              &(struct problem){.slug = slug, .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

static int bad(const struct reader *r, const struct json_node *node, const char *detail,
               const char *hint)
{
    return refuse(r, node, "bad_value", detail, hint);
}

/* seen: a bit for each member that is there. */
static int read_object(struct reader *r, const struct json_node *node, const struct member *members,
                       size_t count, u32 *seen)
{
    *seen = 0;
    if (node->type != JSON_OBJECT)
        return bad(r, node, "This value must be an object.", "Put its members in braces.");
    for (const struct json_node *key = json_first(r->doc, node); key;
         key = json_next(r->doc, key)) {
        size_t i = 0;

        while (i < count && !json_key_is(r->doc, key, members[i].name))
            i++;
        if (i == count)
            return refuse(r, key, "unknown_field", "There is no such field in this version.",
                          "Leave it out or correct its spelling.");
        *seen |= (u32)BIT(i);
        if (members[i].read && members[i].read(r, json_first(r->doc, key)))
            return -EINVAL;
    }
    return 0;
}

static int read_kind(struct reader *r, const struct json_node *node)
{
    char text[16] = "";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0) {
        for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
            if (strcmp(text, kinds[i]) == 0) {
                r->cfg->kind = (enum network_kind)i;
                return 0;
            }
        }
    }
    return bad(r, node, "This is no kind of network.", "Use \"bridge\", \"nat\" or \"isolated\".");
}

static int read_uplink(struct reader *r, const struct json_node *node)
{
    if (json_get_string(r->doc, node, r->cfg->uplink, sizeof(r->cfg->uplink)) == 0)
        return 0;
    return bad(r, node, "This is no NIC's address.", "Use \"0000:00:02.0\".");
}

static int read_u16(struct reader *r, const struct json_node *node, u64 min, const char *hint,
                    u16 *out)
{
    u64 value;

    if (json_get_u64(r->doc, node, &value) || value < min || value > UINT16_MAX)
        return bad(r, node, "This value is no whole number in range.", hint);
    *out = (u16)value;
    return 0;
}

static int read_vlan(struct reader *r, const struct json_node *node)
{
    return read_u16(r, node, 0, "A VLAN is 0 to 4094.", &r->cfg->vlan);
}

static int read_mtu(struct reader *r, const struct json_node *node)
{
    u16 mtu = 0;
    int rc = read_u16(r, node, 0, "An MTU is 576 to 1500.", &mtu);

    r->cfg->mtu = mtu;
    return rc;
}

/* Return: false if the text is no IPv4 address; *ip as a number. */
static bool parse_ip(const char *text, size_t length, u32 *ip)
{
    u32 wire;

    if (!ipv4_parse(text, length, &wire))
        return false;
    *ip = inet_load32((const u8 *)&wire);
    return true;
}

/* "192.168.80.0/24". Return: false if the text is none. */
static bool parse_cidr(const char *text, struct network_nat *nat)
{
    size_t length = 0;
    u32 bits = 0, digits = 0;

    while (text[length] && text[length] != '/')
        length++;
    if (!text[length] || !parse_ip(text, length, &nat->subnet))
        return false;
    for (const char *c = text + length + 1; *c; c++, digits++) {
        if (*c < '0' || *c > '9' || digits == 2)
            return false;
        bits = bits * 10 + (u32)(*c - '0');
    }
    nat->prefix_bits = (u8)bits;
    return digits > 0 && bits >= NETWORK_PREFIX_MIN && bits <= NETWORK_PREFIX_MAX &&
           nat->subnet != 0 && nat->subnet << bits == 0;
}

static int read_cidr(struct reader *r, const struct json_node *node)
{
    char text[CIDR_BYTES] = "";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 && parse_cidr(text, &r->cfg->nat))
        return 0;
    return bad(r, node, "This is no subnet of 8 to 29 bits.",
               "Write it as \"192.168.80.0/24\", with zeroes behind the prefix.");
}

static int read_range(struct reader *r, const struct json_node *node)
{
    const struct json_node *at = node->type == JSON_ARRAY ? json_first(r->doc, node) : NULL;
    u32 *const ends[] = {&r->cfg->nat.range_first, &r->cfg->nat.range_last};
    char text[IPV4_BYTES];
    u32 count = 0;

    while (at && count < ARRAY_SIZE(ends) && json_get_string(r->doc, at, text, sizeof(text)) == 0 &&
           parse_ip(text, strlen(text), ends[count]) && *ends[count] != 0) {
        count++;
        at = json_next(r->doc, at);
    }
    if (!at && count == ARRAY_SIZE(ends))
        return 0;
    return bad(r, node, "This is no range of addresses.",
               "Write it as [\"192.168.80.100\", \"192.168.80.199\"], or leave it out.");
}

static int read_dhcp(struct reader *r, const struct json_node *node)
{
    static const struct member members[] = {{"range", read_range}};
    u32 seen;

    return read_object(r, node, members, ARRAY_SIZE(members), &seen);
}

static int read_proto(struct reader *r, const struct json_node *node)
{
    char text[4] = "";

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        (strcmp(text, "tcp") == 0 || strcmp(text, "udp") == 0)) {
        r->forward->protocol = text[0] == 't' ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
        return 0;
    }
    return bad(r, node, "This is no protocol that is forwarded.", "Use \"tcp\" or \"udp\".");
}

static int read_host_port(struct reader *r, const struct json_node *node)
{
    u16 port = 0;

    if (read_u16(r, node, 1, "Use 1 to 49151.", &port))
        return -EINVAL;
    r->forward->host_port = port;
    return port <= NAT_PORT_HIGH
               ? 0
               : bad(r, node, "The host needs the ports from 49152 on for itself.",
                     "Use 1 to 49151.");
}

static int read_vm(struct reader *r, const struct json_node *node)
{
    struct nat_forward *f = r->forward;

    if (json_get_string(r->doc, node, f->vm, sizeof(f->vm)) == 0 && vm_name_is_valid(f->vm))
        return 0;
    return bad(r, node, "This is no VM's name.",
               "Use 1 to 63 of a-z, 0-9 and '-', not '-' first; the VM may come later.");
}

static int read_port(struct reader *r, const struct json_node *node)
{
    return read_u16(r, node, 1, "Use 1 to 65535.", &r->forward->port);
}

/* Who could forward these would lock everybody out of the host. */
static bool is_hosts_own(const struct nat_forward *f)
{
    return f->protocol == IP_PROTOCOL_TCP ? server_has_port(f->host_port)
                                          : f->host_port == DHCP_CLIENT_PORT;
}

static int read_forward(struct reader *r, const struct json_node *node)
{
    static const struct member members[] = {
        {"proto", read_proto}, {"host_port", read_host_port}, {"vm", read_vm}, {"port", read_port}};
    u32 seen;

    if (read_object(r, node, members, ARRAY_SIZE(members), &seen))
        return -EINVAL;
    if (seen != BIT(ARRAY_SIZE(members)) - 1)
        return bad(r, node, "A forward needs \"proto\", \"host_port\", \"vm\" and \"port\".",
                   "Use {\"proto\": \"tcp\", \"host_port\": 8080, \"vm\": \"web\", "
                   "\"port\": 80}.");
    if (is_hosts_own(r->forward))
        return refuse(r, node, "semantic", "The host itself listens on this port.",
                      "Choose another \"host_port\".");
    return 0;
}

static int read_forwards(struct reader *r, const struct json_node *node)
{
    struct network_nat *nat = &r->cfg->nat;

    if (node->type != JSON_ARRAY)
        return bad(r, node, "This value must be an array of port forwards.", "Use [].");
    for (const struct json_node *at = json_first(r->doc, node); at; at = json_next(r->doc, at)) {
        if (nat->forward_count == NAT_FORWARDS)
            return bad(r, at, "There are too many forwards.", "Use at most 64.");
        r->forward = &nat->forwards[nat->forward_count++];
        if (read_forward(r, at))
            return -EINVAL;
    }
    return 0;
}

/* Without a function: what GET gave can be PUT back. */
static const struct member network_members[] = {
    {"cidr", read_cidr}, {"dhcp", read_dhcp},     {"forwards", read_forwards},
    {"kind", read_kind}, {"uplink", read_uplink}, {"vlan", read_vlan},
    {"mtu", read_mtu},   {"gateway", NULL},       {"ports", NULL},
    {"builtin", NULL},   {"name", NULL},
};

#define OF_NAT 0x7u /* the first three of them */

/* Members that its kind does not have. */
static int check_kind(const struct reader *r, const struct json_node *root, u32 seen)
{
    if (r->cfg->kind != NETWORK_BRIDGE && (r->cfg->vlan != 0 || r->cfg->uplink[0] != '\0'))
        return refuse(r, root, "semantic",
                      "Only a network of kind bridge has an uplink and a VLAN.",
                      "Leave both out, or use the kind \"bridge\".");
    if (r->cfg->kind != NETWORK_NAT && (seen & OF_NAT) != 0)
        return refuse(r, root, "semantic",
                      "Only a network of kind nat has a subnet, DHCP and forwards.",
                      "Leave them out, or use the kind \"nat\".");
    return 0;
}

int network_json_read(struct req *req, struct network_config *cfg)
{
    struct reader r = {.req = req, .doc = api_json_body(req), .cfg = cfg};
    const struct json_node *root;
    u32 seen;

    if (!r.doc)
        return -EINVAL;
    memset(cfg, 0, sizeof(*cfg));
    cfg->kind = NETWORK_ISOLATED;
    root = json_root(r.doc);
    if (read_object(&r, root, network_members, ARRAY_SIZE(network_members), &seen) ||
        check_kind(&r, root, seen))
        return -EINVAL;
    if (str_copy(cfg->name, sizeof(cfg->name), req->match.params[0]) && vm_name_is_valid(cfg->name))
        return 0;
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .pointer = "/name",
                                     .got = req->match.params[0],
                                     .detail = "This cannot be the name of a network.",
                                     .hint = "Use 1 to 63 of a-z, 0-9 and '-', not '-' first."});
    return -EINVAL;
}
