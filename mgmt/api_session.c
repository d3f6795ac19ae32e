/* SPDX-License-Identifier: BSD-2-Clause */
/* Browser sessions: a token for a cookie. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/auth.h"

/* The cookie as the browser is to keep it; "" with no time to live takes it away. __Host- binds it
 * to this host, HTTPS and "/". */
static void set_cookie(struct req *req, const char *value, u32 life_s)
{
    reply_header(req, "Set-Cookie",
                 SESSION_COOKIE "=%s; Path=/; Max-Age=%u; Secure; HttpOnly; SameSite=Strict", value,
                 life_s);
}

/* The body's only member. Return: 0; -EINVAL after answering 400. */
static int read_token(struct req *req, char text[TOKEN_TEXT_MAX + 1])
{
    const struct json_doc *doc = api_json_body(req);
    const struct json_node *key = doc ? json_first(doc, json_root(doc)) : NULL;

    if (!doc)
        return -EINVAL;
    if (json_root(doc)->type == JSON_OBJECT && key && json_key_is(doc, key, "token") &&
        !json_next(doc, key) &&
        json_get_string(doc, json_first(doc, key), text, TOKEN_TEXT_MAX + 1) == 0)
        return 0;
    api_error(req, &(struct problem){.slug = "bad_value",
                                     .pointer = "/token",
                                     .detail = "The body must hold a token and nothing else.",
                                     .hint = "Send {\"token\": \"socle1.<id>.<secret>\"}."});
    return -EINVAL;
}

void api_sessions_post(struct req *req)
{
    char text[TOKEN_TEXT_MAX + 1] = "";
    struct session_secrets secrets;
    struct json_writer *w;

    if (!req->peer.has_tls) {
        api_error(req, &(struct problem){.slug = "semantic",
                                         .detail = "Without TLS browsers keep no secret cookie.",
                                         .hint = "Turn TLS on in socle.dtb, or send the token "
                                                 "itself with each request."});
        return;
    }
    if (read_token(req, text) || !auth_login(req, text, &secrets))
        return;
    mem_wipe(text, sizeof(text));
    set_cookie(req, secrets.cookie, SESSION_LIFE_S);
    w = reply_json(req, 201);
    json_object_begin(w);
    json_put_string(w, "user", req->who.user);
    json_put_string(w, "role", role_name(req->who.role));
    json_put_string(w, "csrf", secrets.csrf);
    json_object_end(w);
    mem_wipe(&secrets, sizeof(secrets));
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
