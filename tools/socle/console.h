/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM's serial console in this terminal. */
#ifndef SOCLE_CLI_CONSOLE_H
#define SOCLE_CLI_CONSOLE_H

#include "tools/socle/cli.h"

/* Shows what the guest writes, from the oldest byte kept, and sends what is typed, until "~." or
 * the VM is deleted. */
enum outcome console_attach(struct cli *cli, const char *vm);

#endif
