/* SPDX-License-Identifier: BSD-2-Clause */
/* The check before each request: who is it, and is his role enough. */
#include "mgmt/auth/auth_admit.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_password.h"
#include "mgmt/auth/auth_users.h"
#include "mgmt/auth/credentials.h"
#include "mgmt/tls/client_ca.h"
#include "mgmt/tls/random.h"
#include "mgmt/tls/tls_peer.h"

static struct session_store sessions;

static void answer_no_token(struct req *req)
{
    req->audit = AUDIT_NEVER; /* nothing was tried */
    reply_header(req, "WWW-Authenticate", "Bearer realm=\"socle\"");
    api_error(req, &(struct problem){
                       .slug = "no_token",
                       .detail = req->peer.client
                                     ? "This needs a token: your certificate is no user's, not "
                                       "signed by the client CA, or not valid now."
                                     : "This needs a token.",
                       .hint = auth_is_claimed()
                                   ? "Send \"Authorization: Bearer socle1.<id>.<secret>\"; an "
                                     "administrator makes tokens by POST /api/v1/tokens."
                                   : "Claim the host first: POST /api/v1/claim with the code on "
                                     "its console gives you a token.",
                   });
}

void auth_answer_guess(struct req *req, const struct problem *problem)
{
    u32 wait_s = limiter_fail(auth_limiter(), req->peer.key, time_ns());

    req->audit = AUDIT_ALWAYS;
    if (wait_s == 0) {
        api_error(req, problem);
        return;
    }
    req->audit = AUDIT_NEVER;
    req->reply.close = true;
    api_error(req, &(struct problem){
                       .slug = "rate",
                       .detail = "There were too many wrong tokens or codes from your address.",
                       .retry_after_s = wait_s,
                       .hint = "Wait, or send a right one: that is never refused.",
                   });
}

static void answer_role(struct req *req)
{
    req->audit = AUDIT_ALWAYS;
    api_error(req, &(struct problem){
                       .slug = "role",
                       .detail = "Your role does not allow this.",
                       .need_role = role_name(req->match.route->role),
                       .hint = "Use a token with the role in \"need_role\" or a higher one.",
                   });
}

static void remember_token(struct req *req, const struct token *token)
{
    req->who.way = WAY_TOKEN;
    req->who.role = user_limit(auth_users(), token->user, token->role);
    req->who.scope = token->scope;
    req->who.expires_unix_ns = token->expires_unix_ns;
    memcpy(req->who.user, token->user, sizeof(req->who.user));
    memcpy(req->who.token, token->id, sizeof(req->who.token));
}

static void remember_user(struct req *req, const struct user *user, enum identity_way way)
{
    req->who.way = way;
    req->who.role = user->role;
    req->who.version = user->version;
    memcpy(req->who.user, user->name, sizeof(req->who.user));
}

static bool is_change(enum http_verb verb)
{
    return verb != VERB_GET && verb != VERB_HEAD && verb != VERB_OPTIONS;
}

/* Return: the valid token of that text; NULL after answering. */
static const struct token *check_text(struct req *req, const char *text)
{
    const struct token *token = token_check(auth_tokens(), text);

    if (token && token_is_valid(token, clock_unix_ns()))
        return token;
    reply_header(req, "WWW-Authenticate", "Bearer realm=\"socle\", error=\"invalid_token\"");
    auth_answer_guess(
        req, &(struct problem){
                 .slug = "bad_token",
                 .detail = token ? "This token has expired." : "There is no such token here.",
                 .hint = "Check that it is whole, and whether the host has been restarted: "
                         "without a pool only tokens in socle.dtb survive that.",
             });
    return NULL;
}

static bool by_token(struct req *req, const char *text)
{
    const struct token *token = check_text(req, text);

    if (token)
        remember_token(req, token);
    return token != NULL;
}

/* curl -u. Spec: RFC 7617 2. */
static bool by_password(struct req *req, const char *text)
{
    struct credentials_basic basic;
    const struct user *user = NULL;
    bool is_whole = credentials_basic(text, &basic);

    if (is_whole)
        user = auth_password_check(req, basic.name, basic.password);
    else
        answer_no_token(req);
    mem_wipe(&basic, sizeof(basic));
    if (user)
        remember_user(req, user, WAY_PASSWORD);
    return user != NULL;
}

static struct session *session_of(const struct req *req)
{
    const char *cookies = http_header(req->http, "cookie");

    return cookies ? session_check(&sessions, cookies, time_ns()) : NULL;
}

/* Return: false if what the session stands for is there no more. */
static bool remember_session(struct req *req, const struct session *session)
{
    const struct token *token = token_find(auth_tokens(), session->token);
    const struct user *user = user_find(auth_users(), session->user);

    if (token && token_is_valid(token, clock_unix_ns()))
        remember_token(req, token);
    else if (user && user->version == session->version)
        remember_user(req, user, WAY_PASSWORD);
    else
        return false;
    req->who.session_ns = session->begin_ns;
    return true;
}

/* Return: true if what changes something bears the session's other secret; false after answering.
 */
static bool check_csrf(struct req *req, const struct session *session)
{
    if (!is_change(req->http->verb) ||
        session_csrf_matches(session, http_header(req->http, "x-csrf-token")))
        return true;
    req->audit = AUDIT_ALWAYS;
    api_error(req, &(struct problem){
                       .slug = "csrf",
                       .detail = "The session's X-CSRF-Token is missing or wrong.",
                       .hint = "Send the \"csrf\" of POST /api/v1/sessions in that header.",
                   });
    return false;
}

