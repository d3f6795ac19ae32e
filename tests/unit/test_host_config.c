/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/config/host_config.c core/lib/dtb.c core/lib/hex.c core/lib/str.c
 * tests/fakes/libfdt.c */
/* socle.dtb: what is set is taken, what makes no sense is left out, damage is noticed. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "core/lib/errno.h"
#include "mgmt/config/host_config.h"

static char blob[2048];
static struct host_config cfg;
static char problem[200]; /* the last one */

static void note(void *cookie, const char *node, const char *name, const char *what)
{
    (void)cookie;
    CHECK(what[0] != '\0');
    snprintf(problem, sizeof(problem), "%s/%s", node, name ? name : "");
}

static const struct dtb_report report = {note, NULL};

static void begin(const char *hostname)
{
    CHECK_EQ(fdt_create(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_finish_reservemap(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, ""), 0);
    CHECK_EQ(fdt_property_string(blob, "compatible", "socle,host"), 0);
    if (hostname)
        CHECK_EQ(fdt_property_string(blob, "hostname", hostname), 0);
}

static int finish(void)
{
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_finish(blob), 0);
    host_config_default(&cfg);
    problem[0] = '\0';
    CHECK_EQ(host_config_read(&cfg, blob, fdt_totalsize(blob), &report), 0);
    return problem[0] ? -EINVAL : 0;
}

