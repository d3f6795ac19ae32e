/* SPDX-License-Identifier: BSD-2-Clause */
/* From a handler's answer to bytes on the connection. */
#include "mgmt/http/conn.h"

#include <stdarg.h>

#include "core/kern/timer.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api/api_events.h"
#include "mgmt/auth/auth.h"
#include "mgmt/auth/auth_password.h"
#include "mgmt/api/precondition.h"

struct json_writer *reply_text(struct req *req, u16 status, const char *content_type)
{
    struct conn *conn = conn_of(req);

    req->reply.status = status;
    req->reply.content_type = content_type;
    req->reply.source = NULL;
    json_write_init(&req->reply.body, conn->work->out + CONN_OUT_FRONT, REPLY_BODY_MAX);
    return &req->reply.body;
}

struct json_writer *reply_json(struct req *req, u16 status)
{
    return reply_text(req, status, "application/json");
}

void reply_empty(struct req *req, u16 status)
{
    (void)reply_text(req, status, NULL);
}

void reply_stream(struct req *req, u16 status, const char *content_type, u64 length,
                  const struct body_source *source)
{
    (void)reply_text(req, status, content_type);
    req->reply.length = length;
    req->reply.source = source;
}

void reply_header(struct req *req, const char *name, const char *fmt, ...)
{
    struct reply *reply = &req->reply;
    size_t room = sizeof(reply->headers) - reply->headers_len;
    size_t start = ksnprintf(reply->headers + reply->headers_len, room, "%s: ", name);
    va_list args;
    size_t len;

    if (start >= room)
        return;
    va_start(args, fmt);
    len = start + kvsnprintf(reply->headers + reply->headers_len + start, room - start, fmt, args);
    va_end(args);
    if (len + 2 >= room)
        return;
    memcpy(reply->headers + reply->headers_len + len, "\r\n", 3);
    reply->headers_len += (u32)len + 2;
}

#define STATUS_SWITCHES 101u /* what follows is in the new protocol, sent like a body */

static bool status_has_body(u16 status)
{
    return status == STATUS_SWITCHES || (status >= 200 && status != 204 && status != 304);
}

/* Writes the head so that it ends where the body begins. Return: where it starts in out. */
static u32 head_write(struct conn *conn, u64 length)
{
    struct req *req = &conn->req;
    struct reply *reply = &req->reply;
    u64 handler_us = req->handler_ns / NS_PER_US;
    u64 total_us = (time_ns() - req->begin_ns) / NS_PER_US;
    u64 queue_us = total_us > handler_us ? total_us - handler_us : 0;
    char head[REPLY_HEAD_MAX - 32];
    size_t len;

    reply->headers[reply->headers_len] = '\0';
    len =
        ksnprintf(head, sizeof(head),
                  "HTTP/1.1 %u %s\r\nX-Request-Id: %s\r\n"
                  "Server-Timing: queue;dur=%llu.%03llu, handler;dur=%llu.%03llu\r\n"
                  "X-Content-Type-Options: nosniff\r\nCache-Control: %s\r\n%s",
                  reply->status, http_status_name(reply->status), req->request_id,
                  (unsigned long long)(queue_us / 1000), (unsigned long long)(queue_us % 1000),
                  (unsigned long long)(handler_us / 1000), (unsigned long long)(handler_us % 1000),
                  reply->cache ? reply->cache : "no-store", reply->headers);
    if (reply->content_type)
        len +=
            ksnprintf(head + len, sizeof(head) - len, "Content-Type: %s\r\n", reply->content_type);
    if (conn->chunked)
        len += ksnprintf(head + len, sizeof(head) - len, "Transfer-Encoding: chunked\r\n");
    else if (status_has_body(reply->status) && length != HTTP_LENGTH_NONE)
        len += ksnprintf(head + len, sizeof(head) - len, "Content-Length: %llu\r\n",
                         (unsigned long long)length);
    len += ksnprintf(head + len, sizeof(head) - len, "Connection: %s\r\n\r\n",
                     reply->status == STATUS_SWITCHES ? "Upgrade"
                     : conn->keep_alive               ? "keep-alive"
                                                      : "close");
    memcpy(conn->work->out + CONN_OUT_FRONT - len, head, len);
    return CONN_OUT_FRONT - (u32)len;
}

/* Puts the chunk's size before, and its end behind, the body piece in out. */
static void chunk_frame(struct conn *conn, size_t len, bool last)
{
    char line[20];
    size_t line_len;
    char *end = conn->work->out + CONN_OUT_FRONT + len;

    conn->out_at = CONN_OUT_FRONT;
    if (len) {
        line_len = ksnprintf(line, sizeof(line), "%llx\r\n", (unsigned long long)len);
        conn->out_at -= (u32)line_len;
        memcpy(conn->work->out + conn->out_at, line, line_len);
        memcpy(end, "\r\n", 2);
        end += 2;
    }
    if (last) {
        memcpy(end, "0\r\n\r\n", 5);
        end += 5;
    }
    conn->out_end = (u32)(end - conn->work->out);
}

