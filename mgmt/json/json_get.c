/* SPDX-License-Identifier: BSD-2-Clause */
/* Values, strings and pointers out of a parsed JSON document. */
#include "mgmt/json/json.h"

#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/json/json_string.h"
#include "mgmt/json/utf8.h"

#define SURROGATE_HIGH_FIRST 0xd800u
#define SURROGATE_LOW_FIRST  0xdc00u
#define SURROGATE_LAST       0xdfffu

static bool hex4(const char *s, u32 *value)
{
    u8 bytes[2];

    if (!hex_read(bytes, sizeof(bytes), s))
        return false;
    *value = (u32)bytes[0] << 8 | bytes[1];
    return true;
}

/* \uXXXX, or two of them for a character above U+FFFF; *pos is behind the "\u". */
static bool unicode_escape(const char *text, u32 *pos, u32 end, u32 *character)
{
    u32 low;

    if (end - *pos < 4 || !hex4(text + *pos, character))
        return false;
    *pos += 4;
    if (*character < SURROGATE_HIGH_FIRST || *character > SURROGATE_LAST)
        return true;
    if (*character >= SURROGATE_LOW_FIRST || end - *pos < 6 || text[*pos] != '\\' ||
        text[*pos + 1] != 'u' || !hex4(text + *pos + 2, &low) || low < SURROGATE_LOW_FIRST ||
        low > SURROGATE_LAST)
        return false;
    *pos += 6;
    *character =
        0x10000 + ((*character - SURROGATE_HIGH_FIRST) << 10) + (low - SURROGATE_LOW_FIRST);
    return true;
}

static bool escape(const char *text, u32 *pos, u32 end, u32 *character)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (*pos >= end)
        return false;
    if (text[*pos] == 'u') {
        ++*pos;
        return unicode_escape(text, pos, end, character);
    }
    found = memchr(names, text[*pos], sizeof(names) - 1);
    if (!found)
        return false;
    ++*pos;
    *character = (u32)values[found - names];
    return true;
}

bool json_string_next(const char *text, u32 *pos, u32 end, u32 *character)
{
    static const u8 lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t bytes = utf8_char_bytes(text + *pos, end - *pos);

    if (bytes == 0 || (u8)text[*pos] < 0x20)
        return false;
    if (text[*pos] == '\\') {
        ++*pos;
        return escape(text, pos, end, character);
    }
    *character = (u8)text[*pos] & lead_mask[bytes];
    for (size_t i = 1; i < bytes; i++)
        *character = *character << 6 | ((u8)text[*pos + i] & 0x3fu);
    *pos += (u32)bytes;
    return true;
}

bool json_string_is_valid(const char *text, u32 start, u32 end)
{
    u32 character;

    while (start < end) {
        if (!json_string_next(text, &start, end, &character))
            return false;
    }
    return true;
}

bool json_key_is(const struct json_doc *doc, const struct json_node *key, const char *name)
{
    size_t len = strlen(name);

    return key->end - key->start == len && memcmp(doc->text + key->start, name, len) == 0;
}

int json_get_string(const struct json_doc *doc, const struct json_node *node, char *dst,
                    size_t size)
{
    u32 pos = node->start;
    size_t len = 0;

    if (node->type != JSON_STRING)
        return -EINVAL;
    while (pos < node->end) {
        char bytes[4];
        u32 character;
        size_t count;

        if (!json_string_next(doc->text, &pos, node->end, &character) || character == 0)
            return -EINVAL;
        count = utf8_encode(character, bytes);
        if (len + count >= size)
            return -ERANGE;
        memcpy(dst + len, bytes, count);
        len += count;
    }
    dst[len] = '\0';
    return 0;
}

int json_get_u64(const struct json_doc *doc, const struct json_node *node, u64 *out)
{
    u64 value = 0;

    if (node->type != JSON_NUMBER)
        return -EINVAL;
    if (doc->text[node->start] == '-')
        return -ERANGE;
    for (u32 i = node->start; i < node->end; i++) {
        char c = doc->text[i];

        if (c < '0' || c > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (u64)(c - '0'), &value))
            return -ERANGE;
    }
    *out = value;
    return 0;
}

int json_get_bool(const struct json_doc *doc, const struct json_node *node, bool *out)
{
    if (node->type != JSON_BOOL)
        return -EINVAL;
    *out = doc->text[node->start] == 't';
    return 0;
}

/* Appends text with the pointer's own escapes: ~ is ~0, / is ~1. */
static void pointer_append(const struct json_doc *doc, const struct json_node *key, char *dst,
                           size_t size)
{
    size_t len = strlen(dst);

    for (u32 i = key->start; i < key->end && len + 3 < size; i++) {
        char c = doc->text[i];

        if (c == '~' || c == '/') {
            dst[len++] = '~';
            dst[len++] = c == '~' ? '0' : '1';
        } else {
            dst[len++] = c;
        }
    }
    dst[len] = '\0';
}

void json_pointer(const struct json_doc *doc, const struct json_node *node, char *dst, size_t size)
{
    const struct json_node *path[2 * JSON_DEPTH_MAX + 2];
    u32 depth = 0;

    dst[0] = '\0';
    for (const struct json_node *n = node; n != json_root(doc); n = &doc->nodes[n->parent])
        path[depth++] = n;
    while (depth > 0) {
        const struct json_node *step = path[--depth];
        const struct json_node *parent = &doc->nodes[step->parent];
        size_t len = strlen(dst);
        u32 index = 0;

        if (parent->type != JSON_OBJECT && parent->type != JSON_ARRAY)
            continue; /* a value: its key has been written */
        if (len + 4 >= size)
            return;
        if (parent->type == JSON_OBJECT) {
            ksnprintf(dst + len, size - len, "/");
            pointer_append(doc, step, dst, size);
            continue;
        }
        for (const struct json_node *n = json_first(doc, parent); n != step; n = json_next(doc, n))
            index++;
        ksnprintf(dst + len, size - len, "/%u", index);
    }
}

void json_excerpt(const struct json_doc *doc, const struct json_node *node, char *dst, size_t size)
{
    u32 quote = node->type == JSON_STRING;
    size_t len = MIN(node->end - node->start + 2 * quote, (u32)size - 1);

    memcpy(dst, doc->text + node->start - quote, len);
    dst[len] = '\0';
}
