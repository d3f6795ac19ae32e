/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways to come in: a token, a password, a browser's session, a certificate. Private to auth*.c.
 * Context of all: management task. */
#ifndef SOCLE_MGMT_AUTH_ADMIT_H
#define SOCLE_MGMT_AUTH_ADMIT_H

#include "mgmt/api/api.h"

/* A wrong guess: answers with the problem, or 429 and the end of the connection to a source of too
 * many. */
void auth_answer_guess(struct req *req, const struct problem *problem);

/* The token is gone: ends its sessions. */
void auth_end_sessions(const char *token);

#endif
