/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: tokens, the claim code, wrong guesses and the audit log of this host. Users are
 * in auth_users.h, their passwords in auth_password.h.
 *
 * Tokens are kept in a pool if there is one; else after a reboot only those of socle.dtb are there
 * again. Context of all: management task, or boot.
 */
#ifndef SOCLE_MGMT_AUTH_H
#define SOCLE_MGMT_AUTH_H

#include "core/lib/dtb.h"
#include "mgmt/api/api.h"
#include "mgmt/auth/audit.h"
#include "mgmt/auth/session.h"
#include "mgmt/auth/token.h"

/* Takes the tokens and the claim code of socle.dtb; dtb may be NULL. After tls_init. */
void auth_init(const void *dtb, size_t bytes, const struct dtb_report *report);

/* Makes a claim code when no administrator's token is valid any more. */
void auth_poll(void);

/* True when no more tokens come from pools. */
bool auth_is_settled(void);

/* True if there is an administrator, so that the host cannot be claimed. */
bool auth_is_claimed(void);

/* True if there is a code by which it can be claimed now. */
bool auth_is_claimable(void);

/* The code for the console; "" if there is none to show: it was given in socle.dtb. */
const char *auth_claim_code(void);

/*
 * Before a request is routed to its handler. Return: true, with req->who filled in, if it may go
 * on; false after answering 401, 403 or 429. A path that does not exist needs a token, too.
 */
bool auth_admit(struct req *req) must_check;

/* The code of a claim. Return: true; false after answering 403, 409 or 429. */
bool auth_claim(struct req *req, const char *code) must_check;

/* Begins a session for whom the text is a valid token. Return: true, with req->who filled in; false
 * after answering 401, 429 or 503. */
bool auth_login(struct req *req, const char *text, struct session_secrets *secrets) must_check;

/* The same for a name and a password; false also while the request waits for that to be checked. */
bool auth_login_user(struct req *req, const char *name, const char *password,
                     struct session_secrets *secrets) must_check;

/* Ends the session the request came in by. Return: false if it came in by none. */
bool auth_logout(struct req *req) must_check;

/* Makes a token with user, role and expiry of `wanted`. Return: as token_issue. */
int auth_issue(struct token *wanted, bool is_claim, char text[TOKEN_TEXT_MAX + 1],
               const struct token **made) must_check;

/* True while whoever sent the request may go on with it: the token has not expired, the browser's
 * session not ended, and the user has not changed, or not lost rights if it was by a token. */
bool auth_goes_on(const struct identity *who);

/* True if the VM is there and one of those the identity is for. */
bool auth_sees_vm(const struct identity *who, u32 vm);

/* Ends a token, its sessions, and the requests under way that came in by it. Return: 0, -ENOENT;
 * -EBUSY: the pool that keeps it does not work, so it would be there again after a reboot. */
int auth_revoke(const char *id) must_check;

/* The same for all of a user's. Return: 0, -EBUSY: some are still there. */
int auth_revoke_all(const char *user) must_check;

const struct token_store *auth_tokens(void);
struct limiter *auth_limiter(void);
const struct audit *auth_audit(void);

/* An answer is on its way: notes it if it changed something, or if somebody knocked in vain. */
void auth_note(const struct req *req);

/* The same for what was done at the host's own console, as if it had been this request. */
void auth_note_console(const char *method, const char *path, u16 status);

#endif