static int network(const char *address, const char *gateway, const char *dhcp)
{
    begin(NULL);
    CHECK_EQ(fdt_begin_node(blob, "network"), 0);
    if (address)
        CHECK_EQ(fdt_property_string(blob, "address", address), 0);
    if (gateway)
        CHECK_EQ(fdt_property_string(blob, "gateway", gateway), 0);
    if (dhcp)
        CHECK_EQ(fdt_property_string(blob, "dhcp", dhcp), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    return finish();
}

TEST(defaults)
{
    begin(NULL);
    CHECK_EQ(finish(), 0);
    CHECK_STR(cfg.net.hostname, "socle");
    CHECK(cfg.net.dhcp);
    CHECK_EQ(cfg.net.address, 0);
    CHECK_EQ(cfg.port, 443);
    CHECK(cfg.tls);
}

TEST(values_are_taken)
{
    u8 ip[4];

    CHECK_EQ(network("192.0.2.10/20", "192.0.2.1", "off"), 0);
    memcpy(ip, &cfg.net.address, 4);
    CHECK(ip[0] == 192 && ip[1] == 0 && ip[2] == 2 && ip[3] == 10);
    memcpy(ip, &cfg.net.netmask, 4);
    CHECK(ip[0] == 255 && ip[1] == 255 && ip[2] == 240 && ip[3] == 0);
    CHECK(!cfg.net.dhcp);
    begin("rack-7");
    CHECK_EQ(fdt_begin_node(blob, "api"), 0);
    CHECK_EQ(fdt_property_u32(blob, "port", 8080), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(finish(), 0);
    CHECK_STR(cfg.net.hostname, "rack-7");
    CHECK_EQ(cfg.port, 8080);
}

TEST(nonsense_is_left_out)
{
    static const char *const addresses[] = {
        "",           "1.2.3",    "1.2.3.4.5",       "1.2.3.256",  "1.2.3.4/0",
        "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/1234567", "a.b.c.d",    "1..2.3",
        "0.0.0.0/24", "1.2.3.4 ", "1.2.3.4/2x",      "0001.2.3.4",
    };

    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        CHECK_EQ(network(addresses[i], NULL, NULL), -EINVAL);
        CHECK_STR(problem, "network/address");
        CHECK_EQ(cfg.net.address, 0);
        CHECK(cfg.net.dhcp);
    }
    CHECK_EQ(network(NULL, "nowhere", NULL), -EINVAL);
    CHECK_EQ(network(NULL, NULL, "perhaps"), -EINVAL);
    begin("-bad-");
    CHECK_EQ(finish(), -EINVAL);
    CHECK_STR(cfg.net.hostname, "socle");
    begin("a234567890123456789012345678901234567890123456789012345678901234");
    CHECK_EQ(finish(), -EINVAL);
}

/* A network node with one property more. */
static int with(const char *name, const void *value, size_t bytes)
{
    begin(NULL);
    CHECK_EQ(fdt_begin_node(blob, "network"), 0);
    CHECK_EQ(fdt_property(blob, name, value, (int)bytes), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    return finish();
}

TEST(place_and_name_servers)
{
    static const char two[] = "192.0.2.53\0"
                              "192.0.2.54",
                      three[] = "1.1.1.1\0"
                                "1.1.1.2\0"
                                "1.1.1.3";
    static const u8 vlan[] = {0, 0, 0x0f, 0xfe}, too_much[] = {0, 0, 0x0f, 0xff};

    CHECK_EQ(with("dns", two, sizeof(two)), 0);
    CHECK_EQ(cfg.net.dns[1], __builtin_bswap32(0xc0000236));
    CHECK_EQ(with("dns", "192.0.2.53", sizeof("192.0.2.53")), 0);
    CHECK(cfg.net.dns[0] != 0 && cfg.net.dns[1] == 0);
    CHECK_EQ(with("dns", three, sizeof(three)), -EINVAL);
    CHECK_STR(problem, "network/dns");
    CHECK_EQ(cfg.net.dns[0], 0);
    CHECK_EQ(with("dns", "224.0.0.1", sizeof("224.0.0.1")), -EINVAL);
    CHECK_EQ(with("dns", "192.0.2.53", 4), -EINVAL);
    CHECK_EQ(with("vlan", vlan, sizeof(vlan)), 0);
    CHECK_EQ(cfg.net.vlan, 4094);
    CHECK_EQ(with("vlan", too_much, sizeof(too_much)), -EINVAL);
    CHECK_EQ(cfg.net.vlan, 0);
    CHECK_EQ(with("nic", "0000:00:03.0", sizeof("0000:00:03.0")), 0);
    CHECK_STR(cfg.net.nic, "0000:00:03.0");
    CHECK_EQ(with("nic", "0000:00:03.0000000", sizeof("0000:00:03.0000000")), -EINVAL);
    CHECK_STR(cfg.net.nic, "");
}

static struct host_network made;

static const char *mistake(const char *address, const char *gateway)
{
    const char *pointer = "";

    made = (struct host_network){.dhcp = false};
    CHECK(!address || ipv4_prefix_parse(address, &made.address, &made.netmask));
    CHECK(!gateway || ipv4_parse(gateway, strlen(gateway), &made.gateway));
    return host_network_mistake(&made, &pointer) ? pointer : "";
}

TEST(what_does_not_go_together)
{
    CHECK_STR(mistake("192.0.2.10/24", "192.0.2.1"), "");
    CHECK_STR(mistake("192.0.2.10/24", NULL), "");
    CHECK_STR(mistake("192.0.2.0/31", "192.0.2.1"), "");
    CHECK_STR(mistake(NULL, NULL), "/address");
    CHECK_STR(mistake("127.0.0.1/8", NULL), "/address");
    CHECK_STR(mistake("224.0.0.5/24", NULL), "/address");
    CHECK_STR(mistake("255.255.255.255/24", NULL), "/address");
    CHECK_STR(mistake("192.0.2.255/24", NULL), "/address");
    CHECK_STR(mistake("192.0.2.0/24", NULL), "/address");
    CHECK_STR(mistake("192.0.2.10/24", "192.0.3.1"), "/gateway");
    CHECK_STR(mistake("192.0.2.10/24", "192.0.2.10"), "/gateway");
    CHECK_STR(mistake("192.0.2.10/24", "192.0.2.255"), "/gateway");
    (void)mistake("192.0.2.10/24", NULL);
    made.dns[1] = __builtin_bswap32(0x7f000001);
    CHECK_STR(host_network_mistake(&made, &(const char *){NULL}) ? "wrong" : "", "wrong");
    made = (struct host_network){.dhcp = true};
    CHECK(host_network_mistake(&made, &(const char *){NULL}) == NULL);
    made.gateway = 1;
    CHECK(host_network_mistake(&made, &(const char *){NULL}) != NULL);
}

/* A typo is told and costs nothing but itself. */
TEST(unknown_names_are_told)
{
    begin("rack-7");
    CHECK_EQ(fdt_property_string(blob, "hostnam", "x"), 0);
    CHECK_EQ(finish(), -EINVAL);
    CHECK_STR(problem, "/hostnam");
    CHECK_STR(cfg.net.hostname, "rack-7");
    begin("rack-7");
    CHECK_EQ(fdt_begin_node(blob, "netwrok"), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(finish(), -EINVAL);
    CHECK_STR(problem, "/netwrok");
    begin(NULL);
    CHECK_EQ(fdt_property_u32(blob, "phandle", 1), 0);
    CHECK_EQ(fdt_begin_node(blob, "images"), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, "vms"), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, "api"), 0);
    CHECK_EQ(fdt_property_u32(blob, "prot", 8080), 0);
    CHECK_EQ(fdt_property_u32(blob, "port", 8080), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(finish(), -EINVAL);
    CHECK_STR(problem, "api/prot");
    CHECK_EQ(cfg.port, 8080);
}

static int api(const char *tls, u32 port)
{
    begin(NULL);
    CHECK_EQ(fdt_begin_node(blob, "api"), 0);
    CHECK_EQ(fdt_property_u32(blob, "port", port), 0);
    if (tls)
        CHECK_EQ(fdt_property_string(blob, "tls", tls), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    return finish();
}

static int console_keys(const char *keys)
{
    begin(NULL);
    CHECK_EQ(fdt_begin_node(blob, "console"), 0);
    CHECK_EQ(fdt_property_string(blob, "keys", keys), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    return finish();
}

TEST(keys_of_the_console)
{
    begin(NULL);
    CHECK_EQ(finish(), 0);
    CHECK(cfg.has_keys);
    CHECK_EQ(console_keys("off"), 0);
    CHECK(!cfg.has_keys);
    CHECK_EQ(console_keys("on"), 0);
    CHECK(cfg.has_keys);
    CHECK_EQ(console_keys("none"), -EINVAL);
    CHECK_STR(problem, "console/keys");
    CHECK(cfg.has_keys);
}

/* Whatever their order in the tree. */
TEST(port_80_is_for_the_redirect_while_there_is_tls)
{
    CHECK_EQ(api(NULL, 80), -EINVAL);
    CHECK_STR(problem, "api/port");
    CHECK_EQ(cfg.port, 443);
    CHECK_EQ(api("on", 80), -EINVAL);
    CHECK_EQ(cfg.port, 443);
    CHECK_EQ(api("off", 80), 0);
    CHECK_EQ(cfg.port, 80);
    CHECK_EQ(api("off", 8080), 0);
    CHECK_EQ(cfg.port, 8080);
    CHECK_EQ(api(NULL, 8443), 0);
    CHECK_EQ(cfg.port, 8443);
    CHECK_EQ(api(NULL, 65536), -EINVAL);
    CHECK_EQ(api(NULL, 0), -EINVAL);
    CHECK_EQ(cfg.port, 443);
}

TEST(damage_is_noticed)
{
    size_t size;
    char *copy;

    CHECK_EQ(network("192.0.2.10/24", "192.0.2.1", "on"), 0);
    size = fdt_totalsize(blob);
    for (size_t len = 0; len < size; len++) {
        copy = malloc(len ? len : 1);
        memcpy(copy, blob, len);
        host_config_default(&cfg);
        CHECK_EQ(host_config_read(&cfg, copy, len, &report), -EINVAL);
        free(copy);
    }
    copy = malloc(size);
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, blob, size);
            copy[at] = (char)(copy[at] ^ (1 << bit));
            host_config_default(&cfg);
            (void)!host_config_read(&cfg, copy, size, &report);
        }
    }
    free(copy);
}
