/* SPDX-License-Identifier: BSD-2-Clause */
/* The claim, and tokens. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/api/api_list.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_password.h"
#include "mgmt/auth/auth_users.h"
#include "mgmt/time_text.h"

#define TOKEN_JSON_MAX  1536u /* four tags, every character escaped */
#define TOKENS_PER_USER 16u   /* that one who is no administrator may make for himself */
#define CODE_TEXT_MAX   128u
#define TIME_TEXT_MAX   40u
#define ROLE_TEXT_MAX   16u

/* A member whose value is text. */
struct text_field {
    const char *name;
    char *text; /* "" if it is absent */
    size_t size;
    struct scope *scope; /* instead of text: a list of tags */
};

static int bad(struct req *req, const char *pointer, const char *detail, const char *hint)
{
    api_error(req, &(struct problem){
                       .slug = "bad_value", .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

/* Return: 0; -EINVAL after answering 400. An empty list would be all VMs, so there is none. */
static int read_scope(struct req *req, const struct json_doc *doc, const struct json_node *list,
                      struct scope *scope)
{
    const struct json_node *tag = list->type == JSON_ARRAY ? json_first(doc, list) : NULL;
    char text[VM_TAG_MAX + 1];

    while (tag && json_get_string(doc, tag, text, sizeof(text)) == 0 && scope_add(scope, text))
        tag = json_next(doc, tag);
    if (!tag && scope->count)
        return 0;
    return bad(req, "/vm_tags", "This must be a list of one to four tags.",
               "Tags have 31 bytes at most. Without vm_tags the token is for all VMs.");
}

static int read_field(struct req *req, const struct json_doc *doc, const struct json_node *key,
                      const struct text_field *fields, u32 count)
{
    const struct json_node *value = json_first(doc, key);
    char pointer[80];

    json_pointer(doc, key, pointer, sizeof(pointer));
    for (u32 i = 0; i < count; i++) {
        if (!json_key_is(doc, key, fields[i].name))
            continue;
        if (fields[i].scope)
            return read_scope(req, doc, value, fields[i].scope);
        if (json_get_string(doc, value, fields[i].text, fields[i].size) == 0)
            return 0;
        return bad(req, pointer, "This value must be text, and is too long if it is.",
                   "Put it in quotation marks, or shorten it.");
    }
    api_error(req, &(struct problem){.slug = "unknown_field",
                                     .pointer = pointer,
                                     .detail = "There is no such field in this version.",
                                     .hint = "Leave it out or correct its spelling."});
    return -EINVAL;
}

/* Return: 0; -EINVAL after answering 400. */
static int read_fields(struct req *req, const struct text_field *fields, u32 count)
{
    const struct json_doc *doc = api_json_body(req);
    const struct json_node *root = doc ? json_root(doc) : NULL;

    if (!doc)
        return -EINVAL;
    if (root->type != JSON_OBJECT)
        return bad(req, "", "The body must be an object.", "Send {\"role\": \"viewer\"} or so.");
    for (const struct json_node *key = json_first(doc, root); key; key = json_next(doc, key)) {
        if (read_field(req, doc, key, fields, count))
            return -EINVAL;
    }
    return 0;
}

static void write_token(struct json_writer *w, const struct token *token, const char *text)
{
    json_object_begin(w);
    json_put_string(w, "id", token->id);
    json_put_string(w, "user", token->user);
    json_put_string(w, "role", role_name(user_limit(auth_users(), token->user, token->role)));
    if (token->scope.count) {
        json_key(w, "vm_tags");
        json_array_begin(w);
        for (u32 i = 0; i < token->scope.count; i++)
            json_string(w, token->scope.tags[i]);
        json_array_end(w);
    }
    json_put_string(w, "source", token->is_configured ? "socle.dtb" : "api");
    json_put_bool(w, "survives_reboot", token->is_configured || token->is_kept);
    if (token->created_unix_ns)
        json_put_time(w, "created_at", token->created_unix_ns);
    if (token->expires_unix_ns)
        json_put_time(w, "expires_at", token->expires_unix_ns);
    if (text)
        json_put_string(w, "token", text);
    json_object_end(w);
}

/* Makes the token and shows it, this once. */
static void issue(struct req *req, struct token *wanted, bool is_claim)
{
    char text[TOKEN_TEXT_MAX + 1];
    const struct token *made;
    int rc = auth_issue(wanted, is_claim, text, &made);

    if (rc == -ENOSPC) {
        api_error(req, &(struct problem){
                           .slug = "no_space",
                           .detail = "There are as many tokens as the host keeps.",
                           .hint = "Delete one that is not needed: GET /api/v1/tokens.",
                       });
        return;
    }
    if (rc) {
        api_error(req, &(struct problem){
                           .slug = "busy",
                           .detail = "The host has no random numbers for a token.",
                           .retry_after_s = 1,
                           .hint = "Try again; if it stays so, put a token into socle.dtb.",
                       });
        return;
    }
    reply_header(req, "Location", API_BASE "/tokens/%s", made->id);
    write_token(reply_json(req, 201), made, text);
    mem_wipe(text, sizeof(text));
}

/* Return: false after answering 400, 403 or 409. */
static bool check_claim(struct req *req, const char *name, const char *password)
{
    const struct user *user = user_find(auth_users(), name);

    if (!token_name_is_valid(name)) {
        (void)bad(req, "/user", "This cannot be the name of a user.",
                  "Use 1 to 31 of a-z, 0-9 and '-', not '-' first.");
        return false;
    }
    if (password[0] && !password_is_allowed(password)) {
        (void)bad(req, "/password", "This cannot be a password.",
                  "It has 8 to 128 bytes and no control characters.");
        return false;
    }
    if (user && (password[0] || user->role != ROLE_ADMIN)) {
        api_error(req, &(struct problem){.slug = "exists",
                                         .pointer = "/user",
                                         .detail = "There is a user of this name already.",
                                         .hint = "Claim the host by another name."});
        return false;
    }
    return !password[0] || auth_password_has_tls(req);
}

/* The first user, with a password. Return: false after answering, or while the request waits. */
static bool make_first_user(struct req *req, const char *name, const char *password)
{
    struct user user = {.role = ROLE_ADMIN};

    if (!password[0])
        return true;
    if (!auth_password_make(req, password, &user.password))
        return false;
    (void)str_copy(user.name, sizeof(user.name), name);
    if (auth_user_set(&user) == 0)
        return true;
    api_error(req, &(struct problem){.slug = "no_space",
                                     .detail = "There are as many users as the host keeps.",
                                     .hint = "Claim the host without a password."});
    return false;
}

static void claim(struct req *req, struct token *wanted, const char *code, const char *password)
{
    if (!check_claim(req, wanted->user, password) || !auth_claim(req, code) ||
        !make_first_user(req, wanted->user, password))
        return;
    memcpy(req->who.user, wanted->user, sizeof(req->who.user));
    issue(req, wanted, true);
}

void api_claim_post(struct req *req)
{
    struct token wanted = {.role = ROLE_ADMIN, .user = "admin"};
    char code[CODE_TEXT_MAX] = "", password[PASSWORD_MAX + 1] = "";
    const struct text_field fields[] = {
        {"code", code, sizeof(code), NULL},
        {"user", wanted.user, sizeof(wanted.user), NULL},
        {"password", password, sizeof(password), NULL},
    };

    if (read_fields(req, fields, ARRAY_SIZE(fields)) == 0)
        claim(req, &wanted, code, password);
    mem_wipe(code, sizeof(code));
    mem_wipe(password, sizeof(password));
}

/* Whether the request's token may see or end this one. */
static bool is_ours(const struct req *req, const struct token *token)
{
    return req->who.role == ROLE_ADMIN || strcmp(req->who.user, token->user) == 0;
}

/* In the order of their ids: the table's changes while a page is read. */
static bool next_token(struct req *req, struct json_writer *w)
{
    const struct token_store *store = auth_tokens();
    const struct token *next = NULL;
    u64 now = clock_unix_ns();

    for (u32 i = 0; i < TOKENS_MAX; i++) {
        const struct token *token = &store->tokens[i];

        if (token_is_valid(token, now) && is_ours(req, token) &&
            strcmp(token->id, req->state.name) > 0 && (!next || strcmp(token->id, next->id) < 0))
            next = token;
    }
    if (!next)
        return false;
    (void)str_copy(req->state.name, sizeof(req->state.name), next->id);
    write_token(w, next, NULL);
    return true;
}

void api_tokens_get(struct req *req)
{
    static const struct api_list tokens = {next_token, TOKEN_JSON_MAX, LIST_ALL, false};

    reply_list(req, &tokens);
}

/* Return: 0; -EINVAL after answering. */
static int read_expiry(struct req *req, const char *text, u64 *unix_ns)
{
    if (text[0] == '\0')
        return 0;
    if (time_parse(text, unix_ns) != 0)
        return bad(req, "/expires_at", "This is no time.",
                   "Write it in UTC, as in 2030-01-31T12:00:00Z.");
    if (clock_is_known() && *unix_ns > clock_unix_ns())
        return 0;
    api_error(req, &(struct problem){
                       .slug = "semantic",
                       .pointer = "/expires_at",
                       .detail = clock_is_known() ? "This time is past."
                                                  : "The host does not know what time it is.",
                       .hint = clock_is_known() ? "Name a time to come." : "Leave expires_at out.",
                   });
    return -EINVAL;
}

/* Return: false after answering: a token has no more rights than its user, so none says more. */
static bool fits_user(struct req *req, const struct token *wanted)
{
    if (user_limit(auth_users(), wanted->user, wanted->role) == wanted->role)
        return true;
    api_error(req, &(struct problem){.slug = "semantic",
                                     .pointer = "/role",
                                     .detail = "The user has a lower role.",
                                     .hint = "Raise his first: PUT /api/v1/users/{u}."});
    return false;
}

/* One who is no administrator makes tokens for himself, with no more rights than his own. Return:
 * 0; -EPERM after answering. */
static int check_rights(struct req *req, const struct token *wanted)
{
    u64 limit = req->who.expires_unix_ns;
    u64 expires = wanted->expires_unix_ns;

    if (req->who.role == ROLE_ADMIN)
        return 0;
    if (wanted->role <= req->who.role && strcmp(wanted->user, req->who.user) == 0 &&
        (limit == 0 || (expires != 0 && expires <= limit)) &&
        token_count_of(auth_tokens(), req->who.user, clock_unix_ns()) < TOKENS_PER_USER)
        return 0;
    req->audit = AUDIT_ALWAYS;
    api_error(req, &(struct problem){
                       .slug = "role",
                       .need_role = role_name(ROLE_ADMIN),
                       .detail = "Only an administrator makes tokens for others, with a higher "
                                 "role or a longer life than his own, or more than 16.",
                       .hint = "Ask for less, or ask an administrator.",
                   });
    return -EPERM;
}

void api_tokens_post(struct req *req)
{
    struct token wanted = {.role = ROLE_NONE};
    char role[ROLE_TEXT_MAX] = "", expiry[TIME_TEXT_MAX] = "";
    const struct text_field fields[] = {
        {"user", wanted.user, sizeof(wanted.user), NULL},
        {"role", role, sizeof(role), NULL},
        {"expires_at", expiry, sizeof(expiry), NULL},
        {"vm_tags", NULL, 0, &wanted.scope},
    };

    memcpy(wanted.user, req->who.user, sizeof(wanted.user));
    if (read_fields(req, fields, ARRAY_SIZE(fields)))
        return;
    if (!role_parse(role, &wanted.role)) {
        api_error(req, &(struct problem){.slug = "bad_value",
                                         .pointer = "/role",
                                         .got = role,
                                         .allowed = ROLE_NAMES,
                                         .detail = "A token needs a role.",
                                         .hint = "Use one of those allowed."});
        return;
    }
    if (!token_name_is_valid(wanted.user)) {
        (void)bad(req, "/user", "This cannot be the name of a user.",
                  "Use 1 to 31 of a-z, 0-9 and '-', not '-' first.");
        return;
    }
    if (read_expiry(req, expiry, &wanted.expires_unix_ns) || check_rights(req, &wanted) ||
        !fits_user(req, &wanted))
        return;
    issue(req, &wanted, false);
}

void api_token_delete(struct req *req)
{
    const char *id = req->match.params[0];
    const struct token *token = token_find(auth_tokens(), id);

    if (!token || !is_ours(req, token)) {
        api_error(req, &(struct problem){
                           .slug = "no_such",
                           .kind = "token",
                           .name = id,
                           .detail = "There is no such token, or it is another user's.",
                           .hint = "GET /api/v1/tokens lists those you may delete.",
                       });
        return;
    }
    if (token->role == ROLE_ADMIN && !auth_has_admin(id, NULL)) {
        api_error(req, &(struct problem){
                           .slug = "last_admin",
                           .detail = "Without this token nobody could manage the host.",
                           .hint = "Make another administrator's token first.",
                       });
        return;
    }
    if (auth_revoke(id) == 0)
        reply_empty(req, 204);
    else
        api_error(req, &(struct problem){
                           .slug = "state",
                           .detail = "The pool that keeps this token does not work, so it would be "
                                     "there again after a reboot.",
                           .hint = "GET /api/v1/pools says how it is; mount it again first.",
                       });
}
