/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens at rest: a blob of a pool for each, with its digest. What was put into pools is taken at
 * boot only, so nobody comes in by a disk that is mounted later. Context: management task; the
 * functions wait for the pools.
 */
#ifndef SOCLE_MGMT_AUTH_STORE_H
#define SOCLE_MGMT_AUTH_STORE_H

#include "core/lib/compiler.h"
#include "mgmt/auth/token.h"

/* What the names of their blobs begin with; the id follows. */
#define AUTH_STORE_PREFIX "token:"

struct pool;

/* Keeps a token in the first pool. Return: false if it stays in RAM. */
bool auth_store_keep(const struct token *token) must_check;

/* Takes it out of the pools. Return: 0; -EBUSY: a pool that may have it does not work. */
int auth_store_drop(const char *id) must_check;

/* The same for any blob. */
int auth_store_drop_blob(const char *blob) must_check;

/* Reads the token that a blob holds. Return: 0; -EINVAL, -EIO. */
int auth_store_read(struct pool *engine, const char *blob, struct token *out) must_check;

#endif
