/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens in force, the claim, and the audit log. */
#include "mgmt/auth/auth.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/pools.h"
#include "core/x86/log.h"
#include "mgmt/auth/auth_admit.h"
#include "mgmt/auth/auth_fdt.h"
#include "mgmt/auth/auth_store.h"
#include "mgmt/auth/auth_users.h"
#include "mgmt/auth/claim.h"
#include "mgmt/auth/limiter.h"
#include "mgmt/tls/random.h"
#include "mgmt/http/server.h"

static struct {
    struct token_store tokens;
    struct claim claim;
    struct limiter limiter;
    struct audit audit;
    bool is_settled; /* the pools have been looked at, or the time is over */
} auth;

/* A pool that was there at boot has a token: its owner is never shut out, however late it is. */
static void on_blob(struct vmm_pool *pool, const char *blob)
{
    struct token token;
    int rc;

    if (!pools_was_found(pool))
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
    static struct pool_listener listener = {
        .prefix = AUTH_STORE_PREFIX, .on_blob = on_blob, .on_online = on_online};

    if (dtb)
        auth_fdt_read(dtb, bytes, &auth.tokens, &auth.claim, report);
    pools_listen(&listener);
    auth_users_init(dtb, bytes, report);
    auth_poll();
}

/* Every token that is kept has been found, unless its disk is very slow: is there an
 * administrator? */
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
    return auth_has_admin(NULL, NULL);
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

struct limiter *auth_limiter(void)
{
    return &auth.limiter;
}

const struct audit *auth_audit(void)
{
    return &auth.audit;
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
    auth_answer_guess(req, &(struct problem){
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
    auth_end_sessions(copy);
    server_end_requests_of(copy);
    return 0;
}

int auth_revoke_all(const char *user)
{
    for (u32 i = 0; i < TOKENS_MAX; i++) {
        const struct token *token = &auth.tokens.tokens[i];

        if (token->id[0] && strcmp(token->user, user) == 0 && auth_revoke(token->id))
            return -EBUSY;
    }
    return 0;
}

static bool is_change(enum http_verb verb)
{
    return verb != VERB_GET && verb != VERB_HEAD && verb != VERB_OPTIONS;
}

static void note(struct audit_entry *entry)
{
    entry->uptime_ns = time_ns();
    entry->unix_ns = clock_is_known() ? clock_unix_ns() : 0;
    if (audit_add(&auth.audit, entry))
        log_info("audit", "%s%s%s%s from %s: %s %s: %u (%s)",
                 entry->user[0]  ? entry->user
                 : entry->via[0] ? "somebody"
                                 : "nobody",
                 entry->via[0] ? " (" : "", entry->token[0] ? entry->token : entry->via,
                 entry->via[0] ? ")" : "", entry->source, entry->method, entry->path, entry->status,
                 entry->request_id);
}

void auth_note(const struct req *req)
{
    static const char *const ways[] = {"", "token", "password", "certificate"};
    struct audit_entry entry = {.status = req->reply.status};
    bool changes = req->match.route && is_change(req->http->verb);

    if (req->audit == AUDIT_NEVER || (req->audit == AUDIT_CHANGES && !changes))
        return;
    memcpy(entry.user, req->who.user, sizeof(entry.user));
    memcpy(entry.token, req->who.token, sizeof(entry.token));
    (void)str_copy(entry.via, sizeof(entry.via), ways[req->who.way]);
    memcpy(entry.source, req->peer.text, sizeof(entry.source));
    (void)str_copy(entry.method, sizeof(entry.method), verb_text(req->http->verb));
    (void)str_copy(entry.path, sizeof(entry.path), req->http->path);
    (void)str_copy(entry.request_id, sizeof(entry.request_id), req->request_id);
    note(&entry);
}

void auth_note_console(const char *method, const char *path, u16 status)
{
    struct audit_entry entry = {.status = status, .via = "console", .source = "console"};

    (void)str_copy(entry.method, sizeof(entry.method), method);
    (void)str_copy(entry.path, sizeof(entry.path), path);
    (void)str_copy(entry.request_id, sizeof(entry.request_id), "console");
    note(&entry);
}
