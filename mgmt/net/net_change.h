/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A change of the host's network settings that undoes itself, pure: times and steps, no network.
 *
 * It waits for the answer to its request to leave, is applied, and is then on trial: whoever asked
 * for it proves that the host can still be reached by confirming it. If nobody does in time, the
 * settings before it come back.
 */
#ifndef SOCLE_MGMT_NET_CHANGE_H
#define SOCLE_MGMT_NET_CHANGE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/config/host_config.h"

enum net_change_state {
    NET_CHANGE_NONE, /* there was none since boot */
    NET_CHANGE_WAITING,
    NET_CHANGE_ON_TRIAL,
    NET_CHANGE_CONFIRMED,
    NET_CHANGE_ROLLED_BACK, /* nobody confirmed it */
    NET_CHANGE_FAILED,      /* it could not be applied */
};

enum net_change_step { NET_STEP_NONE, NET_STEP_APPLY, NET_STEP_ROLL_BACK };

struct net_change {
    enum net_change_state state;
    u32 number;                   /* of the latest change, from 1 on */
    struct host_network wanted;   /* while it waits: what will be; later: what it was about */
    struct host_network previous; /* what comes back */
    u64 trial_ns;
    u64 due_ns; /* when the next step is to be done: WAITING and ON_TRIAL */
};

/* Whether a change waits or is on trial. */
bool net_change_is_open(const struct net_change *c);

/* The next step is to apply it, delay_ns from now. Return: 0; -EBUSY (another one is open). */
int net_change_begin(struct net_change *c, const struct host_network *in_force,
                     const struct host_network *wanted, u64 trial_ns, u64 delay_ns,
                     u64 now_ns) must_check;

/* What is to be done now; told once. After NET_STEP_APPLY net_change_applied follows. */
enum net_change_step net_change_poll(struct net_change *c, u64 now_ns);

/* The trial begins, or it could not be applied: then everything is as before. */
void net_change_applied(struct net_change *c, bool is_done, u64 now_ns);

/* After NET_STEP_ROLL_BACK: it could not be done now, and is to be done at due_ns; until then the
 * change is on trial. */
void net_change_put_off(struct net_change *c, u64 due_ns);

/* Return: 0; -ENOENT (no such change, or it is over), -EAGAIN (it has not been applied yet: nothing
 * is proven). */
int net_change_confirm(struct net_change *c, u32 number) must_check;

#endif
