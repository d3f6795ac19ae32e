/* SPDX-License-Identifier: BSD-2-Clause */
/* What several handlers need: query parameters, JSON bodies, finding a VM. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/api.h"

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

int api_find_vm(struct req *req, u32 *id)
{
    const char *name = req->match.params[0];

    if (vmm_find(name, id) == 0)
        return 0;
    api_error(req, &(struct problem){
                       .slug = "no_such",
                       .kind = "vm",
                       .name = name,
                       .detail = "There is no VM of that name or UUID.",
                       .hint = "GET /api/v1/vms lists the VMs there are.",
                   });
    return -ENOENT;
}
