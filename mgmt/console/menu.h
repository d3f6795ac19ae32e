/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of the host's own console and what keys do on them, pure.
 *
 * Nothing that matters happens by one key: the network and the host's power are changed when a word
 * has been typed letter by letter, and any other key than the next one of it ends the question.
 */
#ifndef SOCLE_MGMT_MENU_H
#define SOCLE_MGMT_MENU_H

#include "core/kern/timer.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/config/host_config.h"

#define MENU_TYPED_MAX 19u    /* "255.255.255.255/32" */
#define MENU_WORD      "sure" /* its letters are at the same place on QWERTY, QWERTZ and AZERTY */
#define MENU_IDLE_NS   (300 * NS_PER_S)

enum menu_page { MENU_STATUS, MENU_NETWORK, MENU_LOG, MENU_POWER };

enum menu_ask {
    ASK_NOTHING,
    ASK_ADDRESS,
    ASK_GATEWAY,
    ASK_DNS,
    ASK_SECOND_DNS,
    ASK_IF_NETWORK, /* from here on questions that want MENU_WORD */
    ASK_IF_RESTART,
    ASK_IF_OFF,
};

enum menu_action { MENU_DO_NOTHING, MENU_SET_NETWORK, MENU_RESTART, MENU_POWER_OFF };

struct menu {
    enum menu_page page;
    enum menu_ask ask;
    char typed[MENU_TYPED_MAX + 1];
    const char *answer; /* one sentence about what was typed or done; NULL: none */
    struct host_network wanted;
    u32 log_back; /* pages before the newest */
};

/*
 * A key of typing.h. in_force: what a change of the network begins with. Out: *action; of
 * MENU_SET_NETWORK m->wanted, in which no mistake was found. Return: false if the key means
 * nothing here.
 */
bool menu_key(struct menu *m, char key, const struct host_network *in_force,
              enum menu_action *action) must_check;

/* No key has come for MENU_IDLE_NS. Return: true if that changed anything. */
bool menu_idle(struct menu *m);

#endif
