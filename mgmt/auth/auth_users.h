/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The users of this host: those of socle.dtb, and those made by the API, which are kept in a pool
 * if there is one. Context of all: management task, or boot.
 */
#ifndef SOCLE_MGMT_AUTH_USERS_H
#define SOCLE_MGMT_AUTH_USERS_H

#include "core/lib/compiler.h"
#include "core/lib/dtb.h"
#include "mgmt/auth/user.h"

/* Takes those of socle.dtb, which may be NULL, and those of pools as they are found. */
void auth_users_init(const void *dtb, size_t bytes, const struct dtb_report *report);

const struct user_store *auth_users(void);

/* True if an administrator can come in without that token, and without that user; NULL: all count.
 */
bool auth_has_admin(const char *except_token, const char *except_user);

/*
 * Makes or changes a user; a change ends his sessions and what is under way without a token.
 * Return: 0; -EPERM: there would be no administrator; -ENOSPC; -EBUSY: the pool that keeps him does
 * not work, so he would be as before after a reboot. Nothing has changed then.
 */
int auth_user_set(const struct user *user) must_check;

/* Ends a user with his tokens and all that is under way by either. Return: 0; -EPERM: there would
 * be no administrator; -ENOENT; -EBUSY: a pool that keeps a part does not work. */
int auth_user_delete(const char *name) must_check;

/* True if one of his certificates is to be asked for: users have such. */
bool auth_users_have_certs(void);

#endif
