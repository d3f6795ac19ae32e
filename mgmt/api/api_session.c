/* SPDX-License-Identifier: BSD-2-Clause */
/* Browser sessions: a token, or a name and a password, for a cookie. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/auth/auth.h"
#include "mgmt/api/body.h"

/* The cookie as the browser is to keep it; "" with no time to live takes it away. __Host- binds it
 * to this host, HTTPS and "/". */
static void set_cookie(struct req *req, const char *value, u32 life_s)
{
    reply_header(req, "Set-Cookie",
                 SESSION_COOKIE "=%s; Path=/; Max-Age=%u; Secure; HttpOnly; SameSite=Strict", value,
                 life_s);
}

/* Who wants to come in: a token, or the others. */
struct login {
    char token[TOKEN_TEXT_MAX + 1];
    char user[TOKEN_NAME_MAX + 1];
    char password[PASSWORD_MAX + 1];
};

static int read_secret(struct body_reader *r, const struct json_node *node, char *dst, size_t size)
{
    if (json_get_string(r->doc, node, dst, size) == 0)
        return 0;
    return body_bad(r, node, "This is no text, or longer than any of its kind.",
                    "Send {\"token\": \"socle1.<id>.<secret>\"}.");
}

static int read_token(struct body_reader *r, const struct json_node *node)
{
    struct login *login = r->out;

    return read_secret(r, node, login->token, sizeof(login->token));
}

static int read_user(struct body_reader *r, const struct json_node *node)
{
    struct login *login = r->out;

    return read_secret(r, node, login->user, sizeof(login->user));
}

static int read_password(struct body_reader *r, const struct json_node *node)
{
    struct login *login = r->out;

    return read_secret(r, node, login->password, sizeof(login->password));
}

/* Return: 0; -EINVAL after answering 400. */
static int read_login(struct req *req, struct login *login)
{
    static const struct body_member members[] = {
        {"token", read_token}, {"user", read_user}, {"password", read_password}};
    struct body_reader r = {.req = req, .out = login};
    u32 seen;

    if (body_read(&r, members, ARRAY_SIZE(members), &seen))
        return -EINVAL;
    if (seen == BIT(0) || seen == (BIT(1) | BIT(2)))
        return 0;
    return body_bad(
        &r, json_root(r.doc), "The body must hold a token, or a user and a password.",
        "Send {\"token\": \"socle1.<id>.<secret>\"} or {\"user\": …, \"password\": …}.");
}

static void answer_session(struct req *req, struct session_secrets *secrets)
{
    struct json_writer *w;

    set_cookie(req, secrets->cookie, SESSION_LIFE_S);
    w = reply_json(req, 201);
    json_object_begin(w);
    json_put_string(w, "user", req->who.user);
    json_put_string(w, "role", role_name(req->who.role));
    json_put_string(w, "csrf", secrets->csrf);
    json_object_end(w);
    mem_wipe(secrets, sizeof(*secrets));
}

void api_sessions_post(struct req *req)
{
    struct session_secrets secrets;
    struct login login = {0};
    bool is_in = false;

    if (!req->peer.has_tls) {
        api_error(req, &(struct problem){.slug = "semantic",
                                         .detail = "Without TLS browsers keep no secret cookie.",
                                         .hint = "Turn TLS on in socle.dtb, or send the token "
                                                 "itself with each request."});
        return;
    }
    if (read_login(req, &login) == 0)
        is_in = login.token[0] ? auth_login(req, login.token, &secrets)
                               : auth_login_user(req, login.user, login.password, &secrets);
    mem_wipe(&login, sizeof(login));
    if (is_in)
        answer_session(req, &secrets);
}

void api_sessions_delete(struct req *req)
{
    if (!auth_logout(req)) {
        api_error(req, &(struct problem){.slug = "no_such",
                                         .kind = "session",
                                         .detail = "The request comes in by no session.",
                                         .hint = "Send the session's cookie and X-CSRF-Token."});
        return;
    }
    set_cookie(req, "", 0);
    reply_empty(req, 204);
}
