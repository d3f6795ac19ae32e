/* SPDX-License-Identifier: BSD-2-Clause */
/* From received bytes to a handler's call. */
#include "mgmt/http/conn.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_password.h"
#include "mgmt/config/host_config.h"
#include "mgmt/nbd/nbd_conn.h"
#include "mgmt/api/precondition.h"
#include "mgmt/http/server.h"

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* A client's own id if it is short and plain, else one that is unique since boot. */
static void request_id_make(struct conn *conn, const char *given)
{
    static u64 counter;
    char *id = conn->req.request_id;
    size_t len = given ? strlen(given) : 0;

    for (size_t i = 0; i < len; i++) {
        if (given[i] <= ' ' || given[i] > '~' || given[i] == '"' || given[i] == '\\')
            len = 0;
    }
    if (len > 0 && len <= REQUEST_ID_MAX)
        (void)str_copy(id, REQUEST_ID_MAX + 1, given);
    else
        ksnprintf(id, REQUEST_ID_MAX + 1, "r%llu", (unsigned long long)++counter);
}

/* Where the connection comes from; lwIP may have freed its control block. */
void conn_peer_note(struct conn *conn)
{
    struct peer *peer = &conn->req.peer;
    const ip_addr_t *address = conn->pcb ? &conn->pcb->remote_ip : NULL;

    peer->has_tls = conn->tls != NULL;
    peer->client = conn->client.sha256[0] ? &conn->client : NULL;
    if (!address)
        return;
    if (IP_IS_V6(address))
        peer->key = (u64)ip_2_ip6(address)->addr[0] << 32 | ip_2_ip6(address)->addr[1];
    else
        peer->key = ip_2_ip4(address)->addr;
    (void)ipaddr_ntoa_r(address, peer->text, sizeof(peer->text));
}

static void request_begin(struct conn *conn)
{
    memset(&conn->req, 0, sizeof(conn->req));
    conn_peer_note(conn);
    conn->req.http = &conn->work->http;
    conn->req.begin_ns = time_ns();
    conn->in_request = true;
    conn->body_len = 0;
}

/* No route: what exists instead. */
static void answer_no_route(struct req *req)
{
    char allow[80];

    if (req->match.allowed == 0) {
        api_error(req, &(struct problem){
                           .slug = "no_such",
                           .kind = "path",
                           .name = req->http->path,
                           .detail = "There is nothing at this path.",
                           .hint = "GET /api/v1/openapi.json lists every path.",
                       });
        return;
    }
    router_allow_text(req->match.allowed, allow, sizeof(allow));
    reply_header(req, "Allow", "%s", allow);
    if (req->http->verb == VERB_OPTIONS) {
        reply_empty(req, 204);
        return;
    }
    api_error(req, &(struct problem){
                       .slug = "method",
                       .detail = "This path does not have that method.",
                       .hint = "Use one of the methods in \"allow\".",
                       .allow = allow,
                   });
}

/* Return: true if every query parameter is one the route knows, once and well encoded. */
static bool query_is_known(struct req *req)
{
    const char *cursor = NULL;
    char name[64], value[512];
    int rc;

    while ((rc = http_query_next(req->http, &cursor, name, sizeof(name), value, sizeof(value))) ==
           0) {
        if (!route_has_query(req->match.route, name)) {
            api_error(req, &(struct problem){
                               .slug = "bad_value",
                               .detail = "There is no such query parameter here.",
                               .got = name,
                               .allowed = req->match.route->query,
                               .hint = "Leave it out or correct its spelling.",
                           });
            return false;
        }
    }
    if (rc == -ENODATA)
        return true;
    api_error(req, &(struct problem){
                       .slug = "bad_value",
                       .detail = "The query is badly encoded or too long.",
                       .hint = "Escape special characters as %XX.",
                   });
    return false;
}

static void answer_too_big(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "too_big",
                       .detail = "The body of this request is too large.",
                       .limit_bytes = conn_of(req)->body_max,
                       .hint = "Send at most limit_bytes; images go to /api/v1/images.",
                   });
}

/* Where the body is collected: those who have shown no token share nothing with the others. */
static void body_take(struct conn *conn)
{
    conn->body = conn->req.who.role == ROLE_NONE ? conn->work->body_open : conn_body_take();
    if (conn->body)
        return;
    api_error(&conn->req, &(struct problem){
                              .slug = "busy",
                              .detail = "Too many requests with a body are being received.",
                              .retry_after_s = 1,
                              .hint = "Try again in a second.",
                          });
}

