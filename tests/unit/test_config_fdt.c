/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/config/config_fdt.c mgmt/net/network_fdt.c mgmt/net/network_text.c
 * mgmt/config/config_read.c mgmt/config/host_config.c core/lib/dtb.c core/lib/hex.c
 * core/lib/printf.c core/lib/str.c tests/fakes/libfdt.c
 */
/* What is written comes back the same; networks with mistakes are told and left out. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "core/lib/errno.h"
#include "drivers/net/inet.h"
#include "mgmt/config/config_fdt.h"
#include "mgmt/config/config_read.h"
#include "mgmt/net/network_fdt.h"

static char blob[32768], other[32768];
static char told[512]; /* "node/name;" for each mistake */
static struct network_config network, lab;
static struct host_config cfg;

static void note(void *cookie, const char *node, const char *name, const char *what)
{
    size_t used = strlen(told);

    (void)cookie;
    CHECK(what[0] != '\0');
    snprintf(told + used, sizeof(told) - used, "%s/%s;", node, name ? name : "");
}

static const struct dtb_report report = {note, NULL};

static struct host_network settings(void)
{
    struct host_network net = {.hostname = "rack-7", .nic = "0000:00:03.0", .vlan = 7};
    static const u8 address[] = {192, 0, 2, 10}, mask[] = {255, 255, 240, 0};
    static const u8 gateway[] = {192, 0, 2, 1}, dns[] = {192, 0, 2, 53, 192, 0, 2, 54};

    memcpy(&net.address, address, 4);
    memcpy(&net.netmask, mask, 4);
    memcpy(&net.gateway, gateway, 4);
    memcpy(net.dns, dns, 8);
    return net;
}

static void read_back(const struct host_network *net)
{
    told[0] = '\0';
    host_config_default(&cfg);
    CHECK_EQ(host_config_read(&cfg, blob, fdt_totalsize(blob), &report), 0);
    CHECK_STR(told, "");
    CHECK(memcmp(&cfg.net, net, sizeof(*net)) == 0);
}

TEST(settings_come_back)
{
    struct host_network net = settings();
    size_t bytes;

    CHECK_EQ(config_fdt_begin(blob, sizeof(blob), NULL, &net), 0);
    bytes = config_fdt_end(blob);
    CHECK_EQ(bytes, fdt_totalsize(blob));
    read_back(&net);
    memset(&net, 0, sizeof(net));
    strcpy(net.hostname, "plain");
    net.dhcp = true;
    CHECK_EQ(config_fdt_begin(other, sizeof(other), blob, &net), 0);
    (void)config_fdt_end(other);
    memcpy(blob, other, sizeof(blob));
    read_back(&net);
}

TEST(what_else_was_there_stays)
{
    struct host_network net = settings();
    int node;

    CHECK_EQ(config_fdt_begin(blob, sizeof(blob), NULL, &net), 0);
    node = fdt_add_subnode(blob, 0, "vms");
    CHECK(node > 0);
    CHECK(fdt_add_subnode(blob, node, "web") > 0);
    CHECK_EQ(config_fdt_begin(other, sizeof(other), blob, &net), 0);
    CHECK(config_fdt_end(other) < sizeof(other));
    CHECK(dtb_find(other, "/vms/web") > 0);
    CHECK(dtb_is_socle(other, fdt_totalsize(other)));
}

static int read_network(void)
{
    int node = dtb_find(blob, "/networks/lab");

    told[0] = '\0';
    return network_fdt_read(blob, node, "networks/lab", &network, &report);
}

static void write_lab(void)
{
    struct host_network net = settings();

    CHECK_EQ(config_fdt_begin(blob, sizeof(blob), NULL, &net), 0);
    CHECK_EQ(config_fdt_network(blob, &lab), 0);
    (void)config_fdt_end(blob);
}

TEST(networks_come_back)
{
    memset(&lab, 0, sizeof(lab));
    strcpy(lab.name, "lab");
    lab.kind = NETWORK_BRIDGE;
    lab.mtu = 1400;
    lab.vlan = 4094;
    strcpy(lab.uplink, "0000:00:02.0");
    write_lab();
    CHECK_EQ(read_network(), 0);
    CHECK(memcmp(&network, &lab, sizeof(lab)) == 0);
    lab.kind = NETWORK_NAT;
    lab.vlan = 0;
    memset(lab.uplink, 0, sizeof(lab.uplink));
    lab.nat = (struct network_nat){.subnet = 0xc0a85000, .prefix_bits = 24};
    lab.nat.range_first = 0xc0a85064;
    lab.nat.range_last = 0xc0a850c7;
    lab.nat.forward_count = NAT_FORWARDS;
    for (u32 i = 0; i < NAT_FORWARDS; i++) {
        lab.nat.forwards[i].protocol = i % 2 ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
        lab.nat.forwards[i].host_port = (u16)(8000 + i);
        lab.nat.forwards[i].port = (u16)(1 + i);
        strcpy(lab.nat.forwards[i].vm, "web");
    }
    write_lab();
    CHECK_EQ(read_network(), 0);
    CHECK(memcmp(&network, &lab, sizeof(lab)) == 0);
    CHECK_STR(told, "");
}

