/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions of new VMs. */
#ifndef SOCLE_CLI_VM_DEFINE_H
#define SOCLE_CLI_VM_DEFINE_H

#include "tools/socle/cli.h"

/* The definition that --file begins and the options complete. Return: NULL after telling what is
 * wrong. */
json_t *vm_define_begin(const struct args *args);

/* Whether the name that the first argument gives is free, or may be taken. Return: DONE, or not
 * after telling why. */
enum outcome vm_define_check_name(struct cli *cli);

/* Creates the VM that the first argument names; one that exists is replaced with --replace only.
 * Kernel and initrd must be images. `vm` stays the caller's. */
enum outcome vm_define_put(struct cli *cli, json_t *vm, bool is_started);

#endif
