/* SPDX-License-Identifier: BSD-2-Clause */
/* Its parts are those of /host/network and /networks. */
#include "mgmt/api/host_config_json.h"

#include "core/lib/errno.h"
#include "mgmt/api/body.h"
#include "mgmt/api/host_network_json.h"
#include "mgmt/api/network_json.h"
#include "mgmt/http/server.h"
#include "mgmt/net/networks_swap.h"

void host_config_json_write(struct json_writer *w)
{
    static struct network_info info; /* large; one thread answers */

    json_object_begin(w);
    json_key(w, "network");
    host_network_json_write(w, host_network_in_force());
    json_key(w, "networks");
    json_array_begin(w);
    info.cfg.name[0] = '\0';
    while (network_next(info.cfg.name, &info)) {
        if (!network_is_from_boot(&info))
            network_json_write_config(w, &info.cfg);
    }
    json_array_end(w);
    json_key(w, "api");
    json_object_begin(w);
    json_put_bool(w, "tls", server_has_tls());
    json_put_u64(w, "port", server_api_port());
    json_object_end(w);
    json_object_end(w);
}

static struct config_wanted *wanted_of(const struct body_reader *r)
{
    return r->out;
}

/* Its members have their defaults if they are left out: it is the whole. */
static int read_network(struct body_reader *r, const struct json_node *node)
{
    struct host_config cfg;

    host_config_default(&cfg);
    wanted_of(r)->has_net = true;
    wanted_of(r)->net = cfg.net;
    return host_network_json_read(r, node, &wanted_of(r)->net, NULL);
}

static int read_networks(struct body_reader *r, const struct json_node *node)
{
    struct config_wanted *wanted = wanted_of(r);

    if (node->type != JSON_ARRAY)
        return body_bad(r, node, "This value must be an array of networks.", "Use [].");
    wanted->has_networks = true;
    for (const struct json_node *at = json_first(r->doc, node); at; at = json_next(r->doc, at)) {
        if (wanted->network_count == NETWORKS_MAX)
            return body_bad(r, at, "There are too many networks.", "Use at most 64.");
        if (network_json_read_item(r, at, &wanted->networks[wanted->network_count++]))
            return -EINVAL;
    }
    return 0;
}

static int for_boot(struct body_reader *r, const struct json_node *node)
{
    return body_refuse(r, node, "reboot_needed", "This is read when the host boots, only.",
                       "Change it in socle.dtb on the host's stick and reboot, or leave \"api\" "
                       "out.");
}

static int read_tls(struct body_reader *r, const struct json_node *node)
{
    bool has_tls = false;

    if (body_flag(r, node, &has_tls))
        return -EINVAL;
    return has_tls == server_has_tls() ? 0 : for_boot(r, node);
}

static int read_port(struct body_reader *r, const struct json_node *node)
{
    u64 port = 0;

    if (body_number(r, node, UINT16_MAX, &port))
        return -EINVAL;
    return port == server_api_port() ? 0 : for_boot(r, node);
}

static int read_api(struct body_reader *r, const struct json_node *node)
{
    static const struct body_member members[] = {{"tls", read_tls}, {"port", read_port}};
    u32 seen;

    return body_object(r, node, members, ARRAY_SIZE(members), &seen);
}

int host_config_json_read(struct req *req, struct config_wanted *wanted)
{
    static const struct body_member members[] = {
        {"network", read_network}, {"networks", read_networks}, {"api", read_api}};
    struct body_reader r = {.req = req, .out = wanted};
    u32 seen;

    return body_read(&r, members, ARRAY_SIZE(members), &seen);
}