/* Changes one thing of a network that is right. */
static void mistake(const char *path, const char *name, const char *text, u32 number, int expected,
                    const char *told_of)
{
    int node;

    write_lab();
    memcpy(other, blob, sizeof(other));
    CHECK_EQ(fdt_open_into(other, blob, sizeof(blob)), 0);
    node = dtb_find(blob, path);
    CHECK(node > 0);
    if (text)
        CHECK_EQ(fdt_setprop_string(blob, node, name, text), 0);
    else
        CHECK_EQ(fdt_setprop_u32(blob, node, name, number), 0);
    CHECK_EQ(read_network(), expected);
    CHECK_STR(told, told_of);
}

TEST(mistakes_are_told)
{
    static const char at[] = "/networks/lab", forward[] = "/networks/lab/forwards/tcp-8001";

    mistake(at, "kind", "wifi", 0, -EINVAL, "networks/lab/kind;");
    mistake(at, "kind", "isolated", 0, -EINVAL, "networks/lab/kind;");
    mistake(at, "vlan", NULL, 5, -EINVAL, "networks/lab/kind;");
    mistake(at, "vlan", NULL, 70000, -EINVAL, "networks/lab/vlan;");
    mistake(at, "mtu", NULL, 100, -EINVAL, "networks/lab/mtu;");
    mistake(at, "mtu", NULL, 9001, -EINVAL, "networks/lab/mtu;");
    mistake(at, "cidr", "192.168.80.1/24", 0, -EINVAL, "networks/lab/cidr;");
    mistake(at, "dhcp-range", "192.168.80.1", 0, -EINVAL, "networks/lab/dhcp-range;");
    mistake(at, "colour", "red", 0, 0, "networks/lab/colour;");
    mistake(forward, "proto", "icmp", 0, -EINVAL, "networks/lab/forwards/tcp-8001/proto;");
    mistake(forward, "vm", "", 0, -EINVAL, "networks/lab/forwards/tcp-8001/vm;");
    mistake(forward, "port", NULL, 0, -EINVAL, "networks/lab/forwards/tcp-8001/port;");
    mistake(forward, "host-port", NULL, 50000, -EINVAL,
            "networks/lab/forwards/tcp-8001/host-port;");
}

TEST(no_room)
{
    struct host_network net = settings();
    size_t size;

    write_lab();
    size = fdt_totalsize(blob);
    for (size_t room = 0; room < size; room += 40) {
        void *exact = malloc(room + 1);
        int rc = config_fdt_begin(exact, room, NULL, &net);

        if (rc == 0)
            rc = config_fdt_network(exact, &lab);
        CHECK_EQ(rc, -ENOSPC);
        free(exact);
    }
}

TEST(damage_is_harmless)
{
    size_t size;
    char *copy;

    lab.nat.forward_count = 2;
    write_lab();
    size = fdt_totalsize(blob);
    copy = malloc(size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        int node;

        memcpy(copy, blob, size);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
        if (!dtb_is_sound(copy, size))
            continue;
        node = dtb_find(copy, "/networks/lab");
        told[0] = '\0';
        if (node > 0)
            (void)!network_fdt_read(copy, node, "networks/lab", &network, &report);
    }
    free(copy);
}

/* -- what is sent to be put back */

static struct network_config room[NETWORKS_MAX];
static struct config_wanted wanted = {.networks = room};
static struct config_mistake wrong;

/* A tree with the settings, a network and what only counts at boot. */
static void write_whole(void *tree, const char *token)
{
    struct host_network net = settings();
    int node;

    memset(&lab, 0, sizeof(lab));
    strcpy(lab.name, "lab");
    lab.kind = NETWORK_ISOLATED;
    lab.mtu = 1400;
    CHECK_EQ(config_fdt_begin(tree, sizeof(blob), NULL, &net), 0);
    CHECK_EQ(config_fdt_network(tree, &lab), 0);
    node = fdt_add_subnode(tree, 0, "api");
    CHECK_EQ(fdt_setprop_string(tree, node, "tls", "on"), 0);
    node = fdt_add_subnode(tree, node, "tokens");
    node = fdt_add_subnode(tree, node, token);
    CHECK_EQ(fdt_setprop_string(tree, node, "role", "admin"), 0);
    (void)config_fdt_end(tree);
}

static int read_sent(const void *booted, const struct host_network *in_force)
{
    return config_read(blob, fdt_totalsize(blob), booted, in_force, &wanted, &wrong);
}

