/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of the host's own network, which are on trial until the host was reached again. */
#ifndef SOCLE_CLI_HOST_NETWORK_H
#define SOCLE_CLI_HOST_NETWORK_H

#include "core/lib/types.h"
#include "tools/socle/cli.h"

/* How long a change is on trial. */
#define HOST_TRIAL_S     60u
#define HOST_TRIAL_S_MAX 600u

/*
 * Tries the host's old address and the new one ("192.0.2.10/24"; NULL: it is not known, or the old
 * one) until it has answered, or the trial is over, and remembers where it is then. Return: DONE;
 * NOT_REACHED, told.
 */
enum outcome host_network_confirm(const struct cli *cli, const char *task, const char *address,
                                  u64 trial_s);

#endif
