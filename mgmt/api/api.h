/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a handler sees: the request, and the ways to answer it.
 *
 * A handler runs on the management task, must not wait, and answers exactly once (one that needs a
 * password worked out is called again for it: auth_password.h): reply_json() and
 * writing, reply_empty(), reply_stream() or api_error(). Text it writes goes into the connection's
 * output buffer; what does not fit there is streamed, a piece whenever the client has taken the
 * last one.
 */
#ifndef SOCLE_MGMT_API_H
#define SOCLE_MGMT_API_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vmm/vmm.h"
#include "mgmt/auth/audit.h"
#include "mgmt/http/http.h"
#include "mgmt/json/json.h"
#include "mgmt/auth/login.h"
#include "mgmt/auth/pbkdf2.h"
#include "mgmt/http/router.h"
#include "mgmt/auth/token.h"

#define API_BASE       "/api/v1"
#define REQUEST_ID_MAX 64u
#define REPLY_HEAD_MAX 2048u
#define REPLY_BODY_MAX (40u * 1024u) /* the largest single object: a VM with all text escaped */

enum produce {
    PRODUCE_MORE, /* something was written, or may be at the next call */
    PRODUCE_WAIT, /* nothing now: ask again when something has happened */
    PRODUCE_DONE,
};

/* Takes the body of a BODY_STREAM request; after an answer it is called no more, except abort. */
struct body_sink {
    void (*write)(struct req *req, const u8 *data, size_t len);
    /* NULL, or work that is left when the body is complete: a piece of it, some milliseconds; it
     * may answer an error. Return: true: there is more; false: `end` follows. */
    bool (*settle)(struct req *req);
    void (*end)(struct req *req);   /* the body is complete: answer */
    void (*abort)(struct req *req); /* the connection is gone, or an error was answered */
};

/* Makes the body of a streamed reply. */
struct body_source {
    enum produce (*produce)(struct req *req, struct json_writer *w);
    /* Not NULL: the answer is not known yet. It is asked in later turns until it has given the real
     * one and returns true; no head has left till then, and `produce` is not used. */
    bool (*settle)(struct req *req);
    void (*release)(struct req *req); /* sent, or the connection is gone; may be NULL */
    /* After status 101: what the client sends. Return: bytes done with; the others come again. */
    size_t (*take)(struct req *req, const u8 *data, size_t len);
    bool ends_with_client; /* a client that stops sending ends the stream, too */
};

struct reply {
    u16 status; /* 0: not answered yet */
    const char *content_type;
    u64 etag;          /* 0: that of the body, if it says where its counters begin */
    const char *cache; /* Cache-Control; NULL: nobody may keep the answer */
    u64 length;        /* of a streamed body; HTTP_LENGTH_NONE: chunked */
    const struct body_source *source;
    struct json_writer body;
    char headers[512]; /* complete lines */
    u32 headers_len;
    bool close;
};

/* A place for what a streaming handler must remember between two calls. */
struct req_state {
    void *object;
    u64 offset;
    u64 end;
    u32 id;
    u32 console;
    u32 count;
    u32 step;
    bool flag;
    char name[64];
    char fields[128];
    char filter[64];
};

/* By what one has come in; a browser's session counts as what it began with. */
enum identity_way { WAY_NONE, WAY_TOKEN, WAY_PASSWORD, WAY_CERTIFICATE };

/* Whose request it is: filled in when its token or password has been checked. */
struct identity {
    enum role role;
    enum identity_way way;
    struct scope scope; /* of the token: the VMs it is for */
    u32 vm;             /* with a scope: the one the request is about; or 0 */
    u32 version;        /* of the user, without a token: with another one this identity ends */
    char user[TOKEN_NAME_MAX + 1];
    char token[TOKEN_NAME_MAX + 1]; /* its id; "": another way */
    u64 expires_unix_ns;            /* 0: never */
    u64 session_ns;                 /* when the browser's session began; 0: it is none's */
};

/* Where it comes from. */
struct peer {
    u64 key; /* the same for addresses that are one customer's: an IPv6 /64 */
    char text[AUDIT_SOURCE_MAX + 1];
    bool has_tls;
    const struct tls_peer *client; /* the certificate it has shown; NULL: none */
};

/*
 * A password's hash, worked out over several turns of the agent while the request waits; then what
 * asked for it is called again from the start: auth_admit or the handler.
 */
