/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's settings as one JSON object. Context of all: management task. */
#ifndef SOCLE_MGMT_HOST_CONFIG_JSON_H
#define SOCLE_MGMT_HOST_CONFIG_JSON_H

#include "core/lib/compiler.h"
#include "mgmt/api/api.h"
#include "mgmt/config/config_read.h"

/* All that is in force. Nothing in it is secret. */
void host_config_json_write(struct json_writer *w);

/* Reads the body. wanted->networks has room for NETWORKS_MAX. Return: 0; -EINVAL after answering.
 */
int host_config_json_read(struct req *req, struct config_wanted *wanted) must_check;

#endif