/* Prepares to take the body. */
static void body_begin(struct conn *conn)
{
    struct req *req = &conn->req;
    enum body_kind kind = req->match.route->body;

    if (kind == BODY_STREAM) {
        if (precondition_holds(req))
            req->match.route->handle(req);
        return;
    }
    if (kind == BODY_NONE || !conn->work->http.has_body)
        return;
    if (kind == BODY_JSON && !http_type_is_json(http_header(&conn->work->http, "content-type"))) {
        api_error(req, &(struct problem){
                           .slug = "content_type",
                           .detail = "The body of this request must be JSON.",
                           .hint = "Send the header Content-Type: application/json.",
                       });
        return;
    }
    conn->body_max = req->who.role == ROLE_NONE ? CONN_BODY_OPEN : CONN_BODY_MAX;
    if (conn->work->http.content_length != HTTP_LENGTH_NONE &&
        conn->work->http.content_length > conn->body_max)
        answer_too_big(req);
    else
        body_take(conn);
}

/* The host's name as the client knows it; what is no name or address is not repeated to it. */
static bool host_is_plain(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = host[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '.' && c != '[' && c != ']' && c != ':')
            return false;
    }
    return len > 0 && len <= 253;
}

static void answer_redirect(struct req *req)
{
    const char *host = http_header(req->http, "host");
    const char *colon = host ? strrchr(host, ':') : NULL;
    u16 port = server_api_port();
    char suffix[8] = "";
    size_t len;

    if (colon && strchr(colon, ']'))
        colon = NULL; /* inside of an IPv6 address */
    len = colon ? (size_t)(colon - host) : host ? strlen(host) : 0;
    if (port != TLS_PORT)
        ksnprintf(suffix, sizeof(suffix), ":%u", port);
    if (host && host_is_plain(host, len))
        reply_header(req, "Location", "https://%.*s%s%s", (int)len, host, suffix,
                     req->http->target);
    api_error(req, &(struct problem){
                       .slug = "use_tls",
                       .detail = "This host is managed by HTTPS only.",
                       .hint = "Use https:// and the certificate shown on the host's console.",
                   });
    req->reply.close = true;
}

/* A client that has not even room for this line does not read its answers. */
static void say_continue(struct conn *conn)
{
    int len = sizeof(continue_line) - 1;

    if (conn_output(conn, continue_line, (size_t)len) != len)
        conn->must_abort = true;
}

/* Who is it, and what is to be done with the body. */
static void admit(struct conn *conn)
{
    struct req *req = &conn->req;

    if (!auth_admit(req))
        return;
    conn->is_known |= req->who.role != ROLE_NONE;
    if (!req->match.route)
        answer_no_route(req);
    else if (req->match.route->verb != VERB_GET && api_is_foreign_page(req))
        api_answer_foreign_page(req);
    else if (query_is_known(req))
        body_begin(conn);
    if (req->reply.status == 0 && conn->work->http.expect_continue)
        say_continue(conn);
}

static void on_head(struct conn *conn)
{
    struct req *req = &conn->req;

    request_begin(conn);
    request_id_make(conn, http_header(&conn->work->http, "x-request-id"));
    if (conn->redirects) {
        answer_redirect(req);
        return;
    }
    router_match(api_routes, api_route_count, conn->work->http.verb, conn->work->http.path,
                 &req->match);
    admit(conn);
}

static void on_body(struct conn *conn)
{
    struct req *req = &conn->req;
    const u8 *data = conn->work->http.body;
    size_t len = conn->work->http.body_len;

    if (req->reply.status)
        return; /* answered already: the rest of the body is thrown away */
    if (req->sink) {
        req->sink->write(req, data, len);
    } else if (conn->body) {
        if (len > conn->body_max - conn->body_len) {
            answer_too_big(req);
            return;
        }
        memcpy(conn->body + conn->body_len, data, len);
        conn->body_len += len;
    }
}

/* The request is complete, and nothing is left to do for its sink: answers. */
static void handle(struct conn *conn)
{
    struct req *req = &conn->req;
    const struct body_sink *sink = req->sink;
    u64 start = time_ns();

    req->body = conn->body;
    req->body_len = conn->body_len;
    req->sink = NULL;
    if (sink)
        sink->end(req);
    else if (precondition_holds(req))
        req->match.route->handle(req);
    req->handler_ns = time_ns() - start;
}

