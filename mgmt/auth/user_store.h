/* SPDX-License-Identifier: BSD-2-Clause */
/* Users at rest: a blob of a pool for each, as tokens (auth_store.h). Context: management task; the
 * functions wait for the pools. */
#ifndef SOCLE_MGMT_USER_STORE_H
#define SOCLE_MGMT_USER_STORE_H

#include "core/lib/compiler.h"
#include "mgmt/auth/user.h"

/* What the names of their blobs begin with; the user's name follows. */
#define USER_STORE_PREFIX "user:"

struct pool;

/* Keeps him in the first pool, in place of what it had of him. Return: false if he stays in RAM. */
bool user_store_keep(const struct user *user) must_check;

/* Takes him out of the pools. Return: 0; -EBUSY: a pool that may have him does not work. */
int user_store_drop(const char *name) must_check;

/* Reads the user that a blob holds. Return: 0; -EINVAL, -EIO. */
int user_store_read(struct pool *engine, const char *blob, struct user *out) must_check;

#endif
