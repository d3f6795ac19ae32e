/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passwords in requests. One costs PASSWORD_ITERATIONS rounds, which are done in slices between the
 * turns of the agent, for one request at a time; that request waits meanwhile, without an answer.
 * Both functions that need it are simply called again then, with the same arguments.
 * Context of all: management task.
 */
#ifndef SOCLE_MGMT_AUTH_PASSWORD_H
#define SOCLE_MGMT_AUTH_PASSWORD_H

#include "core/lib/compiler.h"
#include "mgmt/api/api.h"

/*
 * Checks a name and a password. Return: the user; NULL after answering 401, 403, 429 or 503, or
 * while the request waits.
 */
const struct user *auth_password_check(struct req *req, const char *name,
                                       const char *password) must_check;

/* What is to be kept of a new password, with a new salt. Return: true, with *hash; false after
 * answering, or while the request waits. */
bool auth_password_make(struct req *req, const char *password,
                        struct password_hash *hash) must_check;

/* Passwords are secrets: they come by TLS or not at all. Return: false after answering 403. */
bool auth_password_has_tls(struct req *req) must_check;

/* Goes on with a request that waits. Return: true when it is to be called again. */
bool auth_password_step(struct req *req) must_check;

/* The request has ended, or begins: it waits no more, and nothing secret stays. */
void auth_password_forget(struct req *req);

#endif
