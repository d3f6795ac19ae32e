/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JSON reader.
 *
 * Three passes over a text of bounded length: jsmn splits it into tokens; the tokens become nodes
 * linked as a tree; verify_value() walks text and tree side by side and accepts exactly RFC 8259,
 * for jsmn alone also takes missing commas, bare words and broken UTF-8. Recursion is bounded by
 * JSON_DEPTH_MAX.
 */
#include "mgmt/json/json.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/json/json_string.h"

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

static int fail(struct json_doc *doc, int rc, u32 offset, const char *error)
{
    doc->error = error;
    doc->error_offset = offset;
    return rc;
}

static enum json_type primitive_type(char first)
{
    if (first == 't' || first == 'f')
        return JSON_BOOL;
    return first == 'n' ? JSON_NULL : JSON_NUMBER;
}

/* Tokens come in document order, so a parent's node exists before its children's. */
static int build_nodes(struct json_doc *doc, const jsmntok_t *tokens, u32 count)
{
    static u16 last_child[JSON_NODES_MAX]; /* one thread parses */

    for (u32 i = 0; i < count; i++) {
        struct json_node *node = &doc->nodes[i];
        u32 parent = tokens[i].parent < 0 ? 0 : (u32)tokens[i].parent;

        *node = (struct json_node){.start = (u32)tokens[i].start, .end = (u32)tokens[i].end};
        last_child[i] = 0;
        if (tokens[i].type == JSMN_OBJECT)
            node->type = JSON_OBJECT;
        else if (tokens[i].type == JSMN_ARRAY)
            node->type = JSON_ARRAY;
        else if (tokens[i].type == JSMN_STRING)
            node->type = JSON_STRING;
        else
            node->type = (u8)primitive_type(doc->text[node->start]);
        if (i == 0)
            continue;
        if (tokens[i].parent < 0)
            return fail(doc, -EINVAL, node->start, "text after the end of the value");
        node->parent = (u16)parent;
        node->depth = (u8)(doc->nodes[parent].depth + (doc->nodes[parent].type <= JSON_ARRAY));
        if (node->depth > JSON_DEPTH_MAX)
            return fail(doc, -E2BIG, node->start, "nested too deeply");
        if (last_child[parent])
            doc->nodes[last_child[parent]].next = (u16)i;
        else
            doc->nodes[parent].first = (u16)i;
        last_child[parent] = (u16)i;
    }
    doc->count = count;
    return 0;
}

static u32 skip_space(const struct json_doc *doc, u32 pos)
{
    while (pos < doc->len && (doc->text[pos] == ' ' || doc->text[pos] == '\t' ||
                              doc->text[pos] == '\n' || doc->text[pos] == '\r'))
        pos++;
    return pos;
}

/* Takes white space and the character c. */
static bool take(const struct json_doc *doc, u32 *pos, char c)
{
    *pos = skip_space(doc, *pos);
    if (*pos >= doc->len || doc->text[*pos] != c)
        return false;
    ++*pos;
    return true;
}

static u32 take_digits(const char *s, u32 i, u32 end)
{
    while (i < end && s[i] >= '0' && s[i] <= '9')
        i++;
    return i;
}

static bool number_is_valid(const char *s, u32 i, u32 end)
{
    u32 from;

    if (i < end && s[i] == '-')
        i++;
    from = i;
    i = take_digits(s, i, end);
    if (i == from || (s[from] == '0' && i != from + 1))
        return false;
    if (i < end && s[i] == '.') {
        from = ++i;
        i = take_digits(s, i, end);
        if (i == from)
            return false;
    }
    if (i < end && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < end && (s[i] == '+' || s[i] == '-'))
            i++;
        from = i;
        i = take_digits(s, i, end);
        if (i == from)
            return false;
    }
    return i == end;
}

static bool word_is(const struct json_doc *doc, const struct json_node *node, const char *word)
{
    size_t len = strlen(word);

    return node->end - node->start == len && memcmp(doc->text + node->start, word, len) == 0;
}

static int verify_scalar(struct json_doc *doc, const struct json_node *node, u32 *pos)
{
    bool ok;

    *pos = node->end;
    switch (node->type) {
    case JSON_STRING:
        ++*pos; /* the closing quote, which jsmn has seen */
        return json_string_is_valid(doc->text, node->start, node->end)
                   ? 0
                   : fail(doc, -EINVAL, node->start,
                          "a string with a bad escape, control character or UTF-8 sequence");
    case JSON_NUMBER:
        ok = number_is_valid(doc->text, node->start, node->end);
        break;
    case JSON_BOOL:
        ok = word_is(doc, node, "true") || word_is(doc, node, "false");
        break;
    default:
        ok = word_is(doc, node, "null");
        break;
    }
    return ok ? 0 : fail(doc, -EINVAL, node->start, "neither a number nor true, false or null");
}

