/* SPDX-License-Identifier: BSD-2-Clause */
/* What cloud-init is to do in a new VM, out of options. */
#ifndef SOCLE_CLI_CLOUD_INIT_H
#define SOCLE_CLI_CLOUD_INIT_H

#include <jansson.h>

#include "tools/socle/args.h"

/*
 * Puts --user-data and --ssh-key into the definition of a VM of that name. Keys are metadata of an
 * instance, which needs an id: that is the VM's UUID, made up here if the definition has none.
 * Return: false after telling what is wrong.
 */
bool cloud_init_apply(const struct args *args, const char *name, json_t *vm);

#endif