/* Asks the source for the next piece. Return: false if it has none now. */
static bool refill(struct conn *conn)
{
    struct reply *reply = &conn->req.reply;
    enum produce result;

    json_write_init(&reply->body, conn->work->out + CONN_OUT_FRONT, REPLY_BODY_MAX);
    result = reply->source->produce(&conn->req, &reply->body);
    conn->is_waiting = result == PRODUCE_WAIT && reply->body.len == 0;
    conn->is_last_piece = result == PRODUCE_DONE;
    if (conn->chunked) {
        chunk_frame(conn, reply->body.len, conn->is_last_piece);
    } else {
        conn->out_at = CONN_OUT_FRONT;
        conn->out_end = CONN_OUT_FRONT + (u32)reply->body.len;
    }
    return !conn->is_waiting;
}

void conn_request_end(struct conn *conn)
{
    struct req *req = &conn->req;

    if (req->sink && req->sink->abort)
        req->sink->abort(req);
    req->sink = NULL;
    if (req->reply.source && req->reply.source->release)
        req->reply.source->release(req);
    req->reply.source = NULL;
    if (conn->body)
        mem_wipe(conn->body, conn->body_len); /* it may have been a claim code */
    if (conn->body && conn->body != conn->work->body_open)
        conn_body_give(conn->body);
    conn->body = NULL;
    auth_password_forget(req);
}

/* Whether head, body or both go out, and how the client sees the end. */
static void choose_framing(struct conn *conn)
{
    struct req *req = &conn->req;
    bool is_endless = req->reply.source != NULL && req->reply.length == HTTP_LENGTH_NONE;
    bool to_the_end = conn->work->http.is_http_1_0 || req->reply.status == STATUS_SWITCHES;

    conn->chunked = is_endless && !to_the_end;
    conn->keep_alive = conn->work->http.keep_alive && !req->reply.close && !conn->client_done;
    if (is_endless && to_the_end)
        conn->keep_alive = false;
}

/* The answer comes later: as if nothing had been answered. */
static void await_answer(struct conn *conn)
{
    conn->is_settling = conn->is_waiting = true;
    conn->is_last_piece = false;
    conn->out_at = conn->out_end = 0;
    conn->state = CONN_REPLY;
    conn->active_ns = time_ns();
}

/* Asks for it. */
static void settle(struct conn *conn)
{
    struct req *req = &conn->req;

    if (!req->reply.source->settle(req))
        return;
    conn->is_settling = false;
    conn_reply_start(conn);
}

void conn_reply_start(struct conn *conn)
{
    struct req *req = &conn->req;
    struct reply *reply = &req->reply;
    bool streams = reply->source != NULL;
    bool head_only;

    if (streams && reply->source->settle) {
        await_answer(conn);
        return;
    }
    conn->is_settling = false;
    if (!streams && reply->body.overflow)
        api_error(req, &(struct problem){
                           .slug = "bug",
                           .detail = "The answer does not fit into its buffer.",
                           .where = "mgmt/http/conn_reply.c",
                           .hint = "Report this with the request.",
                       });
    precondition_tag_reply(req);
    choose_framing(conn);
    head_only = conn->work->http.verb == VERB_HEAD || !status_has_body(reply->status);
    conn->out_at = head_write(conn, streams ? reply->length : reply->body.len);
    conn->out_end = CONN_OUT_FRONT + (streams || head_only ? 0 : (u32)reply->body.len);
    conn->is_last_piece = !streams || head_only;
    conn->is_waiting = false;
    conn->state = CONN_REPLY;
    conn->active_ns = time_ns();
    api_count_request(conn->work->http.verb, reply->status);
    auth_note(req);
    api_events_note(req);
    conn_reply_pump(conn);
}

static void reply_end(struct conn *conn)
{
    conn_request_end(conn);
    conn->in_request = false;
    conn->active_ns = time_ns();
    if (conn->keep_alive) {
        conn->state = CONN_READ;
        return;
    }
    conn_goodbye(conn);
    conn->state = CONN_LINGER;
    if (tcp_shutdown(conn->pcb, 0, 1) != ERR_OK)
        conn->must_abort = true;
}

/* Queues what is in out. Return: true if all of it is queued. */
static bool send_out(struct conn *conn)
{
    while (conn->out_at < conn->out_end) {
        int sent = conn_output(conn, conn->work->out + conn->out_at, conn->out_end - conn->out_at);

        if (sent < 0)
            return false; /* goes on when the client has acknowledged, or at the next poll */
        conn->out_at += (u32)sent;
    }
    return true;
}

void conn_reply_pump(struct conn *conn)
{
    if (conn->state != CONN_REPLY || !conn->pcb || conn->must_abort)
        return;
    if (conn->is_settling) {
        settle(conn);
        return;
    }
    for (;;) {
        if (!send_out(conn))
            break;
        if (conn->is_last_piece) {
            (void)tcp_output(conn->pcb);
            reply_end(conn);
            return;
        }
        if (!refill(conn))
            break;
    }
    (void)tcp_output(conn->pcb);
}
