/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys in, pages out, and the three things that can be asked for here. */
#include "mgmt/console/host_console.h"

#include "core/kern/keys.h"
#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mgmt/agent.h"
#include "mgmt/auth/auth.h"
#include "mgmt/config/config_store.h"
#include "mgmt/console/log_page.h"
#include "mgmt/console/menu.h"
#include "mgmt/console/menu_text.h"
#include "mgmt/console/status_page.h"
#include "mgmt/console/typing.h"
#include "mgmt/host_power.h"
#include "mgmt/net/host_network.h"

#define REFILL_NS (100 * NS_PER_MS)
#define SHOW_NS   (500 * NS_PER_MS)
#define LONG_NS   (1 * NS_PER_S)

/* Nobody confirms it but who sits here: that is done as soon as it is in force. */
#define TRIAL_NS (60 * NS_PER_S)

static struct {
    bool is_started;
    struct typing typing;
    struct menu menu;
    u32 change; /* of the network, begun here and not confirmed; 0: none */
    u64 key_ns; /* the last one that meant anything */
    u64 refill_ns, show_ns;
    bool is_fresh;   /* a key has changed the page since it was shown */
    bool needs_poll; /* a device whose interrupts do not come, or that has been silenced */
} console;

static void set_network(void)
{
    const char *member, *mistake = host_network_conflict(&console.menu.wanted, &member);
    u16 status = 202;

    if (mistake) {
        console.menu.answer = mistake;
        status = 422;
    } else if (host_network_begin(&console.menu.wanted, TRIAL_NS)) {
        console.menu.answer = "A change made over the network is on trial: try again in a minute.";
        status = 409;
    } else {
        console.change = host_network_change()->number;
        console.menu.answer = "The settings change now.";
    }
    auth_note_console("PATCH", "/api/v1/host/network", status);
}

static void power(enum agent_power what)
{
    host_power_begin(what, HOST_GRACE_MS);
    console.menu.answer = what == AGENT_REBOOT ? "The host restarts as soon as its VMs are off."
                                               : "The host powers off as soon as its VMs are off.";
    auth_note_console("POST",
                      what == AGENT_REBOOT ? "/api/v1/host/reboot" : "/api/v1/host/poweroff", 202);
}

static void on_key(char key, u64 now_ns)
{
    enum menu_action action;
    bool is_sense = menu_key(&console.menu, key, host_network_in_force(), &action);

    if (is_sense) {
        console.key_ns = now_ns;
        console.is_fresh = true;
    }
    if (!typing_made_sense(&console.typing, is_sense))
        log_warn("console", "what is typed here means nothing: no key counts until there was none "
                            "for 5 s");
    if (action == MENU_SET_NETWORK)
        set_network();
    else if (action != MENU_DO_NOTHING)
        power(action == MENU_RESTART ? AGENT_REBOOT : AGENT_POWEROFF);
}

static void read_keys(u64 now_ns)
{
    char key;
    u8 byte;

    if (!console.is_started)
        keys_set_wake(agent_wake);
    console.is_started = true;
    if (now_ns >= console.refill_ns) {
        console.needs_poll = keys_refill();
        console.refill_ns = now_ns + REFILL_NS;
    }
    for (u32 i = 0; i < KEYS_QUEUE && keys_get(&byte); i++) {
        if (typing_byte(&console.typing, byte, now_ns, &key))
            on_key(key, now_ns);
    }
    if (typing_pause(&console.typing, now_ns))
        on_key(TYPING_ESC, now_ns);
    if (now_ns - console.key_ns >= MENU_IDLE_NS && menu_idle(&console.menu))
        console.is_fresh = true;
}

/* A change begun here proves itself: who asked for it sees the page. */
static void follow_change(void)
{
    const struct net_change *change = host_network_change();

    if (console.change == 0 || change->state == NET_CHANGE_WAITING)
        return;
    if (change->state == NET_CHANGE_ON_TRIAL && host_network_confirm(console.change) == 0) {
        config_store_note();
        auth_note_console("POST", "/api/v1/host/network/confirm", 200);
        console.menu.answer = "The new settings are in force.";
    } else if (change->state == NET_CHANGE_FAILED) {
        console.menu.answer = "The settings could not be changed: the log says why.";
    }
    console.change = 0;
    console.is_fresh = true;
}

static void write_page(struct page *page, const struct host_config *cfg, bool is_closed)
{
    struct netif_view view;
    struct menu_facts facts = {.settings = host_network_in_force(),
                               .view = &view,
                               .problem = netif_problem(),
                               .vms = host_power_vms(),
                               .is_changing = net_change_is_open(host_network_change())};

    memset(page, 0, sizeof(*page));
    netif_look(&view);
    switch (console.menu.page) {
    case MENU_STATUS:
        status_page_write(page, cfg, is_closed);
        break;
    case MENU_NETWORK:
        menu_text_network(page, &console.menu, &facts);
        break;
    case MENU_LOG:
        log_page_write(page, &console.menu.log_back);
        break;
    case MENU_POWER:
        menu_text_power(page, &console.menu, &facts);
        break;
    }
}

static void show(const struct host_config *cfg, bool is_closed)
{
    static struct page page; /* large; one thread */
    const char *pointers[PAGE_LINES];

    write_page(&page, cfg, is_closed);
    for (u32 i = 0; i < page.count; i++)
        pointers[i] = page.lines[i];
    status_show(pointers, page.count, console.is_fresh ? 0 : page.lively);
    console.is_fresh = false;
}

u64 host_console_poll(const struct host_config *cfg, bool is_closed)
{
    u64 now_ns = time_ns();

    if (cfg->has_keys)
        read_keys(now_ns);
    follow_change();
    if (now_ns >= console.show_ns ||
        (console.is_fresh && now_ns + SHOW_NS >= console.show_ns + REFILL_NS)) {
        show(cfg, is_closed);
        console.show_ns = now_ns + SHOW_NS;
    }
    return console.needs_poll || console.is_fresh || console.typing.state != TYPING_PLAIN
               ? REFILL_NS / 2
               : LONG_NS;
}
