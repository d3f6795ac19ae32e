/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/host_config.c core/lib/dtb.c core/lib/str.c tests/fakes/libfdt.c */
/* socle.dtb: what is set is taken, what makes no sense is left out, damage is noticed. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "core/lib/errno.h"
#include "mgmt/host_config.h"

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
    CHECK_STR(cfg.hostname, "socle");
    CHECK(cfg.dhcp);
    CHECK_EQ(cfg.address, 0);
    CHECK_EQ(cfg.port, 443);
    CHECK(cfg.tls);
}

TEST(values_are_taken)
{
    u8 ip[4];

    CHECK_EQ(network("192.0.2.10/20", "192.0.2.1", "off"), 0);
    memcpy(ip, &cfg.address, 4);
    CHECK(ip[0] == 192 && ip[1] == 0 && ip[2] == 2 && ip[3] == 10);
    memcpy(ip, &cfg.netmask, 4);
    CHECK(ip[0] == 255 && ip[1] == 255 && ip[2] == 240 && ip[3] == 0);
    CHECK(!cfg.dhcp);
    begin("rack-7");
    CHECK_EQ(fdt_begin_node(blob, "api"), 0);
    CHECK_EQ(fdt_property_u32(blob, "port", 8080), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(finish(), 0);
    CHECK_STR(cfg.hostname, "rack-7");
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
        CHECK_EQ(cfg.address, 0);
        CHECK(cfg.dhcp);
    }
    CHECK_EQ(network(NULL, "nowhere", NULL), -EINVAL);
    CHECK_EQ(network(NULL, NULL, "perhaps"), -EINVAL);
    begin("-bad-");
    CHECK_EQ(finish(), -EINVAL);
    CHECK_STR(cfg.hostname, "socle");
    begin("a234567890123456789012345678901234567890123456789012345678901234");
    CHECK_EQ(finish(), -EINVAL);
}

/* A typo is told and costs nothing but itself. */
TEST(unknown_names_are_told)
{
    begin("rack-7");
    CHECK_EQ(fdt_property_string(blob, "hostnam", "x"), 0);
    CHECK_EQ(finish(), -EINVAL);
    CHECK_STR(problem, "/hostnam");
    CHECK_STR(cfg.hostname, "rack-7");
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
