/* SPDX-License-Identifier: BSD-2-Clause */
/* Which handler answers a method and path; the table itself is routes.def. */
#ifndef SOCLE_MGMT_ROUTER_H
#define SOCLE_MGMT_ROUTER_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/http/http.h"
#include "mgmt/auth/role.h"

#define ROUTE_PARAMS_MAX 2u

struct req;

/* What the server does with a request's body before the handler is called. */
enum body_kind {
    BODY_NONE,   /* thrown away; the handler is called at the end of the request */
    BODY_JSON,   /* kept, at most 64 KiB, must be called JSON */
    BODY_BYTES,  /* kept, at most 64 KiB */
    BODY_STREAM, /* the handler is called at once and takes the body piece by piece */
};

struct route {
    enum http_verb verb;
    enum role role; /* the least that may come in */
    enum body_kind body;
    const char *path;  /* "{name}" stands for one segment */
    const char *query; /* parameters allowed, separated by blanks */
    void (*handle)(struct req *req);
};

struct route_match {
    const struct route *route; /* NULL: no such path, or not with this method */
    u32 allowed;               /* bits of enum http_verb the path has; 0: no such path */
    u32 param_count;
    const char *params[ROUTE_PARAMS_MAX]; /* in text */
    char text[HTTP_PATH_MAX];
};

/* HEAD matches GET. One slash at the end of the path counts as none. */
void router_match(const struct route *routes, u32 count, enum http_verb verb, const char *path,
                  struct route_match *match);

/* True if the route knows this query parameter. */
bool route_has_query(const struct route *route, const char *name);

/* Writes "GET, HEAD, PUT" for the bits; HEAD and OPTIONS come with every path. Returns dst. */
const char *router_allow_text(u32 allowed, char *dst, size_t size);

const char *verb_text(enum http_verb verb);

#endif
