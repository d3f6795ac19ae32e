/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines: what is, the answer to what was typed, and below all the keys or the question. */
#include "mgmt/console/menu_text.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/net/network_text.h"

#define MENU_LINES  8u
#define LINE_ANSWER (MENU_LINES - 2)
#define LINE_KEYS   (MENU_LINES - 1)
#define TYPE_WORD   "Type " MENU_WORD " and press Enter:"

/* Appends; what does not fit is cut. */
static void add(char line[PAGE_COLUMNS], const char *text)
{
    size_t length = strlen(line);

    (void)str_copy(line + length, PAGE_COLUMNS - length, text);
}

static void add_ip(char line[PAGE_COLUMNS], const char *label, u32 wire)
{
    char text[IPV4_BYTES];

    ip_format(__builtin_bswap32(wire), text);
    add(line, label);
    add(line, wire ? text : "none");
}

static void add_prefix(char line[PAGE_COLUMNS], const char *label, u32 wire, u32 netmask)
{
    char bits[8];

    add_ip(line, label, wire);
    ksnprintf(bits, sizeof(bits), "/%u", ipv4_prefix_bits(netmask));
    if (wire)
        add(line, bits);
}

static void add_dns(char line[PAGE_COLUMNS], const u32 *dns)
{
    add_ip(line, "   name servers ", dns[0]);
    if (dns[0] && dns[1])
        add_ip(line, ", ", dns[1]);
}

static void add_settings(char line[PAGE_COLUMNS], const struct host_network *net)
{
    if (net->dhcp)
        add(line, net->address ? "DHCP, else " : "DHCP");
    if (net->address) {
        add_prefix(line, "fixed address ", net->address, net->netmask);
        add_ip(line, "   gateway ", net->gateway);
    }
    if (net->dns[0] || !net->dhcp)
        add_dns(line, net->dns);
}

static void add_card(char line[PAGE_COLUMNS], const struct menu_facts *facts)
{
    const struct netif_view *v = facts->view;

    if (!v->nic || v->nic[0] == '\0') {
        add(line, "Network   no card");
        return;
    }
    ksnprintf(line, PAGE_COLUMNS,
              "Network   card %s, link %s, MAC %02x:%02x:%02x:%02x:%02x:%02x, VLAN ", v->nic,
              v->link_up ? "up" : "down", v->mac[0], v->mac[1], v->mac[2], v->mac[3], v->mac[4],
              v->mac[5]);
    ksnprintf(line + strlen(line), PAGE_COLUMNS - strlen(line),
              facts->settings->vlan ? "%u" : "none", facts->settings->vlan);
}

static void add_view(char line[PAGE_COLUMNS], const struct netif_view *v)
{
    add_prefix(line, "in force: address ", v->address, v->netmask);
    if (v->address)
        add(line, v->by_dhcp ? " (DHCP)" : " (fixed)");
    add_ip(line, "   gateway ", v->gateway);
    add_dns(line, v->dns);
}

static void add_question(char line[PAGE_COLUMNS], const struct menu *m, u32 vms)
{
    static const char *const fields[] = {
        [ASK_ADDRESS] = "Address and prefix, as 192.0.2.10/24:",
        [ASK_GATEWAY] = "Gateway, nothing for none:",
        [ASK_DNS] = "Name server, nothing for none:",
        [ASK_SECOND_DNS] = "Second name server, nothing for none:",
        [ASK_IF_NETWORK] = "Use these settings from now on? " TYPE_WORD,
    };

    if (m->ask <= ASK_IF_NETWORK)
        add(line, fields[m->ask]);
    else
        ksnprintf(line, PAGE_COLUMNS, "%s %u VM%s shut down first. " TYPE_WORD,
                  m->ask == ASK_IF_RESTART ? "Restart?" : "Power off?", vms, vms == 1 ? "" : "s");
    add(line, " ");
    add(line, m->typed);
    add(line, "_");
}

static void finish(struct page *page, const struct menu *m, const char *keys, u32 vms)
{
    if (m->answer)
        add(page->lines[LINE_ANSWER], m->answer);
    if (m->ask != ASK_NOTHING)
        add_question(page->lines[LINE_KEYS], m, vms);
    else
        add(page->lines[LINE_KEYS], keys);
    page->count = MENU_LINES;
    page->lively = 0;
}

void menu_text_network(struct page *page, const struct menu *m, const struct menu_facts *facts)
{
    char(*lines)[PAGE_COLUMNS] = page->lines;

    add_card(lines[0], facts);
    add(lines[1], "settings: ");
    add_settings(lines[1], facts->settings);
    add_view(lines[2], facts->view);
    for (u32 i = 0; i < facts->view->ipv6_count; i++) {
        add(lines[3], i ? "  " : "IPv6: ");
        add(lines[3], facts->view->ipv6[i]);
    }
    add(lines[4], facts->problem ? facts->problem : "The host has an address.");
    if (facts->is_changing)
        add(lines[5], "A change of the settings waits for its confirmation.");
    if (m->ask == ASK_IF_NETWORK) {
        add(lines[5], "new: ");
        add_settings(lines[5], &m->wanted);
    }
    finish(page, m, "Keys: d use DHCP, f use a fixed address, Esc back", facts->vms);
}

void menu_text_power(struct page *page, const struct menu *m, const struct menu_facts *facts)
{
    ksnprintf(page->lines[0], PAGE_COLUMNS, "Power   %u VM%s on", facts->vms,
              facts->vms == 1 ? " is" : "s are");
    add(page->lines[1], "VMs are asked to shut down, and are powered off after two minutes.");
    finish(page, m, "Keys: r restart, o power off, Esc back", facts->vms);
}
