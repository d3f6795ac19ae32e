/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, fields and questions. */
#include "mgmt/console/menu.h"

#include "core/lib/string.h"
#include "mgmt/console/typing.h"

#define NOTHING_DONE "Nothing was changed."

static void ask(struct menu *m, enum menu_ask what)
{
    m->ask = what;
    m->typed[0] = '\0';
}

static void go(struct menu *m, enum menu_page page)
{
    m->page = page;
    m->answer = NULL;
    m->log_back = 0;
    ask(m, ASK_NOTHING);
}

static bool status_key(struct menu *m, char key)
{
    if (key == 'n')
        go(m, MENU_NETWORK);
    else if (key == 'l')
        go(m, MENU_LOG);
    else if (key == 'p')
        go(m, MENU_POWER);
    else
        return false;
    return true;
}

static bool network_key(struct menu *m, char key, const struct host_network *in_force)
{
    if (key != 'd' && key != 'f')
        return false;
    m->answer = NULL;
    m->wanted = *in_force;
    m->wanted.dhcp = key == 'd';
    m->wanted.address = m->wanted.netmask = m->wanted.gateway = 0;
    memset(m->wanted.dns, 0, sizeof(m->wanted.dns));
    ask(m, key == 'd' ? ASK_IF_NETWORK : ASK_ADDRESS);
    return true;
}

static bool log_key(struct menu *m, char key)
{
    if (key == 'b')
        m->log_back++;
    else if (key == ' ' && m->log_back > 0)
        m->log_back--;
    else
        return false;
    return true;
}

static bool power_key(struct menu *m, char key)
{
    if (key != 'r' && key != 'o')
        return false;
    m->answer = NULL;
    ask(m, key == 'r' ? ASK_IF_RESTART : ASK_IF_OFF);
    return true;
}

static const char *take_address(struct menu *m)
{
    if (!ipv4_prefix_parse(m->typed, &m->wanted.address, &m->wanted.netmask))
        return "This is no IPv4 address with a prefix: write it as 192.0.2.10/24.";
    return NULL;
}

/* Empty: none. */
static const char *take_ip(const struct menu *m, u32 *ip)
{
    *ip = 0;
    if (m->typed[0] != '\0' && !(ipv4_parse(m->typed, strlen(m->typed), ip) && *ip != 0))
        return "This is no IPv4 address: write it as 192.0.2.1, or leave it empty.";
    return NULL;
}

/* The field has been entered. Return: NULL, or what is wrong with it. */
static const char *take_field(struct menu *m)
{
    const char *mistake, *pointer;

    switch (m->ask) {
    case ASK_ADDRESS:
        mistake = take_address(m);
        break;
    case ASK_GATEWAY:
        mistake = take_ip(m, &m->wanted.gateway);
        break;
    case ASK_DNS:
        mistake = take_ip(m, &m->wanted.dns[0]);
        break;
    default:
        mistake = take_ip(m, &m->wanted.dns[1]);
        break;
    }
    return mistake ? mistake : host_network_mistake(&m->wanted, &pointer);
}

static void enter_field(struct menu *m)
{
    bool is_last_server = m->ask == ASK_DNS && m->typed[0] == '\0';

    m->answer = take_field(m);
    if (m->answer)
        m->typed[0] = '\0';
    else
        ask(m, is_last_server ? ASK_IF_NETWORK : m->ask + 1);
}

static bool append(struct menu *m, char key)
{
    size_t length = strlen(m->typed);

    if (length == MENU_TYPED_MAX)
        return false;
    m->typed[length] = key;
    m->typed[length + 1] = '\0';
    return true;
}

static bool erase(struct menu *m)
{
    size_t length = strlen(m->typed);

    if (length > 0)
        m->typed[length - 1] = '\0';
    return true;
}

/* Where '/' is hard to find on a keyboard, a space will do. */
static bool field_key(struct menu *m, char key)
{
    if (key == TYPING_BACKSPACE)
        return erase(m);
    if (key == TYPING_ENTER) {
        enter_field(m);
        return true;
    }
    if (key == ' ')
        key = '/';
    return ((key >= '0' && key <= '9') || key == '.' || key == '/') && append(m, key);
}

static enum menu_action action_of(enum menu_ask question)
{
    return question == ASK_IF_NETWORK   ? MENU_SET_NETWORK
           : question == ASK_IF_RESTART ? MENU_RESTART
                                        : MENU_POWER_OFF;
}

/* Letter by letter: what is not the next one ends the question. */
static bool word_key(struct menu *m, char key, enum menu_action *action)
{
    size_t length = strlen(m->typed);

    if (key == TYPING_BACKSPACE)
        return erase(m);
    if (key == TYPING_ENTER && length == strlen(MENU_WORD)) {
        *action = action_of(m->ask);
        ask(m, ASK_NOTHING);
        return true;
    }
    if (key != TYPING_OTHER && MENU_WORD[length] == key)
        return append(m, key);
    m->answer = NOTHING_DONE;
    ask(m, ASK_NOTHING);
    return false;
}

static bool back(struct menu *m)
{
    if (m->ask != ASK_NOTHING) {
        ask(m, ASK_NOTHING);
        m->answer = NOTHING_DONE;
        return true;
    }
    if (m->page == MENU_STATUS)
        return false;
    go(m, MENU_STATUS);
    return true;
}

bool menu_key(struct menu *m, char key, const struct host_network *in_force,
              enum menu_action *action)
{
    *action = MENU_DO_NOTHING;
    if (key == TYPING_ESC)
        return back(m);
    if (m->ask >= ASK_IF_NETWORK)
        return word_key(m, key, action);
    if (m->ask != ASK_NOTHING)
        return field_key(m, key);
    switch (m->page) {
    case MENU_STATUS:
        return status_key(m, key);
    case MENU_NETWORK:
        return network_key(m, key, in_force);
    case MENU_LOG:
        return log_key(m, key);
    case MENU_POWER:
        return power_key(m, key);
    }
    return false;
}

bool menu_idle(struct menu *m)
{
    if (m->page == MENU_STATUS || (m->page == MENU_LOG && m->log_back == 0))
        return false;
    go(m, MENU_STATUS);
    return true;
}
