/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks and their ports. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/network.h"
#include "mgmt/api.h"

#define PORT_BYTES_MAX 512u /* of one port in JSON */

static const char *const kinds[] = {
    [NETWORK_BRIDGE] = "bridge",
    [NETWORK_ISOLATED] = "isolated",
    [NETWORK_NAT] = "nat",
};

static void write_network(struct json_writer *w, const struct network_info *info)
{
    const struct network_config *cfg = &info->cfg;
    bool is_bridge = cfg->kind == NETWORK_BRIDGE;

    json_object_begin(w);
    json_put_string(w, "name", cfg->name);
    json_put_string(w, "kind", kinds[cfg->kind]);
    if (is_bridge) {
        json_put_string(w, "uplink", cfg->uplink);
        json_put_u64(w, "vlan", cfg->vlan);
    }
    json_put_u64(w, "mtu", cfg->mtu);
    json_put_u64(w, "ports", info->ports);
    json_put_bool(w, "builtin", info->is_builtin);
    json_object_end(w);
}

void api_networks_get(struct req *req)
{
    struct json_writer *w = reply_json(req, 200);
    struct network_info info = {0};

    json_array_begin(w);
    while (network_next(info.cfg.name, &info))
        write_network(w, &info);
    json_array_end(w);
}

static void no_such(struct req *req)
{
    api_error(req, &(struct problem){.slug = "no_such",
                                     .kind = "network",
                                     .name = req->match.params[0],
                                     .detail = "There is no such network.",
                                     .hint = "GET /api/v1/networks lists them."});
}

void api_network_get(struct req *req)
{
    struct network_info info;

    if (network_get(req->match.params[0], &info))
        no_such(req);
    else
        write_network(reply_json(req, 200), &info);
}