enum derive_state { DERIVE_NONE, DERIVE_WAITS, DERIVE_DONE };

struct derive {
    enum derive_state state;
    bool goes_first; /* who is known does not wait for strangers */
    struct pbkdf2 work;
    struct password_hash hash; /* key: when it is done */
    struct login_attempt attempt;
};

/* Which answers are audited. */
enum audit_rule { AUDIT_CHANGES, AUDIT_ALWAYS, AUDIT_NEVER };

struct req {
    const struct http_stream *http;
    struct route_match match;
    char request_id[REQUEST_ID_MAX + 1];
    const u8 *body; /* BODY_JSON, BODY_BYTES */
    size_t body_len;
    u64 begin_ns;   /* the head was complete */
    u64 handler_ns; /* time spent in the handler */
    struct identity who;
    struct peer peer;
    enum audit_rule audit;
    struct derive derive;
    const struct body_sink *sink;
    struct req_state state;
    struct reply reply;
};

/* Answers. */
struct json_writer *reply_json(struct req *req, u16 status);
struct json_writer *reply_text(struct req *req, u16 status, const char *content_type);
void reply_empty(struct req *req, u16 status);
void reply_stream(struct req *req, u16 status, const char *content_type, u64 length,
                  const struct body_source *source);
void reply_header(struct req *req, const char *name, const char *fmt, ...) printf_like(3, 4);

/*
 * Answers with the bytes of an object, or the range of them that is asked for: state.offset to
 * .end, which `source` produces. Return: 0; -ERANGE after answering 416.
 */
int api_reply_range(struct req *req, u64 size, const struct body_source *source) must_check;

/* Requests. query_get: the decoded parameter, or NULL; valid until the next call. */
const char *query_get(const struct req *req, const char *name);

/* Return: 0 and *out (fallback if absent); -EINVAL after answering 400. */
int query_u64(struct req *req, const char *name, u64 fallback, u64 *out) must_check;
int query_bool(struct req *req, const char *name, bool *out) must_check;

/* An error for the user. Members left 0 or NULL are left out. */
struct problem {
    const char *slug; /* names status and title: table in api_error.c */
    const char *detail;
    const char *hint;
    const char *pointer;
    const char *allowed; /* comma separated */
    const char *got;
    const char *kind; /* no_such */
    const char *name;
    const char *similar; /* NULL: those there are of this kind (api_similar.h) */
    const char *state;
    const char *etag;
    const char *allow; /* method: comma separated */
    const char *where;
    const char *need_role;
    u64 limit_bytes;
    u64 need_bytes;
    u64 free_bytes;
    u64 retry_after_s;
};

void api_error(struct req *req, const struct problem *problem);

/* The same as an object among others: why a task failed. */
void api_problem_write(struct json_writer *w, const struct problem *problem);

/* A list written as "a, b c" becomes an array of its words; NULL: no member. */
void api_put_words_if(struct json_writer *w, const char *key, const char *words);

/* vmm_* failed with rc: answers with what it said. */
void api_vmm_error(struct req *req, int rc, const struct vmm_error *err, u32 vm);

/* The same for what is no VM: pools, volumes, images. */
void api_plain_error(struct req *req, const struct vmm_error *err);

/*
 * A page of another site can make its visitor's browser send requests here; browsers then say where
 * it came from. Return: true if this is such a request.
 */
bool api_is_foreign_page(const struct req *req);
void api_answer_foreign_page(struct req *req);

/* Parses the body into a document shared by all handlers. Return: NULL after answering 400. */
const struct json_doc *api_json_body(struct req *req);

/* Answers 404 for the VM that the path names. */
void api_no_such_vm(struct req *req);

/* The VM a path parameter names. Return: 0; -ENOENT after answering 404. */
int api_find_vm(struct req *req, u32 *id) must_check;

/* The VM and the console that the path names. Return: 0; -ENOENT after answering 404. */
int api_find_console(struct req *req, u32 *id, u32 *console) must_check;

/* The volume a path parameter names. Return: NULL after answering 404. */
struct volume *api_find_volume(struct req *req) must_check;

/* Counts answered requests by method and status, for the metrics. */
void api_count_request(enum http_verb verb, u16 status);

#define ROUTE(verb, role, path, body, query, handler) void handler(struct req *req);
#include "mgmt/http/routes.def"
#undef ROUTE

extern const struct route api_routes[];
extern const u32 api_route_count;

#endif
