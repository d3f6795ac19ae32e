/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks. */
#include <stdio.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"

static void network_row(struct grid *grid, const json_t *network)
{
    char number[TEXT_NUMBER_MAX];

    grid_add(grid, member_text(network, "name"));
    grid_add(grid, member_text(network, "kind"));
    grid_add(grid, member_text(network, "uplink"));
    snprintf(number, sizeof(number), "%llu", member_number(network, "vlan"));
    grid_add(grid, member_number(network, "vlan") ? number : NULL);
    snprintf(number, sizeof(number), "%llu", member_number(network, "mtu"));
    grid_add(grid, number);
    snprintf(number, sizeof(number), "%llu", member_number(network, "ports"));
    grid_add(grid, number);
}

enum outcome run_network_list(struct cli *cli)
{
    static const struct listing networks = {
        .path = "/networks",
        .key = "name",
        .heads = "NAME|KIND|UPLINK|>VLAN|>MTU|>PORTS",
        .row = network_row,
    };

    return listing_print(cli, &networks);
}

static void nic_row(struct grid *grid, const json_t *nic)
{
    char speed[TEXT_NUMBER_MAX];

    snprintf(speed, sizeof(speed), "%llu", member_number(nic, "speed_bps") / 1000000);
    grid_add(grid, member_text(nic, "name"));
    grid_add(grid, member_text(nic, "driver"));
    grid_add(grid, member_text(nic, "mac"));
    grid_add(grid, member_text(nic, "link"));
    grid_add(grid, member_number(nic, "speed_bps") ? speed : NULL);
    grid_add(grid, member_text(nic, "address"));
    grid_add(grid, member_text(nic, "model"));
}

enum outcome run_nic_list(struct cli *cli)
{
    static const struct listing nics = {
        .path = "/host/nics",
        .key = "name",
        .heads = "NAME|DRIVER|MAC|LINK|>MBIT/S|ADDRESS|MODEL",
        .row = nic_row,
    };

    return listing_print(cli, &nics);
}

/* Puts the option's number into the body. Return: false after telling that it is none. */
static bool take_number(const struct cli *cli, const char *name, json_t *body)
{
    const char *text = args_option(&cli->args, name);
    u64 value;

    if (!text)
        return true;
    if (!text_parse_number(text, UINT16_MAX, &value)) {
        (void)say(MISUSED, "--%s needs a number, not \"%s\".", name, text);
        return false;
    }
    json_object_set_new(body, name, json_integer((json_int_t)value));
    return true;
}

enum outcome run_network_create(struct cli *cli)
{
    const char *kind = args_option(&cli->args, "kind"), *uplink = args_option(&cli->args, "uplink");
    json_t *body = json_pack("{ss}", "kind", kind ? kind : "isolated");

    if (uplink)
        json_object_set_new(body, "uplink", json_string(uplink));
    if (!take_number(cli, "vlan", body) || !take_number(cli, "mtu", body)) {
        json_decref(body);
        return MISUSED;
    }
    return api_send(cli, "PUT", api_path("/networks/", args_value(&cli->args, 0), NULL), body);
}

enum outcome run_network_rm(struct cli *cli)
{
    return listing_delete(cli, "/networks/", args_value(&cli->args, 0), "");
}
