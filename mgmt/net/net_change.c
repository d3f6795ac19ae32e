/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting, trial, and how they end. */
#include "mgmt/net/net_change.h"

#include "core/lib/errno.h"

bool net_change_is_open(const struct net_change *c)
{
    return c->state == NET_CHANGE_WAITING || c->state == NET_CHANGE_ON_TRIAL;
}

int net_change_begin(struct net_change *c, const struct host_network *in_force,
                     const struct host_network *wanted, u64 trial_ns, u64 delay_ns, u64 now_ns)
{
    if (net_change_is_open(c))
        return -EBUSY;
    *c = (struct net_change){
        .state = NET_CHANGE_WAITING,
        .number = c->number + 1,
        .wanted = *wanted,
        .previous = *in_force,
        .trial_ns = trial_ns,
        .due_ns = now_ns + delay_ns,
    };
    return 0;
}

enum net_change_step net_change_poll(struct net_change *c, u64 now_ns)
{
    if (!net_change_is_open(c) || now_ns < c->due_ns)
        return NET_STEP_NONE;
    if (c->state == NET_CHANGE_WAITING)
        return NET_STEP_APPLY;
    c->state = NET_CHANGE_ROLLED_BACK;
    return NET_STEP_ROLL_BACK;
}

void net_change_applied(struct net_change *c, bool is_done, u64 now_ns)
{
    c->state = is_done ? NET_CHANGE_ON_TRIAL : NET_CHANGE_FAILED;
    c->due_ns = now_ns + c->trial_ns;
}

void net_change_put_off(struct net_change *c, u64 due_ns)
{
    c->state = NET_CHANGE_ON_TRIAL;
    c->due_ns = due_ns;
}

int net_change_confirm(struct net_change *c, u32 number)
{
    if (!net_change_is_open(c) || number != c->number)
        return -ENOENT;
    if (c->state == NET_CHANGE_WAITING)
        return -EAGAIN;
    c->state = NET_CHANGE_CONFIRMED;
    return 0;
}
