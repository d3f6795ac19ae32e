/* SPDX-License-Identifier: BSD-2-Clause */
/* Members of an object, chosen and compared in its text. */
#include "mgmt/json/json_members.h"

#include "core/lib/string.h"

/* A piece of the text. */
struct piece {
    const char *at;
    size_t len;
};

/* Behind the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at < end ? at + 1 : end;
}

/* Behind the value that begins at `at`. */
static const char *skip_value(const char *at, const char *end)
{
    u32 depth = 0;

    while (at < end) {
        if (depth == 0 && (*at == ',' || *at == '}' || *at == ']'))
            return at;
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    }
    return end;
}

/* Walks "name":value pairs; *at begins behind the brace. Return: false at the end. */
static bool next_member(const char **at, const char *end, struct piece *name, struct piece *value)
{
    const char *from = *at < end && **at == ',' ? *at + 1 : *at;

    if (from >= end || *from != '"')
        return false;
    *at = skip_string(from, end);
    *name = (struct piece){from + 1, (size_t)(*at - from) - 2};
    from = *at + 1; /* behind the colon */
    *at = skip_value(from, end);
    *value = (struct piece){from, (size_t)(*at - from)};
    return true;
}

static bool piece_is(struct piece piece, const char *text)
{
    return strlen(text) == piece.len && memcmp(piece.at, text, piece.len) == 0;
}

static bool is_listed(struct piece name, const char *list)
{
    while (*list) {
        size_t len = 0;

        while (list[len] && list[len] != ',')
            len++;
        if (len == name.len && memcmp(list, name.at, len) == 0)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

size_t json_members_keep(char *object, size_t len, const char *wanted)
{
    const char *at = object + 1, *end = object + len;
    struct piece name, value;
    char *to = object + 1;

    while (next_member(&at, end, &name, &value)) {
        size_t bytes = (size_t)(value.at + value.len - name.at) + 1;

        if (!is_listed(name, wanted))
            continue;
        if (to != object + 1)
            *to++ = ',';
        memmove(to, name.at - 1, bytes);
        to += bytes;
    }
    *to++ = '}';
    return (size_t)(to - object);
}

static bool string_is(struct piece value, const char *text)
{
    return value.len >= 2 && value.at[0] == '"' &&
           piece_is((struct piece){value.at + 1, value.len - 2}, text);
}

static bool value_matches(struct piece value, const char *text)
{
    const char *at = value.at + 1, *end = value.at + value.len;

    if (value.len == 0 || value.at[0] != '[')
        return string_is(value, text) || piece_is(value, text);
    while (at < end && *at != ']') {
        const char *from = at;

        at = skip_value(at, end);
        if (string_is((struct piece){from, (size_t)(at - from)}, text))
            return true;
        at += at < end && *at == ',';
    }
    return false;
}

bool json_members_match(const char *object, size_t len, const char *name, const char *value)
{
    const char *at = object + 1, *end = object + len;
    struct piece is_name, is_value;

    while (next_member(&at, end, &is_name, &is_value)) {
        if (piece_is(is_name, name))
            return value_matches(is_value, value);
    }
    return false;
}
