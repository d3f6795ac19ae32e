/* SPDX-License-Identifier: BSD-2-Clause */
/* The preference `wait` among others. Spec: RFC 7240, 2 and 4.3. */
#include "mgmt/api/prefer.h"

#include "core/lib/string.h"

/* True if it begins with that name, in whatever case; *at is then behind it. */
static bool take_name(const char **at, const char *name)
{
    const char *from = *at;

    for (; *name; name++, from++) {
        char c = *from >= 'A' && *from <= 'Z' ? (char)(*from + 32) : *from;

        if (c != *name)
            return false;
    }
    *at = from;
    return true;
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* "=30", or "= \"30\"", and nothing else in this preference but its parameters. */
static u32 take_seconds(const char *at)
{
    u32 seconds = 0;
    bool is_quoted;
    const char *from;

    at = skip_blanks(at);
    if (*at != '=')
        return 0;
    at = skip_blanks(at + 1);
    is_quoted = *at == '"';
    from = at += is_quoted;
    for (; *at >= '0' && *at <= '9'; at++)
        seconds = MIN(seconds * 10 + (u32)(*at - '0'), PREFER_WAIT_S_MAX);
    if (at == from || (is_quoted && *at++ != '"'))
        return 0;
    at = skip_blanks(at);
    return *at == '\0' || *at == ',' || *at == ';' ? seconds : 0;
}

u32 prefer_wait_s(const char *header)
{
    for (const char *at = header; at; at = strchr(at, ',')) {
        at = skip_blanks(at + (*at == ','));
        if (take_name(&at, "wait"))
            return take_seconds(at);
    }
    return 0;
}
