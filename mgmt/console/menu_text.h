/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages for network and power as text, pure. */
#ifndef SOCLE_MGMT_MENU_TEXT_H
#define SOCLE_MGMT_MENU_TEXT_H

#include "mgmt/console/menu.h"
#include "mgmt/console/page.h"
#include "mgmt/net/netif.h"

/* What the host is like now. */
struct menu_facts {
    const struct host_network *settings;
    const struct netif_view *view;
    const char *problem; /* NULL: the host has an address */
    u32 vms;             /* that are on */
    bool is_changing;    /* a change of the network waits for its confirmation */
};

/* page: empty lines. m->page is MENU_NETWORK or MENU_POWER. */
void menu_text_network(struct page *page, const struct menu *m, const struct menu_facts *facts);
void menu_text_power(struct page *page, const struct menu *m, const struct menu_facts *facts);

#endif