static int bad(struct req *req, const struct json_node *node, const char *slug, const char *detail,
               const char *hint)
{
    char pointer[160];

    json_pointer(api_json_body(req), node, pointer, sizeof(pointer));
    api_error(req,
              &(struct problem){.slug = slug, .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

static int read_kind(struct req *req, const struct json_doc *doc, const struct json_node *node,
                     struct network_config *cfg)
{
    char text[16] = "";

    if (json_get_string(doc, node, text, sizeof(text)) == 0) {
        cfg->kind = strcmp(text, "isolated") == 0 ? NETWORK_ISOLATED : NETWORK_BRIDGE;
        if (cfg->kind == NETWORK_ISOLATED || strcmp(text, "bridge") == 0)
            return 0;
    }
    if (strcmp(text, "nat") == 0)
        return bad(req, node, "semantic", "This version cannot translate addresses.",
                   "Use \"bridge\" or \"isolated\".");
    return bad(req, node, "bad_value", "This is no kind of network.",
               "Use \"bridge\" or \"isolated\".");
}

/* Return: 0 or -EINVAL after answering. */
static int read_member(struct req *req, const struct json_doc *doc, const struct json_node *key,
                       struct network_config *cfg)
{
    const struct json_node *value = json_first(doc, key);
    u64 number;

    if (json_key_is(doc, key, "kind"))
        return read_kind(req, doc, value, cfg);
    if (json_key_is(doc, key, "ports") || json_key_is(doc, key, "builtin") ||
        json_key_is(doc, key, "name"))
        return 0; /* what GET gave can be PUT back */
    if (json_key_is(doc, key, "uplink")) {
        if (json_get_string(doc, value, cfg->uplink, sizeof(cfg->uplink)) == 0)
            return 0;
        return bad(req, value, "bad_value", "This is no NIC's address.", "Use \"0000:00:02.0\".");
    }
    if (!json_key_is(doc, key, "vlan") && !json_key_is(doc, key, "mtu"))
        return bad(req, key, "unknown_field", "There is no such field in this version.",
                   "Leave it out or correct its spelling.");
    if (json_get_u64(doc, value, &number) || number > UINT16_MAX)
        return bad(req, value, "bad_value", "This value must be a whole number below 65536.",
                   "A VLAN is 0 to 4094, an MTU 576 to 1500.");
    if (json_key_is(doc, key, "vlan"))
        cfg->vlan = (u16)number;
    else
        cfg->mtu = (u32)number;
    return 0;
}

/* Return: 0 or -EINVAL after answering. */
static int read_network(struct req *req, struct network_config *cfg)
{
    const struct json_doc *doc = api_json_body(req);
    const struct json_node *root = doc ? json_root(doc) : NULL;

    if (!doc)
        return -EINVAL;
    *cfg = (struct network_config){.kind = NETWORK_ISOLATED};
    if (root->type != JSON_OBJECT)
        return bad(req, root, "bad_value", "This value must be an object.",
                   "Use {\"kind\": \"isolated\"}.");
    for (const struct json_node *key = json_first(doc, root); key; key = json_next(doc, key)) {
        if (read_member(req, doc, key, cfg))
            return -EINVAL;
    }
    if (cfg->kind == NETWORK_ISOLATED && (cfg->vlan != 0 || cfg->uplink[0] != '\0'))
        return bad(req, root, "semantic", "An isolated network has no uplink and no VLAN.",
                   "Leave both out, or use the kind \"bridge\".");
    if (str_copy(cfg->name, sizeof(cfg->name), req->match.params[0]) && vm_name_is_valid(cfg->name))
        return 0;
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .pointer = "/name",
                                     .got = req->match.params[0],
                                     .detail = "This cannot be the name of a network.",
                                     .hint = "Use 1 to 63 of a-z, 0-9 and '-', not '-' first."});
    return -EINVAL;
}

static void refuse(struct req *req, int rc)
{
    struct problem problem = {.slug = "semantic"};

    if (rc == -EBUSY) {
        problem.slug = "in_use";
        problem.detail = "The network is in use or built in, or another one has its VLAN.";
        problem.hint = "Stop the VMs on it; GET /api/v1/networks shows what there is.";
    } else if (rc == -ENODEV) {
        problem.detail = "There is no such NIC to be the uplink.";
        problem.hint = "Leave \"uplink\" out for the first one.";
    } else if (rc == -EINVAL) {
        problem.detail = "The VLAN or the MTU is out of range.";
        problem.hint = "A VLAN is 0 to 4094, an MTU 576 to what the uplink takes.";
    } else {
        problem.slug = "no_memory";
        problem.detail = "There is no room for another network.";
        problem.hint = "Delete one: there can be 64.";
    }
    api_error(req, &problem);
}

void api_network_put(struct req *req)
{
    struct network_config cfg;
    struct network_info info;
    bool is_new;
    int rc;

    if (read_network(req, &cfg))
        return;
    rc = network_put(&cfg, &is_new);
    if (rc || network_get(cfg.name, &info))
        refuse(req, rc);
    else
        write_network(reply_json(req, is_new ? 201 : 200), &info);
}

void api_network_delete(struct req *req)
{
    int rc = network_delete(req->match.params[0]);

    if (rc == -ENOENT)
        no_such(req);
    else if (rc)
        refuse(req, rc);
    else
        reply_empty(req, 204);
}

static void write_port(struct json_writer *w, const struct netport *port)
{
    const struct netport_counters *c = &port->counters;
    const u8 *mac = port->cfg.mac;
    char text[18];

    ksnprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
              mac[4], mac[5]);
    json_object_begin(w);
    json_put_string(w, "vm", port->cfg.vm);
    json_put_string(w, "nic", port->cfg.nic);
    json_put_string(w, "mac", text);
    json_put_u64(w, "rx_frames", __atomic_load_n(&c->rx_frames, __ATOMIC_RELAXED));
    json_put_u64(w, "rx_bytes", __atomic_load_n(&c->rx_bytes, __ATOMIC_RELAXED));
    json_put_u64(w, "rx_drops", __atomic_load_n(&c->rx_drops, __ATOMIC_RELAXED));
    json_put_u64(w, "tx_frames", __atomic_load_n(&c->tx_frames, __ATOMIC_RELAXED));
    json_put_u64(w, "tx_bytes", __atomic_load_n(&c->tx_bytes, __ATOMIC_RELAXED));
    json_put_u64(w, "tx_drops", __atomic_load_n(&c->tx_drops, __ATOMIC_RELAXED));
    json_put_u64(w, "spoofed", __atomic_load_n(&c->spoofed, __ATOMIC_RELAXED));
    json_put_u64(w, "storms", __atomic_load_n(&c->storms, __ATOMIC_RELAXED));
    json_object_end(w);
}

/* A piece whenever the client has taken the last one; state.id: the next place in the table. */
static enum produce produce_ports(struct req *req, struct json_writer *w)
{
    const struct netport *port;

    if (!req->state.flag)
        json_raw(w, "[");
    while (w->len + PORT_BYTES_MAX < w->size) {
        port = network_port_next(req->state.name, req->state.id);
        if (!port) {
            json_raw(w, "]");
            return PRODUCE_DONE;
        }
        if (req->state.flag)
            json_raw(w, ",");
        w->need_comma = false;
        req->state.flag = true;
        req->state.id = port->index + 1;
        write_port(w, port);
    }
    return PRODUCE_MORE;
}

void api_network_ports_get(struct req *req)
{
    static const struct body_source source = {.produce = produce_ports};
    struct network_info info;

    if (network_get(req->match.params[0], &info)) {
        no_such(req);
        return;
    }
    req->state.id = 0;
    req->state.flag = false;
    (void)str_copy(req->state.name, sizeof(req->state.name), info.cfg.name);
    reply_stream(req, 200, "application/json", HTTP_LENGTH_NONE, &source);
}
