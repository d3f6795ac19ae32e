/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords: bounded in how many are looked at, and in what one costs at a time. */
#include "mgmt/auth/auth_password.h"

#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_users.h"
#include "mgmt/tls/random.h"

/* Five million instructions, a millisecond or two. */
#define ROUNDS_PER_TURN 500u

/* Strangers' passwords that wait at the same time, a quarter of a second each. */
#define WAITING_MAX 16u

static struct login_table logins;
static u32 strangers; /* that wait */

static void wait_for(struct req *req, const char *password)
{
    struct derive *derive = &req->derive;
    struct password_hash *hash = &derive->hash;

    pbkdf2_begin(&derive->work, password, strlen(password), hash->salt, sizeof(hash->salt),
                 hash->iterations);
    derive->state = DERIVE_WAITS;
    strangers += !derive->goes_first;
}

bool auth_password_step(struct req *req)
{
    struct derive *derive = &req->derive;

    if (!pbkdf2_step(&derive->work, ROUNDS_PER_TURN))
        return false;
    pbkdf2_end(&derive->work, derive->hash.key);
    strangers -= !derive->goes_first;
    derive->state = DERIVE_DONE;
    return true;
}

void auth_password_forget(struct req *req)
{
    struct derive *derive = &req->derive;

    if (derive->state == DERIVE_WAITS)
        strangers -= !derive->goes_first;
    mem_wipe(derive, sizeof(*derive));
}

bool auth_password_has_tls(struct req *req)
{
    if (req->peer.has_tls)
        return true;
    api_error(req, &(struct problem){.slug = "needs_tls",
                                     .detail = "Passwords are taken by HTTPS only.",
                                     .hint = "Turn TLS on in socle.dtb, or use a token."});
    return false;
}

static void answer_busy(struct req *req, const char *detail)
{
    api_error(req, &(struct problem){.slug = "busy",
                                     .detail = detail,
                                     .retry_after_s = 2,
                                     .hint = "Try again in two seconds, or use a token."});
}

static void answer_wrong(struct req *req)
{
    req->audit = AUDIT_ALWAYS;
    api_error(req, &(struct problem){.slug = "bad_password",
                                     .detail = "There is no such user with this password.",
                                     .hint = "Check both; an administrator can set a new password "
                                             "by PUT /api/v1/users/{u}."});
}

static void answer_slow(struct req *req, u32 wait_s)
{
    req->audit = AUDIT_NEVER;
    req->reply.close = true;
    api_error(req, &(struct problem){.slug = "rate",
                                     .detail = "There were too many wrong passwords, from your "
                                               "address or for this user.",
                                     .retry_after_s = wait_s,
                                     .hint = "Wait, or use a token: a right one is never refused. "
                                             "Where you have come in before, others do not slow "
                                             "you down."});
}

/* One who does not exist, or has no password, is as slow to refuse as one who has. */
static void take_salt(struct derive *derive, const struct user *user)
{
    derive->hash = (struct password_hash){.iterations = PASSWORD_ITERATIONS};
    if (user && user->password.iterations)
        derive->hash = user->password;
}

/* Return: false after answering. */
static bool may_try(struct req *req, const char *name)
{
    struct derive *derive = &req->derive;
    u32 wait_s;

    login_begin(&logins, req->peer.key, name, &derive->attempt);
    derive->goes_first = derive->attempt.is_known;
    if (!derive->goes_first && strangers >= WAITING_MAX) {
        answer_busy(req, "Too many passwords wait to be checked.");
        return false;
    }
    wait_s = login_charge(auth_limiter(), &derive->attempt, time_ns());
    if (wait_s)
        answer_slow(req, wait_s);
    return wait_s == 0;
}

static bool is_right(const struct derive *derive, const struct user *user)
{
    return user && user->password.iterations &&
           mem_same_secret(user->password.key, derive->hash.key, sizeof(derive->hash.key));
}

const struct user *auth_password_check(struct req *req, const char *name, const char *password)
{
    const struct user *user = user_find(auth_users(), name);
    struct derive *derive = &req->derive;

    if (!auth_password_has_tls(req))
        return NULL;
    if (login_init(&logins, random_bytes) != 0) {
        answer_busy(req, "The host has no random numbers.");
        return NULL;
    }
    if (user && login_is_fresh(&logins, user, password, time_ns()))
        return user;
    if (derive->state == DERIVE_NONE) {
        if (!may_try(req, name))
            return NULL;
        take_salt(derive, user);
        wait_for(req, password);
        return NULL;
    }
    if (!is_right(derive, user)) {
        answer_wrong(req);
        return NULL;
    }
    login_succeed(&logins, auth_limiter(), &derive->attempt, user, password, time_ns());
    return user;
}

bool auth_password_make(struct req *req, const char *password, struct password_hash *hash)
{
    struct derive *derive = &req->derive;

    if (derive->state == DERIVE_DONE) {
        *hash = derive->hash;
        return true;
    }
    if (random_bytes(derive->hash.salt, sizeof(derive->hash.salt)) != 0) {
        answer_busy(req, "The host has no random numbers for a password.");
        return false;
    }
    derive->hash.iterations = PASSWORD_ITERATIONS;
    derive->goes_first = true; /* he has shown who he is */
    wait_for(req, password);
    return false;
}
