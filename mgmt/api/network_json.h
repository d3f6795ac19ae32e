/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks to and from JSON. Context of all: management task. */
#ifndef SOCLE_MGMT_NETWORK_JSON_H
#define SOCLE_MGMT_NETWORK_JSON_H

#include "core/lib/compiler.h"
#include "drivers/net/network.h"
#include "mgmt/api/body.h"

/* Of one network with all its forwards. */
#define NETWORK_JSON_MAX 12288u

void network_json_write(struct json_writer *w, const struct network_info *info);

/* The same without what is not the user's. */
void network_json_write_config(struct json_writer *w, const struct network_config *cfg);

/*
 * The network the path names, as the body wants it. What depends on other networks is not checked
 * here. Return: 0; -EINVAL after answering.
 */
int network_json_read(struct req *req, struct network_config *cfg) must_check;

/* One of several in a body, with its name. Return: 0; -EINVAL after answering. */
int network_json_read_item(struct body_reader *r, const struct json_node *node,
                           struct network_config *cfg) must_check;

/* Answers what network_put or network_delete has refused with rc. at: the JSON pointer of what was
 * sent, "" if it is the body; name: of the network, if the path does not tell it, or NULL. */
void network_json_refuse(struct req *req, int rc, const char *at, const char *name);

#endif
