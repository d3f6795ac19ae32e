/* SPDX-License-Identifier: BSD-2-Clause */
/* The check before each request, the claim, and the audit log. */
#include "mgmt/auth.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/auth_fdt.h"
#include "mgmt/auth_store.h"
#include "mgmt/claim.h"
#include "mgmt/limiter.h"
#include "mgmt/random.h"
#include "mgmt/server.h"

static struct {
    struct token_store tokens;
    struct claim claim;
    struct session_store sessions;
    struct limiter limiter;
    struct audit audit;
    bool is_settled; /* no more tokens come from pools */
} auth;

/* A pool that was there at boot has a token. */
static void on_blob(struct vmm_pool *pool, const char *blob)
{
    struct token token;
    int rc;

    if (auth.is_settled)
        return;
    rc = auth_store_read(pools_engine(pool), blob, &token);
    if (rc == 0)
        rc = token_add(&auth.tokens, &token, clock_is_known() ? clock_unix_ns() : 0);
    if (rc)
        log_warn("auth", "%s: %s is left out (error %d)", pools_name(pool), blob, rc);
}

/* Those that were made just now, or before there was a pool. */
static void keep_tokens(void)
{
    for (u32 i = 0; i < TOKENS_MAX; i++) {
        struct token *token = &auth.tokens.tokens[i];

        if (token->id[0] && !token->is_configured && !token->is_kept)
            token->is_kept = auth_store_keep(token);
    }
}

static void on_online(struct vmm_pool *pool unused)
{
    keep_tokens();
}

void auth_init(const void *dtb, size_t bytes, const struct dtb_report *report)
{
    if (dtb)
        auth_fdt_read(dtb, bytes, &auth.tokens, &auth.claim, report);
    pools_listen(AUTH_STORE_PREFIX, on_blob, on_online);
    auth_poll();
}

/* Every token that is kept has been found: is there an administrator? */
static void settle(void)
{
    auth.is_settled = true;
    if (auth_is_claimed())
        return;
    if (auth.claim.code[0] == '\0' && !random_is_ready())
        log_warn("auth", "there are no random numbers for a claim code: nobody can come in without "
                         "a token in socle.dtb");
    else
        log_info("auth", "nobody has claimed this host yet: the claim code is %s",
                 auth.claim.code[0] ? "the one in socle.dtb" : "on the console page");
}

bool auth_is_claimed(void)
{
    return token_has_admin(&auth.tokens, clock_unix_ns(), NULL);
}

bool auth_is_settled(void)
{
    return auth.is_settled;
}

void auth_poll(void)
{
    if (!auth.is_settled && pools_are_settled())
        settle();
    if (auth.is_settled && auth.claim.code[0] == '\0' && random_is_ready() && !auth_is_claimed() &&
        claim_make(&auth.claim, random_bytes) != 0)
        log_error("auth", "no claim code could be made: there are no random numbers");
}

bool auth_is_claimable(void)
{
    return auth.is_settled && auth.claim.code[0] != '\0' && !auth_is_claimed();
}

const char *auth_claim_code(void)
{
    return auth_is_claimable() ? auth.claim.shown : "";
}

const struct token_store *auth_tokens(void)
{
    return &auth.tokens;
}

const struct audit *auth_audit(void)
{
    return &auth.audit;
}

/* The text behind "Bearer " (RFC 6750; a scheme's name has no case), or NULL. */
static const char *bearer_of(const char *header)
{
    static const char scheme[] = "bearer ";

    for (u32 i = 0; i < sizeof(scheme) - 1; i++) {
        char c = header[i] >= 'A' && header[i] <= 'Z' ? (char)(header[i] + 32) : header[i];

        if (c != scheme[i])
            return NULL;
    }
    header += sizeof(scheme) - 1;
    while (*header == ' ')
        header++;
    return header;
}

