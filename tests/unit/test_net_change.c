/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/net/net_change.c */
/* A change of network settings waits, is tried, and stays only when it is confirmed. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/net/net_change.h"

#define DELAY 10u
#define TRIAL 100u

static struct net_change change;
static const struct host_network before = {.hostname = "before", .dhcp = true};
static const struct host_network after = {.hostname = "after", .vlan = 5};

static void begin(u64 now)
{
    CHECK_EQ(net_change_begin(&change, &before, &after, TRIAL, DELAY, now), 0);
}

static void apply(u64 now)
{
    CHECK_EQ(net_change_poll(&change, now), NET_STEP_APPLY);
    net_change_applied(&change, true, now);
}

TEST(confirmed_it_stays)
{
    change = (struct net_change){0};
    CHECK_EQ(net_change_poll(&change, 5), NET_STEP_NONE);
    begin(1000);
    CHECK_EQ(net_change_poll(&change, 1009), NET_STEP_NONE);
    CHECK_EQ(net_change_confirm(&change, 1), -EAGAIN);
    apply(1010);
    CHECK_EQ(net_change_poll(&change, 1010 + TRIAL - 1), NET_STEP_NONE);
    CHECK_EQ(net_change_confirm(&change, 2), -ENOENT);
    CHECK_EQ(net_change_confirm(&change, 1), 0);
    CHECK_EQ(change.state, NET_CHANGE_CONFIRMED);
    CHECK_EQ(net_change_poll(&change, 1u << 30), NET_STEP_NONE);
    CHECK_EQ(net_change_confirm(&change, 1), -ENOENT);
}

TEST(unconfirmed_it_is_rolled_back_once)
{
    change = (struct net_change){0};
    begin(0);
    apply(DELAY);
    CHECK_EQ(net_change_poll(&change, DELAY + TRIAL), NET_STEP_ROLL_BACK);
    CHECK_EQ(change.state, NET_CHANGE_ROLLED_BACK);
    CHECK_STR(change.previous.hostname, "before");
    CHECK_EQ(net_change_poll(&change, DELAY + TRIAL + 1), NET_STEP_NONE);
    CHECK_EQ(net_change_confirm(&change, 1), -ENOENT);
}

/* Something may stand in the way; giving up would lock everybody out. */
TEST(a_rollback_that_fails_is_tried_again)
{
    change = (struct net_change){0};
    begin(0);
    apply(DELAY);
    CHECK_EQ(net_change_poll(&change, 500), NET_STEP_ROLL_BACK);
    net_change_put_off(&change, 600);
    CHECK_EQ(net_change_begin(&change, &after, &before, TRIAL, DELAY, 510), -EBUSY);
    CHECK_EQ(net_change_poll(&change, 599), NET_STEP_NONE);
    CHECK_EQ(net_change_poll(&change, 600), NET_STEP_ROLL_BACK);
    CHECK_EQ(change.state, NET_CHANGE_ROLLED_BACK);
    CHECK_EQ(net_change_poll(&change, 1u << 30), NET_STEP_NONE);
}

/* The trial begins when it has been applied, however late that was. */
TEST(the_trial_is_never_shorter)
{
    change = (struct net_change){0};
    begin(0);
    apply(DELAY + 5000);
    CHECK_EQ(net_change_poll(&change, DELAY + 5000 + TRIAL - 1), NET_STEP_NONE);
    CHECK_EQ(net_change_poll(&change, DELAY + 5000 + TRIAL), NET_STEP_ROLL_BACK);
}

TEST(one_at_a_time)
{
    change = (struct net_change){0};
    begin(0);
    CHECK_EQ(net_change_begin(&change, &after, &before, TRIAL, DELAY, 1), -EBUSY);
    apply(DELAY);
    CHECK_EQ(net_change_begin(&change, &after, &before, TRIAL, DELAY, 20), -EBUSY);
    CHECK_STR(change.wanted.hostname, "after");
    CHECK_EQ(net_change_confirm(&change, 1), 0);
    begin(2000);
    CHECK_EQ(change.number, 2);
}

TEST(what_cannot_be_applied_is_over)
{
    change = (struct net_change){0};
    begin(0);
    CHECK_EQ(net_change_poll(&change, DELAY), NET_STEP_APPLY);
    net_change_applied(&change, false, DELAY);
    CHECK_EQ(change.state, NET_CHANGE_FAILED);
    CHECK_EQ(net_change_poll(&change, 1u << 30), NET_STEP_NONE);
    CHECK_EQ(net_change_confirm(&change, 1), -ENOENT);
    begin(5000);
}
