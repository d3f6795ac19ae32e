/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks an object's members; refuses with a pointer. */
#include "mgmt/body.h"

#include "core/lib/errno.h"

int body_refuse(const struct body_reader *r, const struct json_node *node, const char *slug,
                const char *detail, const char *hint)
{
    char pointer[160];

    json_pointer(r->doc, node, pointer, sizeof(pointer));
    api_error(r->req,
              &(struct problem){.slug = slug, .pointer = pointer, .detail = detail, .hint = hint});
    return -EINVAL;
}

int body_bad(const struct body_reader *r, const struct json_node *node, const char *detail,
             const char *hint)
{
    return body_refuse(r, node, "bad_value", detail, hint);
}

int body_object(struct body_reader *r, const struct json_node *node,
                const struct body_member *members, size_t count, u32 *seen)
{
    *seen = 0;
    if (node->type != JSON_OBJECT)
        return body_bad(r, node, "This value must be an object.", "Put its members in braces.");
    for (const struct json_node *key = json_first(r->doc, node); key;
         key = json_next(r->doc, key)) {
        size_t i = 0;

        while (i < count && !json_key_is(r->doc, key, members[i].name))
            i++;
        if (i == count)
            return body_refuse(r, key, "unknown_field", "There is no such field in this version.",
                               "Leave it out or correct its spelling.");
        *seen |= (u32)BIT(i);
        if (members[i].read && members[i].read(r, json_first(r->doc, key)))
            return -EINVAL;
    }
    return 0;
}