static void answer_no_token(struct req *req)
{
    req->audit = AUDIT_NEVER; /* nothing was tried */
    reply_header(req, "WWW-Authenticate", "Bearer realm=\"socle\"");
    api_error(req, &(struct problem){
                       .slug = "no_token",
                       .detail = "This needs a token.",
                       .hint = auth_is_claimed()
                                   ? "Send \"Authorization: Bearer socle1.<id>.<secret>\"; an "
                                     "administrator makes tokens by POST /api/v1/tokens."
                                   : "Claim the host first: POST /api/v1/claim with the code on "
                                     "its console gives you a token.",
                   });
}

/* A wrong guess: the answer, or 429 and the end of the connection from a source of too many. */
static void answer_failure(struct req *req, const struct problem *problem)
{
    u32 wait_s = limiter_fail(&auth.limiter, req->peer.key, time_ns());

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
                       .detail = "The role of your token does not allow this.",
                       .need_role = role_name(req->match.route->role),
                       .hint = "Use a token with the role in \"need_role\" or a higher one.",
                   });
}

static void remember(struct req *req, const struct token *token)
{
    req->who.role = token->role;
    req->who.expires_unix_ns = token->expires_unix_ns;
    memcpy(req->who.user, token->user, sizeof(req->who.user));
    memcpy(req->who.token, token->id, sizeof(req->who.token));
}

static bool is_change(enum http_verb verb)
{
    return verb != VERB_GET && verb != VERB_HEAD && verb != VERB_OPTIONS;
}

/* Return: the valid token of that text; NULL after answering. */
static const struct token *check_text(struct req *req, const char *text)
{
    const struct token *token = token_check(&auth.tokens, text);

    if (token && token_is_valid(token, clock_unix_ns()))
        return token;
    reply_header(req, "WWW-Authenticate", "Bearer realm=\"socle\", error=\"invalid_token\"");
    answer_failure(req,
                   &(struct problem){
                       .slug = "bad_token",
                       .detail = token ? "This token has expired." : "There is no such token here.",
                       .hint = "Check that it is whole, and whether the host has been restarted: "
                               "without a pool only tokens in socle.dtb survive that.",
                   });
    return NULL;
}

static struct session *session_of(const struct req *req)
{
    const char *cookies = http_header(req->http, "cookie");

    return cookies ? session_check(&auth.sessions, cookies, time_ns()) : NULL;
}

/* Return: the valid token the request's session stands for; NULL after answering. */
static const struct token *check_session(struct req *req)
{
    const struct session *session = session_of(req);
    const struct token *token = session ? token_find(&auth.tokens, session->token) : NULL;

    if (!token || !token_is_valid(token, clock_unix_ns())) {
        answer_no_token(req);
        return NULL;
    }
    req->who.session_ns = session->begin_ns;
    if (!is_change(req->http->verb) ||
        session_csrf_matches(session, http_header(req->http, "x-csrf-token")))
        return token;
    req->audit = AUDIT_ALWAYS;
    api_error(req, &(struct problem){
                       .slug = "csrf",
                       .detail = "The session's X-CSRF-Token is missing or wrong.",
                       .hint = "Send the \"csrf\" of POST /api/v1/sessions in that header.",
                   });
    return NULL;
}

bool auth_admit(struct req *req)
{
    enum role need = req->match.route ? req->match.route->role : ROLE_VIEWER;
    const char *header = http_header(req->http, "authorization");
    const char *text = header ? bearer_of(header) : NULL;
    const struct token *token;

    if (need == ROLE_NONE)
        return true;
    token = text ? check_text(req, text) : check_session(req);
    if (!token)
        return false;
    remember(req, token);
    if (token->role >= need)
        return true;
    answer_role(req);
    return false;
}

bool auth_login(struct req *req, const char *text, struct session_secrets *secrets)
{
    const struct token *token = check_text(req, text);

    if (!token)
        return false;
    remember(req, token);
    if (session_begin(&auth.sessions, token->id, time_ns(), random_bytes, secrets) == 0)
        return true;
    api_error(req, &(struct problem){
                       .slug = "busy",
                       .detail = "The host has no random numbers for a session.",
                       .retry_after_s = 1,
                       .hint = "Try again, or send the token itself with each request.",
                   });
    return false;
}

