/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's hints name routes of its API; here they name commands. */
#ifndef SOCLE_CLI_HINT_H
#define SOCLE_CLI_HINT_H

/* A hint in the words of the command line. type: the problem's. Caller
 * frees. */
char *hint_for(const char *type, const char *hint);

#endif
