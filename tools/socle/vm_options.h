/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's definition out of the options of `run`, `vm create` and `vm set`. */
#ifndef SOCLE_CLI_VM_OPTIONS_H
#define SOCLE_CLI_VM_OPTIONS_H

#include <jansson.h>

#include "tools/socle/args.h"

/* Puts what the options say into the definition, whose other members stay. Return: false after
 * telling what is wrong. */
bool vm_options_apply(const struct args *args, json_t *vm);

/* The object that is a member, made if it is not there. */
json_t *vm_options_group(json_t *vm, const char *name);

#endif