bool auth_goes_on(const struct identity *who)
{
    if (who->expires_unix_ns != 0 && clock_unix_ns() >= who->expires_unix_ns)
        return false;
    return who->session_ns == 0 || session_goes_on(&auth.sessions, who->session_ns, time_ns());
}

bool auth_logout(struct req *req)
{
    struct session *session = session_of(req);

    if (!session || strcmp(session->token, req->who.token) != 0)
        return false;
    session_end(session);
    req->who.session_ns = 0; /* its own answer still goes out */
    return true;
}

bool auth_claim(struct req *req, const char *code)
{
    if (!auth.is_settled) {
        api_error(req, &(struct problem){.slug = "busy",
                                         .detail = "The host is still looking for its tokens.",
                                         .retry_after_s = 1,
                                         .hint = "Try again in a second."});
        return false;
    }
    if (auth_is_claimed()) {
        api_error(req, &(struct problem){
                           .slug = "claimed",
                           .detail = "The host has been claimed already.",
                           .hint = "Ask its administrator for a token; if there is none, restart "
                                   "the host and use the new code.",
                       });
        return false;
    }
    if (claim_matches(&auth.claim, code))
        return true;
    answer_failure(req, &(struct problem){
                            .slug = "bad_code",
                            .pointer = "/code",
                            .detail = "This is not the claim code.",
                            .hint = "Read it on the host's screen or serial console.",
                        });
    return false;
}

int auth_issue(struct token *wanted, bool is_claim, char text[TOKEN_TEXT_MAX + 1],
               const struct token **made)
{
    u64 now = clock_unix_ns();
    int rc;

    wanted->created_unix_ns = clock_is_known() ? now : 0;
    rc = token_issue(&auth.tokens, wanted, now, is_claim, random_bytes, text, made);
    if (rc == 0)
        keep_tokens();
    if (rc == 0 && is_claim)
        claim_end(&auth.claim);
    return rc;
}

int auth_revoke(const char *id)
{
    char copy[TOKEN_NAME_MAX + 1];

    const struct token *token = token_find(&auth.tokens, id);

    if (!token || !str_copy(copy, sizeof(copy), id))
        return -ENOENT;
    if (token->is_kept && auth_store_drop(copy))
        return -EBUSY;
    if (token_remove(&auth.tokens, copy) != 0)
        return -ENOENT;
    session_end_all(&auth.sessions, copy);
    server_end_requests_of(copy);
    return 0;
}

void auth_note(const struct req *req)
{
    struct audit_entry entry = {
        .uptime_ns = time_ns(),
        .unix_ns = clock_is_known() ? clock_unix_ns() : 0,
        .status = req->reply.status,
    };

    bool changes = req->match.route && is_change(req->http->verb);

    if (req->audit == AUDIT_NEVER || (req->audit == AUDIT_CHANGES && !changes))
        return;
    memcpy(entry.user, req->who.user, sizeof(entry.user));
    memcpy(entry.token, req->who.token, sizeof(entry.token));
    memcpy(entry.source, req->peer.text, sizeof(entry.source));
    (void)str_copy(entry.method, sizeof(entry.method), verb_text(req->http->verb));
    (void)str_copy(entry.path, sizeof(entry.path), req->http->path);
    (void)str_copy(entry.request_id, sizeof(entry.request_id), req->request_id);
    if (audit_add(&auth.audit, &entry))
        log_info("audit", "%s%s%s%s from %s: %s %s: %u (%s)", entry.user[0] ? entry.user : "nobody",
                 entry.token[0] ? " (" : "", entry.token, entry.token[0] ? ")" : "", entry.source,
                 entry.method, entry.path, entry.status, entry.request_id);
}
