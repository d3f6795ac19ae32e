/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks an object's members; refuses with a pointer. */
#include "mgmt/api/body.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"

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

int body_text(struct body_reader *r, const struct json_node *node, char *dst, size_t size)
{
    if (json_get_string(r->doc, node, dst, size) == 0)
        return 0;
    return body_bad(r, node, "This value must be a name.",
                    "Put it in double quotes; it has 63 characters at most.");
}

int body_number(struct body_reader *r, const struct json_node *node, u64 max, u64 *out)
{
    if (json_get_u64(r->doc, node, out) == 0 && *out <= max)
        return 0;
    return body_bad(r, node, "This value must be a whole number in range.",
                    "Use digits only; units are part of the field's name.");
}

int body_u32(struct body_reader *r, const struct json_node *node, u32 *out)
{
    u64 value = 0;
    int rc = body_number(r, node, UINT32_MAX, &value);

    *out = (u32)value;
    return rc;
}

int body_flag(struct body_reader *r, const struct json_node *node, bool *out)
{
    if (json_get_bool(r->doc, node, out) == 0)
        return 0;
    return body_bad(r, node, "This value must be true or false.", "Leave out the quotes.");
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

int body_read(struct body_reader *r, const struct body_member *members, size_t count, u32 *seen)
{
    r->doc = api_json_body(r->req);
    return r->doc ? body_object(r, json_root(r->doc), members, count, seen) : -EINVAL;
}

int body_read_if_any(struct body_reader *r, const struct body_member *members, size_t count,
                     u32 *seen)
{
    *seen = 0;
    return r->req->body_len == 0 ? 0 : body_read(r, members, count, seen);
}

/* The length of the word at `text`, and what follows its comma. */
static size_t word_length(const char *text, const char **next)
{
    size_t len = 0;

    while (text[len] && text[len] != ',')
        len++;
    *next = text + len;
    while (**next == ',' || **next == ' ')
        (*next)++;
    return len;
}

int body_word(struct body_reader *r, const struct json_node *node, const char *allowed, u32 *out)
{
    char text[32], pointer[96];
    const char *next;

    *out = 0;
    if (json_get_string(r->doc, node, text, sizeof(text)) == 0) {
        for (const char *word = allowed; *word; word = next, (*out)++) {
            size_t len = word_length(word, &next);

            if (strlen(text) == len && memcmp(text, word, len) == 0)
                return 0;
        }
    }
    json_pointer(r->doc, node, pointer, sizeof(pointer));
    json_excerpt(r->doc, node, text, sizeof(text));
    api_error(r->req, &(struct problem){.slug = "bad_value",
                                        .pointer = pointer,
                                        .got = text,
                                        .allowed = allowed,
                                        .detail = "This value is not one of those allowed.",
                                        .hint = "Use one of those allowed."});
    return -EINVAL;
}

int body_sha256(struct body_reader *r, const struct json_node *node, u8 out[SHA256_BYTES])
{
    char text[2 * SHA256_BYTES + 1];

    if (json_get_string(r->doc, node, text, sizeof(text)) == 0 &&
        hex_read_all(out, SHA256_BYTES, text))
        return 0;
    return body_bad(r, node, "This value must be a SHA-256, 64 hexadecimal digits.",
                    "sha256sum shows that of a file; of a certificate: openssl x509 -in cert.pem "
                    "-outform DER | sha256sum");
}
