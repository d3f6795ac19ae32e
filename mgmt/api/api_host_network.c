/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own network: settings in force, their change on trial, and its confirmation. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"
#include "mgmt/config/config_store.h"
#include "mgmt/api/body.h"
#include "mgmt/api/host_network_json.h"
#include "mgmt/net/host_network.h"
#include "mgmt/net/netif.h"

static void put_settings_if(struct json_writer *w, const char *key, const struct host_network *net,
                            bool is_there)
{
    json_key(w, key);
    if (is_there)
        host_network_json_write(w, net);
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
    json_put_wire_address(w, view.address, view.netmask);
    json_put_bool(w, "by_dhcp", view.by_dhcp);
    json_put_wire_ip(w, "gateway", view.gateway);
    json_put_wire_dns(w, view.dns);
    json_key(w, "ipv6");
    json_array_begin(w);
    for (u32 i = 0; i < view.ipv6_count; i++)
        json_string(w, view.ipv6[i]);
    json_array_end(w);
    json_object_end(w);
}

void api_host_network_get(struct req *req)
{
    const struct net_change *change = host_network_change();
    struct json_writer *w = reply_json(req, 200);

    json_object_begin(w);
    json_key(w, "settings");
    host_network_json_write(w, host_network_in_force());
    put_settings_if(w, "pending", &change->wanted, change->state == NET_CHANGE_WAITING);
    put_settings_if(w, "previous", &change->previous, change->state == NET_CHANGE_ON_TRIAL);
    json_counters_follow(w);
    json_key(w, "task");
    if (change->state != NET_CHANGE_NONE)
        host_network_json_task(w, change);
    else
        json_null(w);
    put_view(w);
    json_object_end(w);
}

void api_host_network_patch(struct req *req)
{
    struct host_network net = *host_network_in_force();
    u64 trial_ms = HOST_TRIAL_MS;
    struct body_reader r = {.req = req};
    bool dry_run;

    if (query_bool(req, "dry_run", &dry_run) || host_network_refuse_second(req))
        return;
    r.doc = api_json_body(req);
    if (!r.doc || host_network_json_read(&r, json_root(r.doc), &net, &trial_ms) ||
        host_network_json_check(req, "", &net))
        return;
    if (dry_run)
        host_network_json_write(reply_json(req, 200), &net);
    else if (host_network_begin(&net, trial_ms * NS_PER_MS))
        (void)host_network_refuse_second(req);
    else
        host_network_json_task(reply_json(req, 202), host_network_change());
}

static int read_task(struct body_reader *r, const struct json_node *node)
{
    char text[HOST_NETWORK_TASK_MAX], latest[HOST_NETWORK_TASK_MAX];
    const struct net_change *change = host_network_change();

    ksnprintf(latest, sizeof(latest), HOST_NETWORK_TASK "%u", change->number);
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
    host_network_json_task(reply_json(req, 200), host_network_change());
}
