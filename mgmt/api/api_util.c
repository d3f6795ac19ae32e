/* SPDX-License-Identifier: BSD-2-Clause */
/* What several handlers need: query parameters, JSON bodies, finding a VM. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"

const char *query_get(const struct req *req, const char *name)
{
    static char value[512]; /* one thread answers */
    const char *cursor = NULL;
    char key[64];

    while (http_query_next(req->http, &cursor, key, sizeof(key), value, sizeof(value)) == 0) {
        if (strcmp(key, name) == 0)
            return value;
    }
    return NULL;
}

bool api_is_foreign_page(const struct req *req)
{
    const char *origin = http_header(req->http, "origin");
    const char *host = http_header(req->http, "host");
    const char *site = origin ? strstr(origin, "://") : NULL;

    return origin && (!site || !host || strcmp(site + 3, host) != 0);
}

void api_answer_foreign_page(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "origin",
                       .detail = "The request comes from a web page of another site.",
                       .hint = "Use the API from a program, or from a page of this host.",
                   });
}

static void bad_query(struct req *req, const char *name, const char *value, const char *hint)
{
    char detail[120];

    ksnprintf(detail, sizeof(detail), "The query parameter \"%s\" has no such value.", name);
    api_error(req,
              &(struct problem){.slug = "bad_value", .detail = detail, .got = value, .hint = hint});
}

int query_u64(struct req *req, const char *name, u64 fallback, u64 *out)
{
    const char *text = query_get(req, name);
    u64 value = 0;

    *out = fallback;
    if (!text)
        return 0;
    for (const char *c = text; *c || c == text; c++) {
        if (*c < '0' || *c > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (u64)(*c - '0'), &value)) {
            bad_query(req, name, text, "Use a whole number, not negative.");
            return -EINVAL;
        }
    }
    *out = value;
    return 0;
}

int query_bool(struct req *req, const char *name, bool *out)
{
    const char *text = query_get(req, name);

    *out = text && (strcmp(text, "true") == 0 || text[0] == '\0');
    if (text && !*out && strcmp(text, "false") != 0) {
        bad_query(req, name, text, "Use \"true\" or \"false\".");
        return -EINVAL;
    }
    return 0;
}

const struct json_doc *api_json_body(struct req *req)
{
    static struct json_doc doc; /* one thread answers */
    char detail[160];

    if (json_parse(&doc, (const char *)req->body, req->body_len) == 0)
        return &doc;
    ksnprintf(detail, sizeof(detail), "At byte %u of the body: %s.", doc.error_offset, doc.error);
    api_error(req, &(struct problem){
                       .slug = "bad_json",
                       .detail = detail,
                       .hint = "Send one JSON object; check it with a JSON formatter.",
                   });
    return NULL;
}

void api_no_such_vm(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "no_such",
                       .kind = "vm",
                       .name = req->match.params[0],
                       .detail = "There is no VM of that name or UUID.",
                       .hint = "GET /api/v1/vms lists the VMs there are.",
                   });
}

int api_find_vm(struct req *req, u32 *id)
{
    if (vmm_find(req->match.params[0], id) == 0)
        return 0;
    api_no_such_vm(req);
    return -ENOENT;
}

/* One range of bytes; what is no such range is ignored, as RFC 9110 (14.2) allows. Return: 0,
 * -ERANGE. */
static int take_range(const char *text, u64 size, u64 *start, u64 *end, bool *is_range)
{
    bool has_first, has_last;
    char *after;
    u64 first, last;

    *start = 0;
    *end = size;
    *is_range = false;
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return 0;
    text += 6;
    has_first = *text >= '0' && *text <= '9';
    first = has_first ? strtoul(text, &after, 10) : 0;
    if (!has_first)
        after = (char *)(uintptr_t)text;
    if (*after != '-')
        return 0;
    has_last = after[1] >= '0' && after[1] <= '9';
    last = has_last ? strtoul(after + 1, &after, 10) : size - 1;
    if (!has_first && !has_last)
        return 0;
    if (!has_first) { /* the last N bytes */
        first = last < size ? size - last : 0;
        last = size - 1;
    }
    if (first >= size || last < first)
        return -ERANGE;
    *start = first;
    *end = MIN(last, size - 1) + 1;
    *is_range = true;
    return 0;
}

int api_reply_range(struct req *req, u64 size, const struct body_source *source)
{
    struct req_state *state = &req->state;
    bool is_range;

    reply_header(req, "Accept-Ranges", "bytes");
    if (take_range(http_header(req->http, "range"), size, &state->offset, &state->end, &is_range)) {
        reply_header(req, "Content-Range", "bytes */%llu", (unsigned long long)size);
        api_error(req, &(struct problem){
                           .slug = "range",
                           .detail = "The range is not inside the object.",
                           .limit_bytes = size,
                           .hint = "Ask for bytes below limit_bytes.",
                       });
        return -ERANGE;
    }
    if (is_range)
        reply_header(req, "Content-Range", "bytes %llu-%llu/%llu",
                     (unsigned long long)state->offset, (unsigned long long)(state->end - 1),
                     (unsigned long long)size);
    reply_stream(req, is_range ? 206 : 200, "application/octet-stream", state->end - state->offset,
                 source);
    return 0;
}
