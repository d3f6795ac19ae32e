/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens, users and the claim code out of socle.dtb; the binding is in mgmt/README.md. */
#ifndef SOCLE_MGMT_AUTH_FDT_H
#define SOCLE_MGMT_AUTH_FDT_H

#include "core/lib/dtb.h"
#include "mgmt/auth/claim.h"
#include "mgmt/auth/token.h"
#include "mgmt/auth/user.h"

/*
 * Adds the tokens of /api/tokens to the store, and takes /api/claim-code. The blob may be damaged
 * or hostile. A token with a mistake is told and left out as a whole; so is a code.
 */
void auth_fdt_read(const void *dtb, size_t bytes, struct token_store *store, struct claim *claim,
                   const struct dtb_report *report);

/* Adds the users of /api/users, in the same way. */
void auth_fdt_users(const void *dtb, size_t bytes, struct user_store *store,
                    const struct dtb_report *report);

#endif