TEST(what_was_saved_is_wanted)
{
    struct host_network net = settings(), in_force = {.hostname = "now"};

    write_whole(blob, "ci");
    write_whole(other, "ci");
    CHECK_EQ(read_sent(other, &in_force), 0);
    CHECK(wanted.has_net && host_network_is_same(&wanted.net, &net));
    CHECK(wanted.has_networks);
    CHECK_EQ(wanted.network_count, 1);
    CHECK(memcmp(&wanted.networks[0], &lab, sizeof(lab)) == 0);
}

TEST(parts_left_out_are_not_wanted)
{
    struct host_network in_force = {.hostname = "now", .vlan = 9, .dhcp = true};

    CHECK_EQ(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_setprop_string(blob, 0, "compatible", DTB_COMPATIBLE), 0);
    CHECK_EQ(read_sent(NULL, &in_force), 0);
    CHECK(!wanted.has_net && !wanted.has_networks);
    CHECK_EQ(fdt_setprop_string(blob, 0, "hostname", "new"), 0);
    CHECK_EQ(read_sent(NULL, &in_force), 0);
    CHECK(wanted.has_net);
    CHECK_STR(wanted.net.hostname, "new");
    CHECK_EQ(wanted.net.vlan, 9);
}

TEST(what_counts_at_boot_must_be_what_it_was)
{
    struct host_network in_force = settings();

    write_whole(blob, "ci");
    write_whole(other, "nightly");
    CHECK_EQ(read_sent(other, &in_force), -EINVAL);
    CHECK(wrong.is_for_boot);
    CHECK_STR(wrong.pointer, "/api");
    CHECK_EQ(read_sent(NULL, &in_force), -EINVAL);
    CHECK(wrong.is_for_boot);
    write_whole(other, "ci");
    CHECK_EQ(fdt_open_into(other, other, sizeof(other)), 0);
    CHECK_EQ(fdt_setprop_string(other, dtb_find(other, "/api/tokens/ci"), "role", "viewer"), 0);
    CHECK_EQ(read_sent(other, &in_force), -EINVAL);
    CHECK_EQ(fdt_setprop_string(other, dtb_find(other, "/api/tokens/ci"), "role", "admin"), 0);
    CHECK_EQ(read_sent(other, &in_force), 0);
    CHECK(fdt_add_subnode(other, dtb_find(other, "/api/tokens"), "more") > 0);
    CHECK_EQ(read_sent(other, &in_force), -EINVAL);
}

TEST(the_console_counts_at_boot)
{
    struct host_network in_force = settings();

    CHECK_EQ(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_setprop_string(blob, 0, "compatible", DTB_COMPATIBLE), 0);
    CHECK(fdt_add_subnode(blob, 0, "console") > 0);
    CHECK_EQ(fdt_setprop_string(blob, dtb_find(blob, "/console"), "keys", "off"), 0);
    CHECK_EQ(read_sent(NULL, &in_force), -EINVAL);
    CHECK(wrong.is_for_boot);
    CHECK_STR(wrong.pointer, "/console");
}

TEST(one_mistake_costs_all)
{
    struct host_network in_force = settings();

    write_whole(blob, "ci");
    CHECK_EQ(config_read(blob, 40, blob, &in_force, &wanted, &wrong), -EINVAL);
    CHECK(wrong.what[0] != '\0' && !wrong.is_for_boot);
    write_whole(other, "ci");
    CHECK_EQ(fdt_open_into(blob, blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_setprop_u32(blob, dtb_find(blob, "/network"), "vlan", 4095), 0);
    CHECK_EQ(read_sent(other, &in_force), -EINVAL);
    CHECK_STR(wrong.pointer, "/network/vlan");
    CHECK_EQ(fdt_setprop_u32(blob, dtb_find(blob, "/network"), "vlan", 1), 0);
    CHECK_EQ(fdt_setprop_u32(blob, dtb_find(blob, "/networks/lab"), "mtu", 1), 0);
    CHECK_EQ(read_sent(other, &in_force), -EINVAL);
    CHECK_STR(wrong.pointer, "/networks/lab/mtu");
    CHECK_EQ(fdt_setprop_u32(blob, dtb_find(blob, "/networks/lab"), "mtu", 1400), 0);
    CHECK_EQ(fdt_setprop_u32(blob, 0, "colour", 1), 0);
    CHECK_EQ(read_sent(other, &in_force), -EINVAL);
    CHECK_STR(wrong.pointer, "/colour");
}

TEST(too_many_networks)
{
    struct host_network in_force = settings();
    int parent;

    CHECK_EQ(config_fdt_begin(blob, sizeof(blob), NULL, &in_force), 0);
    parent = dtb_find(blob, "/networks");
    for (u32 i = 0; i <= NETWORKS_MAX; i++) {
        char name[16];

        if (i == NETWORKS_MAX)
            CHECK_EQ(read_sent(NULL, &in_force), 0);
        snprintf(name, sizeof(name), "n%u", i);
        CHECK(fdt_add_subnode(blob, parent, name) > 0);
    }
    CHECK_EQ(read_sent(NULL, &in_force), -EINVAL);
}
