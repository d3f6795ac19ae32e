/* SPDX-License-Identifier: BSD-2-Clause */
/* Matching of methods and paths. */
#include "mgmt/http/router.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"

static const char *const verb_names[] = {
    [VERB_GET] = "GET",     [VERB_HEAD] = "HEAD",     [VERB_PUT] = "PUT",
    [VERB_POST] = "POST",   [VERB_DELETE] = "DELETE", [VERB_OPTIONS] = "OPTIONS",
    [VERB_PATCH] = "PATCH",
};

const char *verb_text(enum http_verb verb)
{
    return verb < ARRAY_SIZE(verb_names) ? verb_names[verb] : "other";
}

/* The length of the segment at s. */
static size_t segment_length(const char *s)
{
    size_t len = 0;

    while (s[len] && s[len] != '/')
        len++;
    return len;
}

/* True if one is at its end and the other at a slash before it. */
static bool is_slash_apart(const char *a, const char *b)
{
    return a[0] == '\0' && b[0] == '/' && b[1] == '\0';
}

/* A "{name}" takes any non-empty segment, remembered by offset; a slash at the end makes no
 * difference. */
static bool path_matches(const char *pattern, const char *path, u32 offsets[ROUTE_PARAMS_MAX],
                         u32 *count)
{
    const char *start = path;

    *count = 0;
    for (;;) {
        if (*pattern == '{') {
            size_t have = segment_length(path);

            if (have == 0 || *count == ROUTE_PARAMS_MAX)
                return false;
            offsets[(*count)++] = (u32)(path - start);
            path += have;
            pattern += segment_length(pattern);
        } else if (*pattern != *path) {
            return is_slash_apart(pattern, path) || is_slash_apart(path, pattern);
        } else if (*pattern == '\0') {
            return true;
        } else {
            pattern++;
            path++;
        }
    }
}

static void keep_params(struct route_match *match, const char *path,
                        const u32 offsets[ROUTE_PARAMS_MAX], u32 count)
{
    (void)str_copy(match->text, sizeof(match->text), path);
    for (u32 i = 0; i < count; i++) {
        char *param = match->text + offsets[i];

        match->params[i] = param;
        param[segment_length(param)] = '\0';
    }
    match->param_count = count;
}

void router_match(const struct route *routes, u32 count, enum http_verb verb, const char *path,
                  struct route_match *match)
{
    enum http_verb wanted = verb == VERB_HEAD ? VERB_GET : verb;
    u32 offsets[ROUTE_PARAMS_MAX];
    u32 params;

    match->route = NULL;
    match->allowed = 0;
    match->param_count = 0;
    for (u32 i = 0; i < count; i++) {
        if (!path_matches(routes[i].path, path, offsets, &params))
            continue;
        match->allowed |= 1u << routes[i].verb;
        if (routes[i].verb != wanted)
            continue;
        match->route = &routes[i];
        keep_params(match, path, offsets, params);
    }
}

bool route_has_query(const struct route *route, const char *name)
{
    size_t len = strlen(name);
    const char *at = route->query;

    if (len == 0)
        return false;
    while ((at = strstr(at, name)) != NULL) {
        bool starts = at == route->query || at[-1] == ' ';

        if (starts && (at[len] == '\0' || at[len] == ' '))
            return true;
        at += len;
    }
    return false;
}

const char *router_allow_text(u32 allowed, char *dst, size_t size)
{
    size_t len = 0;

    if (allowed & (1u << VERB_GET))
        allowed |= 1u << VERB_HEAD;
    allowed |= 1u << VERB_OPTIONS;
    dst[0] = '\0';
    for (u32 i = 0; i < ARRAY_SIZE(verb_names) && len < size; i++) {
        if (allowed & (1u << i))
            len += ksnprintf(dst + len, size - len, "%s%s", len ? ", " : "", verb_names[i]);
    }
    return dst;
}
