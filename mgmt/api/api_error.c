/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors for the user: application/problem+json (RFC 9457), one table of types. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/api/api.h"
#include "mgmt/api/api_similar.h"

static const struct error_type {
    const char *slug;
    u16 status;
    const char *title;
} error_types[] = {
    {"use_tls", 308, "The host is managed by HTTPS"},
    {"bad_json", 400, "The body is not valid JSON"},
    {"unknown_field", 400, "The body has a field that is not known"},
    {"bad_value", 400, "A value is not allowed"},
    {"no_token", 401, "A token is needed"},
    {"bad_token", 401, "The token is not valid"},
    {"bad_password", 401, "The name or the password is wrong"},
    {"needs_tls", 403, "Secrets are not taken in the clear"},
    {"role", 403, "The role does not allow this"},
    {"scope", 403, "The token is not for this"},
    {"bad_code", 403, "The claim code is wrong"},
    {"csrf", 403, "The request may come from another page"},
    {"origin", 403, "Web pages of other sites may not change anything"},
    {"no_such", 404, "There is no such object"},
    {"method", 405, "The method is not allowed here"},
    {"accept", 406, "The answer comes in another media type"},
    {"timeout", 408, "The request took too long"},
    {"state", 409, "Not possible in the present state"},
    {"needs_stop", 409, "Not possible while the virtual machine runs"},
    {"in_use", 409, "The object is in use"},
    {"exists", 409, "The object exists already"},
    {"offset", 409, "The upload is at another place"},
    {"not_cancellable", 409, "The task cannot be cancelled"},
    {"task_running", 409, "Another change is under way"},
    {"claimed", 409, "The host has been claimed"},
    {"last_admin", 409, "The host would have no administrator"},
    {"reboot_needed", 409, "It takes effect at boot only"},
    {"vms_running", 409, "Virtual machines are running"},
    {"gone", 410, "The object is no longer there"},
    {"etag", 412, "The object is not the one expected"},
    {"too_big", 413, "The request is too large"},
    {"content_type", 415, "The media type is not accepted"},
    {"range", 416, "The range is outside the object"},
    {"expectation", 417, "The expectation cannot be met"},
    {"semantic", 422, "The request is well-formed but cannot be carried out"},
    {"digest", 422, "The content does not match its digest"},
    {"upgrade", 426, "Another protocol is needed"},
    {"rate", 429, "Too much at once"},
    {"peer", 502, "Another machine did not do its part"},
    {"busy", 503, "The host is busy"},
    {"guest_no_answer", 504, "The guest does not answer"},
    {"no_memory", 507, "There is not enough memory"},
    {"no_space", 507, "There is no room left"},
    {"bug", 500, "The hypervisor made a mistake"},
};

static const struct error_type *type_of(const char *slug)
{
    for (u32 i = 0; i < ARRAY_SIZE(error_types); i++) {
        if (strcmp(error_types[i].slug, slug) == 0)
            return &error_types[i];
    }
    return &error_types[ARRAY_SIZE(error_types) - 1];
}

static void put_if(struct json_writer *w, const char *key, const char *value)
{
    if (value)
        json_put_string(w, key, value);
}

static void put_number_if(struct json_writer *w, const char *key, u64 value)
{
    if (value)
        json_put_u64(w, key, value);
}

void api_put_words_if(struct json_writer *w, const char *key, const char *words)
{
    char word[72];
    size_t len = 0;

    if (!words)
        return;
    json_key(w, key);
    json_array_begin(w);
    for (const char *c = words;; c++) {
        if (*c && *c != ',' && *c != ' ' && len + 1 < sizeof(word)) {
            word[len++] = *c;
            continue;
        }
        word[len] = '\0';
        if (len)
            json_string(w, word);
        len = 0;
        if (*c == '\0')
            break;
    }
    json_array_end(w);
}

/* Names of the kind that may have been meant, or NULL. Who is for some VMs only is told of none. */
static const char *similar_to(const struct req *req, const struct problem *problem)
{
    if (problem->similar)
        return problem->similar;
    if (strcmp(problem->slug, "no_such") != 0 || !problem->kind || !problem->name || !req ||
        req->who.scope.count)
        return NULL;
    return api_similar(problem->kind, problem->name);
}

static void put_members(struct json_writer *w, const struct req *req, const struct problem *problem)
{
    put_if(w, "detail", problem->detail);
    put_if(w, "hint", problem->hint);
    put_if(w, "pointer", problem->pointer);
    api_put_words_if(w, "allowed", problem->allowed);
    put_if(w, "got", problem->got);
    put_if(w, "kind", problem->kind);
    put_if(w, "name", problem->name);
    api_put_words_if(w, "similar", similar_to(req, problem));
    put_if(w, "state", problem->state);
    put_if(w, "etag", problem->etag);
    api_put_words_if(w, "allow", problem->allow);
    put_if(w, "where", problem->where);
    put_if(w, "need_role", problem->need_role);
    put_number_if(w, "limit_bytes", problem->limit_bytes);
    put_number_if(w, "need_bytes", problem->need_bytes);
    put_number_if(w, "retry_after_s", problem->retry_after_s);
    if (problem->need_bytes)
        json_put_u64(w, "free_bytes", problem->free_bytes);
}

/* req: NULL: it answers none. */
static void put_problem(struct json_writer *w, const struct req *req, const struct problem *problem)
{
    const struct error_type *type = type_of(problem->slug);
    char urn[64] = "urn:socle:error:";

    (void)str_copy(urn + strlen(urn), sizeof(urn) - strlen(urn), type->slug);
    json_put_string(w, "type", urn);
    json_put_string(w, "title", type->title);
    json_put_u64(w, "status", type->status);
    put_members(w, req, problem);
}

void api_problem_write(struct json_writer *w, const struct problem *problem)
{
    json_object_begin(w);
    put_problem(w, NULL, problem);
    json_object_end(w);
}

void api_error(struct req *req, const struct problem *problem)
{
    u16 status = type_of(problem->slug)->status;
    struct json_writer *w = reply_text(req, status, "application/problem+json");

    json_object_begin(w);
    put_problem(w, req, problem);
    json_put_string(w, "request_id", req->request_id);
    json_object_end(w);
    if (problem->retry_after_s)
        reply_header(req, "Retry-After", "%llu", (unsigned long long)problem->retry_after_s);
}

void api_plain_error(struct req *req, const struct vmm_error *err)
{
    api_error(req, &(struct problem){.slug = err->slug,
                                     .pointer = err->pointer,
                                     .detail = err->text,
                                     .hint = err->hint,
                                     .need_bytes = err->need_bytes,
                                     .free_bytes = err->free_bytes});
}

void api_vmm_error(struct req *req, int rc, const struct vmm_error *err, u32 vm)
{
    static struct vmm_info info; /* large; one thread answers */
    struct problem problem = {
        .slug = err->slug,
        .detail = err->text,
        .hint = err->hint[0] ? err->hint : "Look at its present state.",
        .pointer = err->pointer,
        .need_bytes = err->need_bytes,
        .free_bytes = err->free_bytes,
    };

    if (!problem.slug)
        problem.slug = rc == -ENOENT ? "no_such" : rc == -ENOMEM ? "no_memory" : "semantic";
    if (type_of(problem.slug)->status == 409 && vmm_get(vm, &info) == 0)
        problem.state = vmm_state_name(info.state);
    if (strcmp(problem.slug, "no_such") == 0)
        problem.kind = "vm";
    api_error(req, &problem);
}