static void on_end(struct conn *conn)
{
    struct req *req = &conn->req;

    conn->in_request = false;
    if (req->reply.status)
        return; /* the sink, if any, is told by conn_request_end */
    if (req->sink && req->sink->settle)
        conn->state = CONN_SETTLE;
    else
        handle(conn);
}

void conn_settle(struct conn *conn)
{
    struct req *req = &conn->req;
    bool has_more = req->sink->settle(req);

    if (!has_more && req->reply.status == 0)
        handle(conn);
    if (req->reply.status)
        conn_reply_start(conn);
}

void conn_refuse(struct conn *conn, const struct problem *problem)
{
    conn_request_end(conn);
    request_begin(conn);
    request_id_make(conn, NULL);
    api_error(&conn->req, problem);
    conn->req.reply.close = true;
    conn_reply_start(conn);
}

static void on_bad(struct conn *conn)
{
    bool too_big = conn->work->http.error_status == 413;
    struct problem problem = {
        .slug = too_big ? "too_big" : "bad_value",
        .detail = conn->work->http.error,
        .limit_bytes = too_big ? HTTP_HEAD_MAX : 0,
        .hint = "Send a well-formed HTTP/1.1 request with exactly one Host header.",
    };

    if (conn->work->http.error_status == 417)
        problem.slug = "expectation";
    conn_refuse(conn, &problem);
}

/* A small rest of the body is read first, so that the connection can go on; for a large one it
 * ends. */
static bool reply_can_wait(const struct conn *conn)
{
    return conn->work->http.content_length <= CONN_BODY_MAX && !conn->work->http.expect_continue;
}

/* After a step of the request: wait, go on reading, or send the answer. */
static void settle(struct conn *conn)
{
    if (conn->req.derive.state == DERIVE_WAITS) {
        conn->state = CONN_WAIT;
        return;
    }
    if (conn->req.reply.status == 0)
        return;
    if (conn->in_request && conn->work->http.has_body) {
        if (reply_can_wait(conn))
            return;
        conn->req.reply.close = true;
    }
    if (!conn->in_request || conn->req.reply.close)
        conn_reply_start(conn);
}

void conn_resume(struct conn *conn)
{
    conn->state = CONN_READ;
    conn->active_ns = time_ns();
    if (conn->in_request)
        admit(conn);
    else
        conn->req.match.route->handle(&conn->req);
    settle(conn);
    conn_run(conn);
}

static void on_event(struct conn *conn, enum http_event event)
{
    switch (event) {
    case HTTP_EVENT_MORE:
        return;
    case HTTP_EVENT_HEAD:
        on_head(conn);
        break;
    case HTTP_EVENT_BODY:
        on_body(conn);
        break;
    case HTTP_EVENT_END:
        on_end(conn);
        break;
    case HTTP_EVENT_BAD:
        on_bad(conn);
        return;
    }
    settle(conn);
}

/* The protocol has changed: what the client sends is for the source, as fast as that takes it. */
static void feed_source(struct conn *conn)
{
    const struct body_source *source = conn->req.reply.source;
    const u8 *data;
    size_t len;

    while ((data = conn_input(conn, &len)) != NULL) {
        size_t used = source->take(&conn->req, data, len);

        if (used == 0)
            return;
        conn_consume(conn, used);
    }
}

static bool takes_input(const struct conn *conn)
{
    return conn->state == CONN_REPLY && conn->req.reply.source && conn->req.reply.source->take;
}

/* There may be something to read, and room for it. */
static bool may_read(struct conn *conn)
{
    if (conn->work)
        return true;
    if (!conn->pending || conn->must_abort || !conn_work_take(conn))
        return false;
    conn->request_ns = time_ns(); /* waiting for its turn was not its fault */
    return true;
}

void conn_run(struct conn *conn)
{
    const u8 *data;
    size_t len;

    if (conn->nbd) {
        nbd_conn_run(conn);
        return;
    }
    while (conn->state == CONN_READ && may_read(conn) && (data = conn_input(conn, &len)) != NULL) {
        bool was_idle = conn_is_between(conn);
        enum http_event event;
        size_t used;

        event = http_feed(&conn->work->http, data, len, &used);
        if (was_idle)
            conn->request_ns = time_ns();
        on_event(conn, event);
        conn_consume(conn, event == HTTP_EVENT_BAD ? len : used);
    }
    if (takes_input(conn)) {
        feed_source(conn);
        conn_reply_pump(conn); /* it may have an answer */
    }
    if (conn->state == CONN_LINGER)
        conn_discard(conn);
    conn_work_settle(conn);
}
