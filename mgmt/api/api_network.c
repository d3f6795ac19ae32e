/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks and their ports. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/network.h"
#include "mgmt/api/api.h"
#include "mgmt/auth/auth.h"
#include "mgmt/config/config_store.h"
#include "mgmt/api/api_list.h"
#include "mgmt/api/network_json.h"

#define PORT_BYTES_MAX 512u /* of one port in JSON */

/* Forwards lead to VMs, of which the request may not know. */
static void hide_forwards(const struct req *req, struct network_nat *nat)
{
    u32 count = nat->forward_count, id;

    if (req->who.scope.count == 0)
        return;
    nat->forward_count = 0;
    for (u32 i = 0; i < count; i++) {
        if (vmm_find(nat->forwards[i].vm, &id) == 0 && auth_sees_vm(&req->who, id))
            nat->forwards[nat->forward_count++] = nat->forwards[i];
    }
}

static bool next_network(struct req *req, struct json_writer *w)
{
    static struct network_info info; /* large; one thread answers */

    if (!network_next(req->state.name, &info))
        return false;
    (void)str_copy(req->state.name, sizeof(req->state.name), info.cfg.name);
    hide_forwards(req, &info.cfg.nat);
    network_json_write(w, &info);
    return true;
}

void api_networks_get(struct req *req)
{
    static const struct api_list networks = {next_network, NETWORK_JSON_MAX, LIST_ALL, false};

    reply_list(req, &networks);
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
    static struct network_info info; /* large; one thread answers */

    if (network_get(req->match.params[0], &info)) {
        no_such(req);
        return;
    }
    hide_forwards(req, &info.cfg.nat);
    network_json_write(reply_json(req, 200), &info);
}

/* What network_put and network_delete refuse with, and what is told of it. */
static const struct refusal {
    int rc;
    struct problem problem;
} refusals[] = {
    {-EBUSY,
     {.slug = "in_use",
      .detail = "The network is in use or built in, or another one has its VLAN.",
      .hint = "Stop the VMs on it; GET /api/v1/networks shows what there is. Forwards alone can "
              "change at any time, of a built-in network the MTU or the subnet."}},
    {-ENODEV,
     {.slug = "semantic",
      .pointer = "/uplink",
      .detail = "There is no such NIC to be the uplink.",
      .hint = "Leave \"uplink\" out for the first one."}},
    {-EINVAL,
     {.slug = "semantic",
      .detail = "The VLAN, the MTU, the subnet or its range is out of range.",
      .hint = "A VLAN is 0 to 4094, an MTU 576 to 9000, a subnet a usable one of 8 to 29 bits, the "
              "range inside it and behind the gateway, its first address."}},
    {-E2BIG,
     {.slug = "semantic",
      .pointer = "/mtu",
      .detail = "The uplink does not take frames of this MTU.",
      .hint = "GET /api/v1/host/nics has the largest one of each NIC, \"mtu_max\"."}},
    {-ERANGE,
     {.slug = "semantic",
      .pointer = "/cidr",
      .detail = "The subnet overlaps that of another network, or the host's own.",
      .hint = "Leave \"cidr\" out for a free one."}},
    {-EEXIST,
     {.slug = "in_use",
      .pointer = "/forwards",
      .detail = "Two forwards, here or on another network, have the same protocol and host port.",
      .hint = "GET /api/v1/networks lists the forwards of all."}},
    {0,
     {.slug = "no_memory",
      .detail = "There is no room for another network.",
      .hint = "Delete one: there can be 64, four of them of the kind nat."}},
};

void network_json_refuse(struct req *req, int rc, const char *at, const char *name)
{
    const struct refusal *r = refusals;
    struct problem problem;
    char pointer[48];

    while (r->rc != 0 && r->rc != rc)
        r++;
    problem = r->problem;
    ksnprintf(pointer, sizeof(pointer), "%s%s", at, problem.pointer ? problem.pointer : "");
    problem.name = name;
    problem.pointer = pointer[0] != '\0' ? pointer : NULL;
    api_error(req, &problem);
}

/* What would be there; nothing is. */
static void reply_dry_run(struct req *req, struct network_config *cfg)
{
    static struct network_info info; /* large; one thread answers */
    int rc = network_check(cfg);

    if (rc) {
        network_json_refuse(req, rc, "", NULL);
        return;
    }
    if (network_get(cfg->name, &info))
        memset(&info, 0, sizeof(info));
    info.cfg = *cfg;
    network_json_write(reply_json(req, 200), &info);
}

void api_network_put(struct req *req)
{
    static struct network_config cfg;
    static struct network_info info; /* large; one thread answers */
    bool is_new, dry_run;
    int rc;

    if (query_bool(req, "dry_run", &dry_run) || network_json_read(req, &cfg))
        return;
    if (dry_run) {
        reply_dry_run(req, &cfg);
        return;
    }
    rc = network_put(&cfg, &is_new);
    if (rc || network_get(cfg.name, &info)) {
        network_json_refuse(req, rc, "", NULL);
        return;
    }
    config_store_note();
    network_json_write(reply_json(req, is_new ? 201 : 200), &info);
}

void api_network_delete(struct req *req)
{
    int rc = network_delete(req->match.params[0]);

    if (rc == -ENOENT) {
        no_such(req);
    } else if (rc) {
        network_json_refuse(req, rc, "", NULL);
    } else {
        config_store_note();
        reply_empty(req, 204);
    }
}

static void write_port(struct json_writer *w, const struct netport *port)
{
    const struct netport_counters *c = &port->counters;

    json_object_begin(w);
    json_put_string(w, "vm", port->cfg.vm);
    json_put_string(w, "nic", port->cfg.nic);
    json_put_mac(w, "mac", port->cfg.mac);
    json_put_ipv4(w, "ip_seen", netport_ip_seen(port));
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

/* state.id: the next place in the table; the path still names the network. */
static bool next_port(struct req *req, struct json_writer *w)
{
    const struct netport *port = network_port_next(req->match.params[0], req->state.id);

    if (!port)
        return false;
    req->state.id = port->index + 1;
    write_port(w, port);
    return true;
}

void api_network_ports_get(struct req *req)
{
    static const struct api_list ports = {next_port, PORT_BYTES_MAX, LIST_ALL, false};
    static struct network_info info; /* large; one thread answers */

    if (network_get(req->match.params[0], &info))
        no_such(req);
    else
        reply_list(req, &ports);
}
