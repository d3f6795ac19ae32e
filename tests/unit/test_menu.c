/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/console/menu.c mgmt/console/menu_text.c mgmt/config/host_config.c
 * mgmt/net/network_text.c core/lib/dtb.c core/lib/hex.c core/lib/printf.c core/lib/str.c
 * tests/fakes/libfdt.c
 */
/* Pages and keys of the host's own console: what asks, what acts, and what does neither. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "mgmt/console/menu_text.h"
#include "mgmt/console/typing.h"

static struct menu m;
static struct host_network in_force;
static enum menu_action action;
static u32 actions; /* since begin() */

static void begin(void)
{
    struct host_config cfg;

    host_config_default(&cfg);
    in_force = cfg.net;
    memset(&m, 0, sizeof(m));
    actions = 0;
}

/* Return: whether all of the keys meant something. */
static bool type(const char *keys)
{
    bool is_sense = true;

    for (; *keys != '\0'; keys++) {
        is_sense &= menu_key(&m, *keys, &in_force, &action);
        actions += action != MENU_DO_NOTHING;
    }
    return is_sense;
}

static const char *line(void (*write)(struct page *, const struct menu *,
                                      const struct menu_facts *),
                        u32 index)
{
    static struct page page;
    static const struct netif_view view = {.nic = "0000:00:02.0",
                                           .link_up = true,
                                           .by_dhcp = true,
                                           .address = 0x0f02000a,
                                           .netmask = 0x00ffffff,
                                           .gateway = 0x0202000a,
                                           .dns = {0x0302000a},
                                           .ipv6_count = 1,
                                           .ipv6 = {"FE80::1"}};
    const struct menu_facts facts = {
        .settings = &in_force, .view = &view, .vms = 3, .problem = "no network: nothing"};

    memset(&page, 0, sizeof(page));
    write(&page, &m, &facts);
    CHECK_EQ(page.count, 8);
    return page.lines[index];
}

TEST(pages)
{
    begin();
    CHECK(type("n"));
    CHECK_EQ(m.page, MENU_NETWORK);
    CHECK(!type("p")); /* by way of the first page */
    CHECK(type("\x1bl"));
    CHECK_EQ(m.page, MENU_LOG);
    CHECK(type("bbb "));
    CHECK_EQ(m.log_back, 2);
    CHECK(type("  "));
    CHECK(!type(" "));
    CHECK(type("\x1bp"));
    CHECK_EQ(m.page, MENU_POWER);
    CHECK(type("\x1b"));
    CHECK_EQ(m.page, MENU_STATUS);
    CHECK(!type("\x1b"));
    CHECK(!type("x"));
    CHECK_EQ(actions, 0);
}

TEST(power_wants_the_word)
{
    begin();
    CHECK(type("posure"));
    CHECK_EQ(actions, 0);
    CHECK_STR(line(menu_text_power, 0), "Power   3 VMs are on");
    CHECK_STR(line(menu_text_power, 7),
              "Power off? 3 VMs shut down first. Type sure and press Enter: sure_");
    CHECK(type("\n"));
    CHECK_EQ(action, MENU_POWER_OFF);
    CHECK(type("rsure\n"));
    CHECK_EQ(action, MENU_RESTART);
    CHECK_EQ(actions, 2);
}

TEST(any_other_key_ends_the_question)
{
    static const char *const wrong[] = {"x",     "y",    "\n",       "sx",      "sur\n", "suree",
                                        "s\x1b", "\x1b", "sure\b\n", "surex\n", "sue\n"};

    for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
        begin();
        (void)!type("po");
        (void)!type(wrong[i]);
        CHECK_EQ(m.ask, ASK_NOTHING);
        CHECK_STR(m.answer, "Nothing was changed.");
        CHECK_EQ(actions, 0);
    }
    begin();
    CHECK(type("posx\b") == false);
    CHECK(type("osur\bre\n"));
    CHECK_EQ(actions, 1);
    begin();
    CHECK(type("po"));
    CHECK(type(MENU_WORD));
    CHECK(!menu_key(&m, TYPING_OTHER, &in_force, &action)); /* which is no end of the word */
    CHECK_EQ(action, MENU_DO_NOTHING);
    CHECK_EQ(m.ask, ASK_NOTHING);
}

TEST(a_fixed_address)
{
    begin();
    in_force.vlan = 7;
    CHECK(type("nf192.0.2.10/24\n192.0.2.1\n192.0.2.53\n192.0.2.54\n"));
    CHECK_EQ(m.ask, ASK_IF_NETWORK);
    CHECK_STR(line(menu_text_network, 5), "new: fixed address 192.0.2.10/24   gateway 192.0.2.1   "
                                          "name servers 192.0.2.53, 192.0.2.54");
    CHECK(type("sure\n"));
    CHECK_EQ(action, MENU_SET_NETWORK);
    CHECK(!m.wanted.dhcp);
    CHECK_EQ(m.wanted.address, 0x0a0200c0);
    CHECK_EQ(m.wanted.netmask, 0x00ffffff);
    CHECK_EQ(m.wanted.gateway, 0x010200c0);
    CHECK_EQ(m.wanted.dns[1], 0x360200c0);
    CHECK_EQ(m.wanted.vlan, 7);
    CHECK_STR(m.wanted.hostname, "socle");
}

