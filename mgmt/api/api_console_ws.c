/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's console as a WebSocket: what the guest writes goes out in binary messages, what comes in
 * is typed.
 *
 * Sub-protocols: "binary", and none, have nothing else. With "socle-console" the host also tells,
 * in text messages: {"offset":N,"state":"running"} at first, {"state":…} when that changes, and
 * {"lost_bytes":N} where the client was too slow for the console's log.
 *
 * A connection outlives stops and starts of its VM and ends with the definition. What is typed
 * while the VM does not run is lost, as on a serial line nobody listens to; a guest that does not
 * read makes the client wait.
 */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"
#include "mgmt/http/ws.h"

#define CONSOLES_MAX 32u
#define OWN_PROTOCOL "socle-console"

struct ws_console {
    bool is_used;
    bool tells;      /* OWN_PROTOCOL */
    bool has_begun;  /* the first message is sent */
    bool has_ping;   /* one waits for its answer */
    bool is_closing; /* close_code is to be sent, then it ends */
    u32 vm;
    u32 console; /* its number */
    u32 typed;   /* of ws.piece */
    u32 ping_len;
    u16 close_code;
    enum vmm_state state; /* told last */
    u64 offset;           /* of the next byte of the console */
    struct ws_stream ws;
    u8 ping[WS_CONTROL_MAX];
};

static struct ws_console consoles[CONSOLES_MAX];

static struct ws_console *console_take(void)
{
    for (u32 i = 0; i < CONSOLES_MAX; i++) {
        if (consoles[i].is_used)
            continue;
        memset(&consoles[i], 0, sizeof(consoles[i]));
        consoles[i].is_used = true;
        ws_init(&consoles[i].ws);
        return &consoles[i];
    }
    return NULL;
}

/* -- in ---------------------------------------------------------------------------------------- */

/* Types what is left of the piece. Return: false if the guest has no room for it now. */
static bool type_piece(struct ws_console *con)
{
    struct vmm_error err;
    int rc;

    if (con->typed == con->ws.piece_len)
        return true;
    rc = vmm_console_input(con->vm, con->console, con->ws.piece + con->typed,
                           con->ws.piece_len - con->typed, &err);
    con->typed = rc < 0 ? con->ws.piece_len : con->typed + (u32)rc;
    return con->typed == con->ws.piece_len;
}

static void keep_ping(struct ws_console *con)
{
    con->has_ping = true;
    con->ping_len = con->ws.piece_len;
    memcpy(con->ping, con->ws.piece, con->ping_len);
}

/* Only data is typed. */
static void take_event(struct ws_console *con, enum ws_event event)
{
    con->typed = event == WS_EVENT_DATA ? 0 : con->ws.piece_len;
    if (event == WS_EVENT_PING)
        keep_ping(con);
    if (event != WS_EVENT_CLOSE && event != WS_EVENT_BAD)
        return;
    con->is_closing = true;
    con->close_code = con->ws.close_code;
}

static size_t console_input(struct req *req, const u8 *data, size_t len)
{
    struct ws_console *con = req->state.object;
    size_t used = 0;

    while (used < len && !con->is_closing) {
        enum ws_event event;
        size_t step;

        if (!type_piece(con))
            return used;
        event = ws_feed(&con->ws, data + used, len - used, &step);
        used += step;
        take_event(con, event);
    }
    (void)type_piece(con);
    return con->is_closing ? len : used;
}

/* -- out --------------------------------------------------------------------------------------- */

/* Appends a frame whose payload lies WS_HEAD_MAX bytes behind the end already. */
static void put_in_place(struct json_writer *w, enum ws_opcode opcode, size_t len)
{
    u8 head[WS_HEAD_MAX];
    u32 head_len = ws_frame_head(head, opcode, (u16)len);

    memcpy(w->buf + w->len, head, head_len);
    memmove(w->buf + w->len + head_len, w->buf + w->len + WS_HEAD_MAX, len);
    w->len += head_len + len;
}

static void put_frame(struct json_writer *w, enum ws_opcode opcode, const void *data, size_t len)
{
    memcpy(w->buf + w->len + WS_HEAD_MAX, data, len);
    put_in_place(w, opcode, len);
}

static void tell(struct json_writer *w, const char *fmt, u64 value, enum vmm_state state)
{
    char text[96];
    size_t len =
        ksnprintf(text, sizeof(text), fmt, (unsigned long long)value, vmm_state_name(state));

    put_frame(w, WS_TEXT, text, len);
}

/* What has changed since the last time. */
static void tell_news(struct ws_console *con, struct json_writer *w)
{
    static struct vmm_info info; /* large; one thread answers */
    u64 oldest = vmm_console_oldest(con->vm, con->console);

    if (!con->tells || vmm_get(con->vm, &info))
        return;
    if (!con->has_begun)
        tell(w, "{\"offset\":%llu,\"state\":\"%s\"}", con->offset, info.state);
    else if (con->offset < oldest)
        tell(w, "{\"lost_bytes\":%llu,\"state\":\"%s\"}", oldest - con->offset, info.state);
    else if (con->state != info.state)
        tell(w, "{\"offset\":%llu,\"state\":\"%s\"}", con->offset, info.state);
    con->has_begun = true;
    con->state = info.state;
}

static void put_close(const struct ws_console *con, struct json_writer *w)
{
    u8 code[2] = {(u8)(con->close_code >> 8), (u8)con->close_code};

    put_frame(w, WS_CLOSE, code, con->close_code == WS_CLOSE_NO_CODE ? 0 : sizeof(code));
}

