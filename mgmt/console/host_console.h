/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's own console: pages on its screen and serial line, and what is done by their keys.
 * Context of all: management task.
 */
#ifndef SOCLE_MGMT_HOST_CONSOLE_H
#define SOCLE_MGMT_HOST_CONSOLE_H

#include "mgmt/config/host_config.h"

/* Called in every turn of the agent: reads keys, follows what they began, shows the page if it has
 * changed. is_closed: there is no endpoint. Return: it is to be called again in so many
 * nanoseconds, or before. */
u64 host_console_poll(const struct host_config *cfg, bool is_closed);

#endif
