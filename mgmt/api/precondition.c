/* SPDX-License-Identifier: BSD-2-Clause */
/* ETag, If-Match and If-None-Match, for every route. */
#include "mgmt/api/precondition.h"

#include "core/lib/string.h"
#include "mgmt/api/etag.h"

/* 0: it has none. */
static u64 tag_of(const struct reply *reply)
{
    if (reply->etag)
        return reply->etag;
    if (reply->source || reply->body.overflow || reply->body.counters_at == 0)
        return 0;
    return etag_digest(reply->body.buf, reply->body.counters_at);
}

void precondition_tag_reply(struct req *req)
{
    const char *if_none = http_header(req->http, "if-none-match");
    bool is_get = req->http->verb == VERB_GET || req->http->verb == VERB_HEAD;
    struct reply *reply = &req->reply;
    char text[ETAG_TEXT_MAX];
    u64 etag = reply->status == 200 || reply->status == 201 ? tag_of(reply) : 0;

    if (etag == 0)
        return;
    reply_header(req, "ETag", "%s", etag_text(etag, text));
    if (!is_get || !if_none || !etag_listed(if_none, etag, true))
        return;
    reply->status = 304;
    reply->content_type = NULL;
    reply->length = 0;
    reply->body.len = 0;
}

/* What the handler of GET says of the path in `match`; its answer is taken back. */
static u16 ask(struct req *req, u64 *etag)
{
    u16 status;

    memset(&req->state, 0, sizeof(req->state));
    req->match.route->handle(req);
    status = req->reply.status;
    *etag = status == 200 ? tag_of(&req->reply) : 0;
    if (req->reply.source && req->reply.source->release)
        req->reply.source->release(req);
    memset(&req->reply, 0, sizeof(req->reply));
    return status;
}

/* Cuts the last segment off. Return: false if only the API's root is left. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return strcmp(path, API_BASE) != 0;
}

/* The resource that the path is, or belongs to. */
struct current {
    bool is_own; /* the path has a GET */
    u16 status;  /* which answers that */
    u64 etag;    /* 0: it has none */
};

static struct current look(struct req *req)
{
    static struct route_match kept; /* large; one thread answers */
    struct req_state state = req->state;
    enum audit_rule audit = req->audit;
    struct current is = {0};
    char path[HTTP_PATH_MAX];

    kept = req->match; /* its pointers are into itself, and it comes back to where it was */
    (void)str_copy(path, sizeof(path), req->http->path);
    do {
        router_match(api_routes, api_route_count, VERB_GET, path, &req->match);
        if (req->match.route)
            is.status = ask(req, &is.etag);
        if (strcmp(path, req->http->path) == 0)
            is.is_own = req->match.route != NULL;
    } while (!is.etag && !(is.is_own && is.status != 200) && go_up(path));
    memcpy(&req->match, &kept, sizeof(kept));
    req->state = state;
    req->audit = audit;
    return is;
}

static bool refuse(struct req *req, u64 etag, const char *detail)
{
    char text[ETAG_TEXT_MAX];

    if (etag)
        reply_header(req, "ETag", "%s", etag_text(etag, text));
    api_error(req, &(struct problem){
                       .slug = "etag",
                       .detail = detail,
                       .etag = etag ? text : NULL,
                       .hint = "Look at it again and repeat the change on what it is now.",
                   });
    return false;
}

bool precondition_holds(struct req *req)
{
    const char *if_match = http_header(req->http, "if-match");
    const char *if_none = http_header(req->http, "if-none-match");
    bool is_change = req->http->verb != VERB_GET && req->http->verb != VERB_HEAD;
    struct current is;

    if (!is_change || (!if_match && !if_none))
        return true;
    is = look(req);
    /* Without a PUT what is not there is a plain 404. */
    if (is.status != 200)
        return !if_match || req->http->verb != VERB_PUT || !is.is_own ||
               refuse(req, 0, "If-Match names an object, and there is none.");
    if (if_match && !etag_listed(if_match, is.etag, false))
        return refuse(req, is.etag, "The object is not the one If-Match names.");
    if (if_none && is.is_own && etag_listed(if_none, is.etag, true))
        return refuse(req, is.etag, "There is such an object already.");
    return true;
}
