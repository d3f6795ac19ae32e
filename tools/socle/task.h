/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for a task of the host, with its progress. */
#ifndef SOCLE_CLI_TASK_H
#define SOCLE_CLI_TASK_H

#include "tools/socle/cli.h"

/* Waits until the task has ended; one that moves bytes has a progress line, called `what`. answer:
 * the task as it is then, for the caller to release. Return: DONE if it has succeeded; else an
 * error is printed. */
enum outcome task_wait(struct cli *cli, const char *id, const char *what, json_t **answer);

#endif