/* Pinned by its SHA-256, or trusted for a name in it. Return: NULL: he is nobody here. */
static const struct user *user_of(const struct tls_peer *client)
{
    const struct user *user = user_of_cert(auth_users(), client->sha256);

    if (!tls_peer_is_in_time(client))
        return NULL;
    if (user || !client->is_trusted || client->ca_version != client_ca_version())
        return user;
    for (u32 i = 0; !user && i < client->name_count; i++) {
        if (!user_cert_is_fingerprint(client->names[i]))
            user = user_of_cert(auth_users(), client->names[i]);
    }
    return user;
}

/*
 * A browser shows its certificate by itself, also when a page of another site makes it send
 * something: it says so in Sec-Fetch-Site, and in Origin, which conn.c looks at for all.
 */
static bool by_certificate(struct req *req)
{
    const struct user *user = req->peer.client ? user_of(req->peer.client) : NULL;
    const char *site = http_header(req->http, "sec-fetch-site");

    if (!user) {
        answer_no_token(req);
        return false;
    }
    if (is_change(req->http->verb) && site && strcmp(site, "same-origin") != 0 &&
        strcmp(site, "none") != 0) {
        api_answer_foreign_page(req);
        return false;
    }
    remember_user(req, user, WAY_CERTIFICATE);
    return true;
}

/* Return: true, with req->who; false after answering, or while a password is being checked. */
static bool identify(struct req *req)
{
    const char *header = http_header(req->http, "authorization");
    const char *token = header ? credentials_of(header, "bearer") : NULL;
    const char *basic = header ? credentials_of(header, "basic") : NULL;
    const struct session *session;

    if (token)
        return by_token(req, token);
    if (basic)
        return by_password(req, basic);
    session = session_of(req);
    if (session && remember_session(req, session))
        return check_csrf(req, session);
    return by_certificate(req);
}

bool auth_sees_vm(const struct identity *who, u32 vm)
{
    static struct vmm_info info; /* one thread answers */

    return who->scope.count == 0 ||
           (vm && vmm_get(vm, &info) == 0 && scope_has(&who->scope, &info.cfg));
}

static void answer_scope(struct req *req)
{
    req->audit = AUDIT_ALWAYS;
    api_error(req, &(struct problem){
                       .slug = "scope",
                       .detail = "Your token is for some virtual machines only, to use them.",
                       .hint = "Use a token without vm_tags for what is about the host, or defines "
                               "virtual machines.",
                   });
}

/* A VM that is not in the token's scope is none, as far as its owner is told. */
static bool is_in_scope(struct req *req)
{
    const struct route *route = req->match.route;
    enum reach reach = route ? scope_reach(route->verb, route->path) : REACH_OPEN;

    if (req->who.scope.count == 0 || reach == REACH_OPEN)
        return true;
    if (reach == REACH_HOST) {
        answer_scope(req);
        return false;
    }
    if (api_find_vm(req, &req->who.vm))
        return false;
    if (auth_sees_vm(&req->who, req->who.vm))
        return true;
    api_no_such_vm(req);
    return false;
}

bool auth_admit(struct req *req)
{
    enum role need = req->match.route ? req->match.route->role : ROLE_VIEWER;

    if (need == ROLE_NONE)
        return true;
    if (!identify(req))
        return false;
    if (req->who.role >= need)
        return is_in_scope(req);
    answer_role(req);
    return false;
}

/* The session of whom req->who says. Return: false after answering. */
static bool begin_session(struct req *req, struct session_secrets *secrets)
{
    struct session whose = {.version = req->who.version};

    memcpy(whose.token, req->who.token, sizeof(whose.token));
    if (req->who.way == WAY_PASSWORD)
        memcpy(whose.user, req->who.user, sizeof(whose.user));
    if (session_begin(&sessions, &whose, time_ns(), random_bytes, secrets) == 0)
        return true;
    api_error(req, &(struct problem){
                       .slug = "busy",
                       .detail = "The host has no random numbers for a session.",
                       .retry_after_s = 1,
                       .hint = "Try again, or send the token itself with each request.",
                   });
    return false;
}

bool auth_login(struct req *req, const char *text, struct session_secrets *secrets)
{
    return by_token(req, text) && begin_session(req, secrets);
}

bool auth_login_user(struct req *req, const char *name, const char *password,
                     struct session_secrets *secrets)
{
    const struct user *user = auth_password_check(req, name, password);

    if (!user)
        return false;
    remember_user(req, user, WAY_PASSWORD);
    return begin_session(req, secrets);
}

bool auth_goes_on(const struct identity *who)
{
    const struct user *user = user_find(auth_users(), who->user);

    if (who->expires_unix_ns != 0 && clock_unix_ns() >= who->expires_unix_ns)
        return false;
    if (who->session_ns && !session_goes_on(&sessions, who->session_ns, time_ns()))
        return false;
    if (who->way == WAY_NONE)
        return true;
    if (who->vm && !auth_sees_vm(who, who->vm))
        return false;
    if (who->way == WAY_TOKEN)
        return !user || user->role >= who->role;
    return user && user->version == who->version;
}

bool auth_logout(struct req *req)
{
    struct session *session = session_of(req);

    if (!session || session->begin_ns != req->who.session_ns)
        return false;
    session_end(session);
    req->who.session_ns = 0; /* its own answer still goes out */
    return true;
}

void auth_end_sessions(const char *token)
{
    session_end_all(&sessions, token);
}
