/* SPDX-License-Identifier: BSD-2-Clause */
/* A password from whoever sits at the terminal. */
#ifndef SOCLE_CLI_SECRET_H
#define SOCLE_CLI_SECRET_H

#include "tools/socle/command.h"

#define SECRET_MAX 128u

/*
 * Asks on stderr and reads a line without showing it; where standard input is no terminal, a line
 * of that, without asking. Return: DONE; MISUSED with a sentence on stderr: there is none, or it is
 * too long.
 */
enum outcome secret_read(const char *question, char secret[SECRET_MAX + 1]);

/* The same twice, for a new one. Return: also MISUSED if they differ. */
enum outcome secret_choose(const char *question, char secret[SECRET_MAX + 1]);

#endif