static enum produce console_output(struct req *req, struct json_writer *w)
{
    struct ws_console *con = req->state.object;
    size_t got;
    u32 vm;

    if (con->has_ping)
        put_frame(w, WS_PONG, con->ping, con->ping_len);
    con->has_ping = false;
    if (!con->is_closing && (vmm_find(req->state.name, &vm) || vm != con->vm ||
                             !vmm_has_console(con->vm, con->console))) {
        con->is_closing = true;
        con->close_code = WS_CLOSE_GOING_AWAY;
    }
    if (con->is_closing) {
        put_close(con, w);
        return PRODUCE_DONE;
    }
    /* A new definition may have given the console a new log, which begins at 0. */
    con->offset = MIN(con->offset, vmm_console_written(con->vm, con->console));
    tell_news(con, w);
    got = vmm_console_read(con->vm, con->console, &con->offset, w->buf + w->len + WS_HEAD_MAX,
                           w->size - w->len - WS_HEAD_MAX);
    if (got)
        put_in_place(w, WS_BINARY, got);
    return got ? PRODUCE_MORE : PRODUCE_WAIT;
}

static void console_release(struct req *req)
{
    struct ws_console *con = req->state.object;

    mem_wipe(&con->ws, sizeof(con->ws)); /* passwords are typed */
    con->is_used = false;
}

static const struct body_source console_source = {
    .produce = console_output,
    .release = console_release,
    .take = console_input,
    .ends_with_client = true,
};

/* -- handshake --------------------------------------------------------------------------------- */

/* True if the comma-separated list has that word (lower case), in whatever case. */
static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);

    while (list && *list) {
        size_t same = 0;

        while (*list == ' ' || *list == ',' || *list == '\t')
            list++;
        while (same < len && (list[same] | 0x20) == (word[same] | 0x20))
            same++;
        if (same == len && (list[len] == '\0' || list[len] == ',' || list[len] == ' '))
            return true;
        list = strchr(list, ',');
    }
    return false;
}

/* Return: 0; -EINVAL after answering: the request does not ask for this version of WebSocket. */
static int check_upgrade(struct req *req)
{
    const char *version = http_header(req->http, "sec-websocket-version");

    if (req->http->verb == VERB_GET && !req->http->is_http_1_0 &&
        list_has(http_header(req->http, "upgrade"), "websocket") &&
        list_has(http_header(req->http, "connection"), "upgrade") && version &&
        strcmp(version, "13") == 0)
        return 0;
    reply_header(req, "Upgrade", "websocket");
    reply_header(req, "Sec-WebSocket-Version", "13");
    api_error(req, &(struct problem){
                       .slug = "upgrade",
                       .detail = "This is a WebSocket, version 13.",
                       .hint = "Use a WebSocket client, or GET …/log?follow=true and POST …/input.",
                   });
    return -EINVAL;
}

/* Browsers let any page open a WebSocket anywhere, with the cookies. Return: 0; -EPERM after 403.
 */
static int check_origin(struct req *req)
{
    if (!api_is_foreign_page(req))
        return 0;
    req->audit = AUDIT_ALWAYS;
    api_answer_foreign_page(req);
    return -EPERM;
}

/* Where the console begins. Return: 0; -EINVAL, -ERANGE after answering. */
static int take_offset(struct req *req, u32 vm, u32 console, u64 *offset)
{
    int rc = query_u64(req, "offset", vmm_console_oldest(vm, console), offset);

    if (rc || *offset <= vmm_console_written(vm, console))
        return rc;
    api_error(req, &(struct problem){
                       .slug = "range",
                       .detail = "The console has not written that many bytes yet.",
                       .hint = "Use an offset up to bytes_total of GET …/consoles.",
                   });
    return -ERANGE;
}

static void answer_busy(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "busy",
                       .detail = "As many consoles as possible are open.",
                       .retry_after_s = 5,
                       .hint = "Close another one.",
                   });
}

static void upgrade(struct req *req, struct ws_console *con, const char *accept)
{
    const char *wanted = http_header(req->http, "sec-websocket-protocol");

    con->tells = list_has(wanted, OWN_PROTOCOL);
    reply_header(req, "Upgrade", "websocket");
    reply_header(req, "Sec-WebSocket-Accept", "%s", accept);
    if (con->tells || list_has(wanted, "binary"))
        reply_header(req, "Sec-WebSocket-Protocol", "%s", con->tells ? OWN_PROTOCOL : "binary");
    req->audit = AUDIT_ALWAYS;
    req->state.object = con;
    (void)str_copy(req->state.name, sizeof(req->state.name), req->match.params[0]);
    reply_stream(req, 101, NULL, HTTP_LENGTH_NONE, &console_source);
}

void api_console_ws_get(struct req *req)
{
    const char *key = http_header(req->http, "sec-websocket-key");
    char accept[WS_ACCEPT_LEN + 1];
    struct ws_console *con;
    u64 offset;
    u32 vm, console;

    if (api_find_console(req, &vm, &console) || check_upgrade(req) || check_origin(req) ||
        take_offset(req, vm, console, &offset))
        return;
    if (!key || ws_accept(key, accept)) {
        api_error(req, &(struct problem){
                           .slug = "bad_value",
                           .detail = "Sec-WebSocket-Key is missing or malformed.",
                           .hint = "It is the base64 text of 16 random bytes.",
                       });
        return;
    }
    con = console_take();
    if (!con) {
        answer_busy(req);
        return;
    }
    con->vm = vm;
    con->console = console;
    con->offset = offset;
    upgrade(req, con, accept);
}
