/* SPDX-License-Identifier: BSD-2-Clause */
/* The check before each request, the claim, and the audit log. */
#include "mgmt/auth.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/x86/log.h"
#include "mgmt/auth_fdt.h"
#include "mgmt/claim.h"
#include "mgmt/limiter.h"
#include "mgmt/random.h"
#include "mgmt/server.h"

static struct {
    struct token_store tokens;
    struct claim claim;
    struct limiter limiter;
    struct audit audit;
} auth;

void auth_init(const void *dtb, size_t bytes, const struct dtb_report *report)
{
    if (dtb)
        auth_fdt_read(dtb, bytes, &auth.tokens, &auth.claim, report);
    if (auth_is_claimed())
        return;
    if (auth.claim.code[0] == '\0' && !random_is_ready())
        log_warn("auth", "there are no random numbers for a claim code: nobody can come in without "
                         "a token in socle.dtb");
    else
        log_info("auth", "nobody has claimed this host yet: the claim code is %s",
                 auth.claim.code[0] ? "the one in socle.dtb" : "on the console page");
    auth_poll();
}

bool auth_is_claimed(void)
{
    return token_has_admin(&auth.tokens, clock_unix_ns(), NULL);
}

void auth_poll(void)
{
    if (auth.claim.code[0] == '\0' && random_is_ready() && !auth_is_claimed() &&
        claim_make(&auth.claim, random_bytes) != 0)
        log_error("auth", "no claim code could be made: there are no random numbers");
}

bool auth_is_claimable(void)
{
    return auth.claim.code[0] != '\0' && !auth_is_claimed();
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

bool auth_admit(struct req *req)
{
    enum role need = req->match.route ? req->match.route->role : ROLE_VIEWER;
    const char *header = http_header(req->http, "authorization");
    const char *text = header ? bearer_of(header) : NULL;
    const struct token *token;

    if (need == ROLE_NONE)
        return true;
    if (!text) {
        answer_no_token(req);
        return false;
    }
    token = token_check(&auth.tokens, text);
    if (!token || !token_is_valid(token, clock_unix_ns())) {
        reply_header(req, "WWW-Authenticate", "Bearer realm=\"socle\", error=\"invalid_token\"");
        answer_failure(
            req, &(struct problem){
                     .slug = "bad_token",
                     .detail = token ? "This token has expired." : "There is no such token here.",
                     .hint = "Check that it is whole, and that the host has not been "
                             "restarted: only tokens in socle.dtb survive that.",
                 });
        return false;
    }
    remember(req, token);
    if (token->role >= need)
        return true;
    answer_role(req);
    return false;
}

bool auth_claim(struct req *req, const char *code)
{
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
    if (rc == 0 && is_claim)
        claim_end(&auth.claim);
    return rc;
}

int auth_revoke(const char *id)
{
    char copy[TOKEN_NAME_MAX + 1];

    if (!str_copy(copy, sizeof(copy), id) || token_remove(&auth.tokens, copy) != 0)
        return -ENOENT;
    server_end_requests_of(copy);
    return 0;
}

static bool is_change(const struct req *req)
{
    enum http_verb verb = req->http->verb;

    return req->match.route && verb != VERB_GET && verb != VERB_HEAD && verb != VERB_OPTIONS;
}

void auth_note(const struct req *req)
{
    struct audit_entry entry = {
        .uptime_ns = time_ns(),
        .unix_ns = clock_is_known() ? clock_unix_ns() : 0,
        .status = req->reply.status,
    };

    if (req->audit == AUDIT_NEVER || (req->audit == AUDIT_CHANGES && !is_change(req)))
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
