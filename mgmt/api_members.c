/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading members of JSON bodies. */
#include "mgmt/api_members.h"

#include "core/lib/errno.h"

int api_bad_member(struct req *req, const struct json_node *node, const char *slug,
                   const char *detail, const char *hint)
{
    char pointer[160];

    json_pointer(api_json_body(req), node, pointer, sizeof(pointer));
    api_error(req,
              &(struct problem){.slug = slug, .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

int api_unknown_member(struct req *req, const struct json_node *key)
{
    return api_bad_member(req, key, "unknown_field", "There is no such field in this version.",
                          "Leave it out or correct its spelling.");
}

int api_read_text(struct req *req, const struct json_doc *doc, const struct json_node *node,
                  char *dst, size_t size)
{
    if (json_get_string(doc, node, dst, size) == 0)
        return 0;
    return api_bad_member(req, node, "bad_value", "This value must be a name.",
                          "Put it in double quotes; it has 63 characters at most.");
}

int api_read_number(struct req *req, const struct json_doc *doc, const struct json_node *node,
                    u64 max, u64 *out)
{
    if (json_get_u64(doc, node, out) == 0 && *out <= max)
        return 0;
    return api_bad_member(req, node, "bad_value", "This value must be a whole number in range.",
                          "Use digits only; units are part of the field's name.");
}

int api_read_flag(struct req *req, const struct json_doc *doc, const struct json_node *node,
                  bool *out)
{
    if (json_get_bool(doc, node, out) == 0)
        return 0;
    return api_bad_member(req, node, "bad_value", "This value must be true or false.",
                          "Leave out the quotes.");
}
