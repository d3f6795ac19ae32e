/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks to and from JSON. Context of all: management task. */
#ifndef SOCLE_MGMT_NETWORK_JSON_H
#define SOCLE_MGMT_NETWORK_JSON_H

#include "core/lib/compiler.h"
#include "drivers/net/network.h"
#include "mgmt/api/api.h"

/* Of one network with all its forwards. */
#define NETWORK_JSON_MAX 12288u

void network_json_write(struct json_writer *w, const struct network_info *info);

/*
 * The network the path names, as the body wants it. What depends on other networks is not checked
 * here. Return: 0; -EINVAL after answering.
 */
int network_json_read(struct req *req, struct network_config *cfg) must_check;

#endif
