/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Browser sessions: a cookie that stands for a token, or for a user who has given his password, so
 * that no script of a page ever has to keep either.
 *
 * The cookie alone reads. What changes something must also carry the session's CSRF secret in a
 * header, which a page of another site can neither read nor set. Both have 128 random bits and only
 * their digests are kept. A session ends with its token or when its user changes, after IDLE
 * without a request (a stream that is open counts as one), after LIFE in any case, or when a newer
 * one needs its place.
 *
 * Plain data without a lock; time and random numbers come from the caller.
 */
#ifndef SOCLE_MGMT_SESSION_H
#define SOCLE_MGMT_SESSION_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/auth/token.h"

#define SESSIONS_MAX       32u
#define SESSION_SECRET_LEN 32u /* hexadecimal digits */
#define SESSION_COOKIE     "__Host-socle"
#define SESSION_LIFE_S     (12u * 3600u)
#define SESSION_IDLE_S     (30u * 60u)

struct session {
    char token[TOKEN_NAME_MAX + 1]; /* its id; or "" and … */
    char user[TOKEN_NAME_MAX + 1];  /* … a user; both "": the slot is free */
    u32 version;                    /* of the user when he came in */
    u8 cookie[SHA256_BYTES];        /* digests */
    u8 csrf[SHA256_BYTES];
    u64 begin_ns; /* uptime */
    u64 used_ns;
};

struct session_store {
    struct session sessions[SESSIONS_MAX];
};

/* What the browser gets, once. */
struct session_secrets {
    char cookie[SESSION_SECRET_LEN + 1];
    char csrf[SESSION_SECRET_LEN + 1];
};

/* Begins a session for the token, or the user and his version, of `whose`. Return: 0; -EIO (no
 * random numbers). */
int session_begin(struct session_store *store, const struct session *whose, u64 now_ns,
                  int (*random)(void *dst, size_t bytes),
                  struct session_secrets *secrets) must_check;

/*
 * The session that a request's Cookie header names, valid until the store changes; it counts as
 * used. Return: NULL if there is none, or none that lives.
 */
struct session *session_check(struct session_store *store, const char *cookies, u64 now_ns);

/* True if that is the session's CSRF secret. NULL is none. */
bool session_csrf_matches(const struct session *session, const char *csrf);

/* True while the session that began then has not ended, and is not too old. Streams that a page has
 * open go on that long, and keep it from being idle. */
bool session_goes_on(struct session_store *store, u64 begin_ns, u64 now_ns);

void session_end(struct session *session);

/* Ends all sessions of a token. */
void session_end_all(struct session_store *store, const char *token);

#endif