TEST(what_may_be_left_out)
{
    begin();
    CHECK(type("nf10.0.0.9 8\n\n\n"));
    CHECK_EQ(m.ask, ASK_IF_NETWORK);
    CHECK_EQ(m.wanted.netmask, 0x000000ff);
    CHECK_EQ(m.wanted.gateway | m.wanted.dns[0] | m.wanted.dns[1], 0);
}

TEST(dhcp_forgets_the_fixed_address)
{
    begin();
    in_force = (struct host_network){
        .address = 0x0a0200c0, .netmask = 0x00ffffff, .gateway = 0x010200c0, .dns = {0x010200c0}};
    CHECK(type("ndsure\n"));
    CHECK_EQ(action, MENU_SET_NETWORK);
    CHECK(m.wanted.dhcp);
    CHECK_EQ(m.wanted.address | m.wanted.netmask | m.wanted.gateway | m.wanted.dns[0], 0);
}

/* One sentence, and the same field again. */
TEST(wrong_entries)
{
    static const char *const wrong[] = {
        "nf\n",
        "nf10.0.0\n",
        "nf10.0.0.256/24\n",
        "nf10.0.0.9/33\n",
        "nf127.0.0.1/8\n",
        "nf10.0.0.0/24\n",
        "nf224.0.0.1/4\n",
        "nf////\n",
    };

    for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
        begin();
        CHECK(type(wrong[i]));
        CHECK_EQ(m.ask, ASK_ADDRESS);
        CHECK(m.answer != NULL);
        CHECK_STR(m.typed, "");
        CHECK_STR(line(menu_text_network, 6), m.answer);
    }
    begin();
    CHECK(type("nf10.0.0.9/24\n10.0.1.1\n"));
    CHECK_EQ(m.ask, ASK_GATEWAY);
    CHECK_STR(m.answer, "The gateway is no other host of the address's subnet.");
    CHECK(type("10.0.0.1\n"));
    CHECK(m.answer == NULL);
    CHECK(type("0.0.0.0\n"));
    CHECK_EQ(m.ask, ASK_DNS);
    CHECK(type("255.1.1.1\n"));
    CHECK_STR(m.answer, "A name server cannot have this address.");
    CHECK(!type("a"));
    CHECK(type("\x1b"));
    CHECK_EQ(m.ask, ASK_NOTHING);
    CHECK_EQ(actions, 0);
}

TEST(fields_are_bounded)
{
    begin();
    CHECK(type("nf"));
    for (u32 i = 0; i < 100; i++)
        (void)!type("1");
    CHECK_EQ(strlen(m.typed), MENU_TYPED_MAX);
    for (u32 i = 0; i < 100; i++)
        CHECK(type("\b"));
    CHECK_STR(m.typed, "");
    CHECK_STR(line(menu_text_network, 7), "Address and prefix, as 192.0.2.10/24: _");
}

TEST(what_the_network_page_tells)
{
    begin();
    CHECK(type("n"));
    CHECK_STR(line(menu_text_network, 0),
              "Network   card 0000:00:02.0, link up, MAC 00:00:00:00:00:00, VLAN none");
    CHECK_STR(line(menu_text_network, 1), "settings: DHCP");
    CHECK_STR(line(menu_text_network, 2), "in force: address 10.0.2.15/24 (DHCP)   gateway "
                                          "10.0.2.2   name servers 10.0.2.3");
    CHECK_STR(line(menu_text_network, 3), "IPv6: FE80::1");
    CHECK_STR(line(menu_text_network, 4), "no network: nothing");
    CHECK_STR(line(menu_text_network, 7), "Keys: d use DHCP, f use a fixed address, Esc back");
}

TEST(nobody_is_there_any_more)
{
    begin();
    CHECK(!menu_idle(&m));
    CHECK(type("posur"));
    CHECK(menu_idle(&m));
    CHECK_EQ(m.page, MENU_STATUS);
    CHECK(!type("e\n"));
    CHECK(type("l"));
    CHECK(!menu_idle(&m)); /* the log may stay */
    CHECK_EQ(actions, 0);
}

/* What a noisy line sends: nothing of it may act, also if nobody stopped listening. */
TEST(garbage_does_nothing)
{
    begin();
    srand(1);
    for (u32 i = 0; i < 2000000; i++) {
        u8 byte = (u8)(rand() >> 8);
        char key = byte >= ' ' && byte < 0x7f           ? (char)byte
                   : byte == '\n' || byte == TYPING_ESC ? (char)byte
                                                        : TYPING_OTHER;

        (void)!menu_key(&m, key, &in_force, &action);
        actions += action != MENU_DO_NOTHING;
    }
    CHECK_EQ(actions, 0);
}