static bool keys_are_equal(const struct json_doc *doc, const struct json_node *a,
                           const struct json_node *b)
{
    u32 i = a->start, j = b->start;
    u32 c, d;

    while (i < a->end && j < b->end) {
        if (!json_string_next(doc->text, &i, a->end, &c) ||
            !json_string_next(doc->text, &j, b->end, &d) || c != d)
            return false;
    }
    return i == a->end && j == b->end;
}

/* The key of an object's member: a string, followed by a colon, not seen before in this object. */
static int verify_key(struct json_doc *doc, const struct json_node *object,
                      const struct json_node *key, u32 *pos)
{
    const struct json_node *other = json_first(doc, object);

    *pos = skip_space(doc, *pos);
    if (key->type != JSON_STRING || *pos + 1 != key->start || !key->first)
        return fail(doc, -EINVAL, key->start, "a member needs a string, a colon and a value");
    if (verify_scalar(doc, key, pos))
        return -EINVAL;
    for (; other != key; other = json_next(doc, other)) {
        if (keys_are_equal(doc, other, key))
            return fail(doc, -EINVAL, key->start, "the same key twice in one object");
    }
    return take(doc, pos, ':') ? 0 : fail(doc, -EINVAL, *pos, "a colon is missing");
}

static int verify_value(struct json_doc *doc, const struct json_node *node, u32 *pos);

static int verify_container(struct json_doc *doc, const struct json_node *node, u32 *pos)
{
    bool is_object = node->type == JSON_OBJECT;
    const struct json_node *first = json_first(doc, node);

    *pos = node->start + 1;
    for (const struct json_node *c = first; c; c = json_next(doc, c)) {
        const struct json_node *value = is_object ? json_first(doc, c) : c;

        if (c != first && !take(doc, pos, ','))
            return fail(doc, -EINVAL, *pos, "a comma is missing");
        if (is_object && verify_key(doc, node, c, pos))
            return -EINVAL;
        if (verify_value(doc, value, pos))
            return -EINVAL;
    }
    if (!take(doc, pos, is_object ? '}' : ']') || *pos != node->end)
        return fail(doc, -EINVAL, *pos, "something else where the object or array should end");
    return 0;
}

static int verify_value(struct json_doc *doc, const struct json_node *node, u32 *pos)
{
    u32 quote = node->type == JSON_STRING;

    *pos = skip_space(doc, *pos);
    if (*pos + quote != node->start)
        return fail(doc, -EINVAL, *pos, "something unexpected before a value");
    if (node->type == JSON_OBJECT || node->type == JSON_ARRAY)
        return verify_container(doc, node, pos);
    return verify_scalar(doc, node, pos);
}

int json_parse(struct json_doc *doc, const char *text, size_t len)
{
    static jsmntok_t tokens[JSON_NODES_MAX]; /* one thread parses */
    jsmn_parser parser;
    u32 pos = 0;
    int count;
    int rc;

    doc->text = text;
    doc->len = (u32)len;
    doc->count = 0;
    if (len > JSON_TEXT_MAX)
        return fail(doc, -E2BIG, 0, "too long");
    jsmn_init(&parser);
    count = jsmn_parse(&parser, text, len, tokens, JSON_NODES_MAX);
    if (count == JSMN_ERROR_NOMEM)
        return fail(doc, -E2BIG, parser.pos, "more than 512 values");
    if (count == JSMN_ERROR_PART || count == 0)
        return fail(doc, -EINVAL, (u32)len, "the text ends too early");
    if (count < 0)
        return fail(doc, -EINVAL, parser.pos, "an unexpected character");
    rc = build_nodes(doc, tokens, (u32)count);
    if (rc)
        return rc;
    rc = verify_value(doc, &doc->nodes[0], &pos);
    if (rc)
        return rc;
    if (skip_space(doc, pos) != doc->len)
        return fail(doc, -EINVAL, pos, "text after the end of the value");
    return 0;
}

const struct json_node *json_root(const struct json_doc *doc)
{
    return &doc->nodes[0];
}

const struct json_node *json_first(const struct json_doc *doc, const struct json_node *node)
{
    return node->first ? &doc->nodes[node->first] : NULL;
}

const struct json_node *json_next(const struct json_doc *doc, const struct json_node *node)
{
    return node->next ? &doc->nodes[node->next] : NULL;
}
