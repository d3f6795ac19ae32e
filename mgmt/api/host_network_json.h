/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of the host's own network to and from JSON. Context of all: management task. */
#ifndef SOCLE_MGMT_HOST_NETWORK_JSON_H
#define SOCLE_MGMT_HOST_NETWORK_JSON_H

#include "core/lib/compiler.h"
#include "mgmt/api/body.h"
#include "mgmt/net/host_network.h"

#define HOST_TRIAL_MS     60000u
#define HOST_TRIAL_MS_MIN 1000u
#define HOST_TRIAL_MS_MAX 600000u

/* The id of a change's task: this and the change's number. */
#define HOST_NETWORK_TASK     "network-"
#define HOST_NETWORK_TASK_MAX 24u

/* An IPv4 address in network byte order; null if it is 0. */
void json_put_wire_ip(struct json_writer *w, const char *key, u32 wire);

/* "address", with its prefix; null if there is none. */
void json_put_wire_address(struct json_writer *w, u32 wire, u32 netmask);

/* "dns", of HOST_DNS_MAX addresses those that are there. */
void json_put_wire_dns(struct json_writer *w, const u32 *dns);

void host_network_json_write(struct json_writer *w, const struct host_network *net);

/* The task of the latest change. */
void host_network_json_task(struct json_writer *w, const struct net_change *change);

/* Return: 0; -EBUSY after answering 409: a change is under way. */
int host_network_refuse_second(struct req *req);

/*
 * Reads an object of settings; what it does not name stays in *net. *trial_ms: the member
 * confirm_within_ms; NULL: there is no such member. Return: 0; -EINVAL after answering.
 */
int host_network_json_read(struct body_reader *r, const struct json_node *node,
                           struct host_network *net, u64 *trial_ms) must_check;

/* What each member cannot tell alone, and the networks there are; at: the JSON pointer of the
 * settings, "" if they are the body. Return: 0; -EINVAL after answering. */
int host_network_json_check(struct req *req, const char *at,
                            const struct host_network *net) must_check;

#endif
