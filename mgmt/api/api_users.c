/* SPDX-License-Identifier: BSD-2-Clause */
/* Users: listed, made, changed, ended. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_password.h"
#include "mgmt/auth/auth_users.h"
#include "mgmt/api/api_list.h"
#include "mgmt/api/body.h"

#define ROLE_TEXT_MAX 16u
#define USER_JSON_MAX (512u + USER_CERTS_MAX * (6u * USER_CERT_MAX + 4u)) /* all escaped */

/* The body of a PUT. */
struct wanted {
    struct user user;
    char password[PASSWORD_MAX + 1]; /* "": not named, or null */
};

static void put_user(struct json_writer *w, const struct user *user)
{
    json_object_begin(w);
    json_put_string(w, "name", user->name);
    json_put_string(w, "role", role_name(user->role));
    json_put_bool(w, "has_password", user->password.iterations != 0);
    json_key(w, "certs");
    json_array_begin(w);
    for (u32 i = 0; i < user->cert_count; i++)
        json_string(w, user->certs[i]);
    json_array_end(w);
    json_put_string(w, "source", user->is_configured ? "socle.dtb" : "api");
    json_put_bool(w, "survives_reboot", user->is_configured || user->is_kept);
    json_object_end(w);
}

static bool next_user(struct req *req, struct json_writer *w)
{
    const struct user_store *store = auth_users();
    const struct user *next = NULL;

    for (u32 i = 0; i < USERS_MAX; i++) {
        const struct user *user = &store->users[i];

        if (strcmp(user->name, req->state.name) > 0 &&
            (!next || strcmp(user->name, next->name) < 0))
            next = user;
    }
    if (!next)
        return false;
    (void)str_copy(req->state.name, sizeof(req->state.name), next->name);
    put_user(w, next);
    return true;
}

void api_users_get(struct req *req)
{
    static const struct api_list users = {next_user, USER_JSON_MAX, LIST_ALL, false};

    reply_list(req, &users);
}

static int read_role(struct body_reader *r, const struct json_node *node)
{
    struct wanted *wanted = r->out;
    char text[ROLE_TEXT_MAX];

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        role_parse(text, &wanted->user.role))
        return 0;
    return body_bad(r, node, "This is no role.", "Use one of " ROLE_NAMES ".");
}

static int read_password(struct body_reader *r, const struct json_node *node)
{
    struct wanted *wanted = r->out;

    if (node->type == JSON_NULL) {
        wanted->user.password = (struct password_hash){0};
        return 0;
    }
    if (json_get_string(r->doc, node, wanted->password, sizeof(wanted->password)) == 0 &&
        password_is_allowed(wanted->password))
        return 0;
    return body_bad(r, node, "This cannot be a password.",
                    "It has 8 to 128 bytes and no control characters; null takes it away.");
}

static int read_certs(struct body_reader *r, const struct json_node *node)
{
    struct user *user = &((struct wanted *)r->out)->user;
    char text[USER_CERT_MAX + 64];

    if (node->type != JSON_ARRAY)
        return body_bad(r, node, "This must be a list.", "Put it in brackets.");
    user->cert_count = 0;
    for (const struct json_node *item = json_first(r->doc, node); item;
         item = json_next(r->doc, item)) {
        if (user->cert_count == USER_CERTS_MAX)
            return body_bad(r, item, "There are more than four.", "Leave some out.");
        if (json_get_string(r->doc, item, text, sizeof(text)) ||
            !user_cert_parse(text, user->certs[user->cert_count++]))
            return body_bad(r, item, "This names no certificate.",
                            "Give its SHA-256 in hex, or a name in it of at most 127 characters.");
    }
    return 0;
}

/* Return: 0; -EINVAL after answering. */
static int read_user(struct req *req, struct wanted *wanted)
{
    static const struct body_member members[] = {
        {"role", read_role}, {"password", read_password}, {"certs", read_certs}};
    struct body_reader r = {.req = req, .out = wanted};
    u32 seen;

    if (body_read(&r, members, ARRAY_SIZE(members), &seen))
        return -EINVAL;
    if (wanted->user.role != ROLE_NONE)
        return 0;
    return body_bad(&r, json_root(r.doc), "A new user needs a role.",
                    "Put \"role\" there: one of " ROLE_NAMES ".");
}

static void answer_configured(struct req *req)
{
    api_error(req, &(struct problem){.slug = "state",
                                     .state = "configured",
                                     .detail = "This user is in socle.dtb.",
                                     .hint = "Change him there and restart the host."});
}

static void answer_failure(struct req *req, int rc)
{
    if (rc == -EPERM)
        api_error(req, &(struct problem){.slug = "last_admin",
                                         .detail = "Then nobody could manage the host.",
                                         .hint = "Make another administrator first."});
    else if (rc == -ENOSPC)
        api_error(req, &(struct problem){.slug = "no_space",
                                         .detail = "There are as many users as the host keeps.",
                                         .hint = "Delete one: GET /api/v1/users lists them."});
    else
        api_error(req, &(struct problem){
                           .slug = "state",
                           .detail = "The pool that keeps this user does not work, so the change "
                                     "would be undone by a reboot.",
                           .hint = "GET /api/v1/pools says how it is; mount it again first."});
}

/* Who changes himself still gets his answer. */
static void follow(struct req *req, const struct user *user)
{
    if (strcmp(req->who.user, user->name) != 0)
        return;
    req->who.version = user->version;
    req->who.role = MIN(req->who.role, user->role);
}

static void put(struct req *req, struct wanted *wanted, bool is_new)
{
    const struct user *made;
    int rc;

    if (read_user(req, wanted))
        return;
    if (wanted->password[0] && (!auth_password_has_tls(req) ||
                                !auth_password_make(req, wanted->password, &wanted->user.password)))
        return;
    rc = auth_user_set(&wanted->user);
    if (rc) {
        answer_failure(req, rc);
        return;
    }
    made = user_find(auth_users(), wanted->user.name);
    follow(req, made);
    put_user(reply_json(req, is_new ? 201 : 200), made);
}

void api_user_put(struct req *req)
{
    const char *name = req->match.params[0];
    const struct user *before = user_find(auth_users(), name);
    struct wanted wanted = {0};

    if (!token_name_is_valid(name)) {
        api_error(req, &(struct problem){.slug = "bad_value",
                                         .detail = "This cannot be the name of a user.",
                                         .got = name,
                                         .hint = "Use 1 to 31 of a-z, 0-9 and '-', not '-' "
                                                 "first."});
        return;
    }
    if (before && before->is_configured) {
        answer_configured(req);
        return;
    }
    if (before)
        wanted.user = *before;
    (void)str_copy(wanted.user.name, sizeof(wanted.user.name), name);
    put(req, &wanted, !before);
    mem_wipe(&wanted, sizeof(wanted));
}

void api_user_delete(struct req *req)
{
    const char *name = req->match.params[0];
    const struct user *user = user_find(auth_users(), name);
    int rc;

    if (!user) {
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "user",
                                         .name = name,
                                         .detail = "There is no such user.",
                                         .hint = "GET /api/v1/users lists them."});
        return;
    }
    if (user->is_configured) {
        answer_configured(req);
        return;
    }
    rc = auth_user_delete(name);
    if (rc) {
        answer_failure(req, rc);
        return;
    }
    if (strcmp(req->who.user, name) == 0)
        req->who.way = WAY_NONE; /* his last answer still goes out */
    reply_empty(req, 204);
}
