/* SPDX-License-Identifier: BSD-2-Clause */
/* URLs and redirects. */
#include "mgmt/http/url.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"

#define HTTP_PORT  80u
#define HTTPS_PORT 443u

/* The end of the part that begins here and ends before one of these characters. */
static const char *part_end(const char *text, const char *stops)
{
    while (*text && !strchr(stops, *text))
        text++;
    return text;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Return: what follows the prefix, whose letters are lower case; NULL: it is another. */
static const char *skip(const char *text, const char *prefix)
{
    for (; *prefix; text++, prefix++) {
        if (lower(*text) != *prefix)
            return NULL;
    }
    return text;
}

/* Nothing that could end a line of the request or confuse who reads the log. */
static bool is_plain(const char *text)
{
    size_t len = 0;

    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || ++len > URL_MAX)
            return false;
    }
    return true;
}

static bool take_port(const char *text, const char *end, u16 *port)
{
    u32 value = 0;

    if (text == end)
        return true; /* "host:" means the usual one */
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (u32)(*text - '0');
        if (value > 65535)
            return false;
    }
    *port = (u16)value;
    return value > 0;
}

static bool host_is_valid(const char *host, size_t len, bool is_v6)
{
    for (size_t i = 0; i < len; i++) {
        char c = lower(host[i]);

        if (!(c >= 'a' && c <= (is_v6 ? 'f' : 'z')) && !(c >= '0' && c <= '9') && c != '.' &&
            c != (is_v6 ? ':' : '-'))
            return false;
    }
    return len > 0 && len <= URL_HOST_MAX;
}

/* "host", "host:port" or "[address]:port". */
static int take_authority(const char *text, const char *end, struct url *out, const char **why)
{
    bool is_v6 = *text == '[';
    const char *host = is_v6 ? text + 1 : text;
    const char *host_end = part_end(host, is_v6 ? "]" : ":/?#");
    const char *after = host_end + is_v6;

    *why = "The URL has a user name or a password in it, which tasks and logs would show.";
    for (const char *c = text; c < end; c++) {
        if (*c == '@')
            return -EINVAL;
    }
    *why = "The URL's host is no name and no address.";
    if (host_end > end || (is_v6 && *host_end != ']') ||
        !host_is_valid(host, (size_t)(host_end - host), is_v6))
        return -EINVAL;
    memcpy(out->host, host, (size_t)(host_end - host));
    out->host[host_end - host] = '\0';
    out->port = out->is_https ? HTTPS_PORT : HTTP_PORT;
    *why = "The URL's port is no number from 1 to 65535.";
    if (after < end && (*after != ':' || !take_port(after + 1, end, &out->port)))
        return -EINVAL;
    return 0;
}

/* Path and query behind a prefix of `dir`; a fragment is not the server's business. */
static int take_target(const char *dir, size_t dir_len, const char *text, struct url *out,
                       const char **why)
{
    size_t len = (size_t)(part_end(text, "#") - text);

    *why = "The URL is longer than 2047 characters.";
    if (dir_len + len > URL_MAX)
        return -EINVAL;
    memmove(out->target, dir, dir_len);
    memcpy(out->target + dir_len, text, len);
    out->target[dir_len + len] = '\0';
    return 0;
}

/* What follows "scheme://". */
static int take_rest(const char *text, struct url *out, const char **why)
{
    const char *end = part_end(text, "/?#");
    int rc = take_authority(text, end, out, why);

    return rc ? rc : take_target("/", *end != '/', end, out, why);
}

int url_parse(const char *text, struct url *out, const char **why)
{
    const char *rest = skip(text, "https://");

    *why = "The URL has characters that must be escaped as %XX, or more than 2047 of them.";
    if (!is_plain(text))
        return -EINVAL;
    out->is_https = rest != NULL;
    if (!rest)
        rest = skip(text, "http://");
    *why = "The URL does not begin with http:// or https://.";
    return rest ? take_rest(rest, out, why) : -EINVAL;
}

/* True if it names a scheme: letters, digits and "+-." before a colon. */
static bool has_scheme(const char *text)
{
    const char *end = part_end(text, ":/?#");

    return *end == ':';
}

/* What stands for a part of the URL it is in. */
static int follow_part(const struct url *from, const char *location, struct url *out,
                       const char **why)
{
    const char *path_end = part_end(from->target, "?");
    size_t dir = (size_t)(path_end - from->target);

    *out = *from;
    if (location[0] == '/' && location[1] == '/')
        return take_rest(location + 2, out, why);
    if (location[0] == '/')
        return take_target("", 0, location, out, why);
    if (location[0] != '?') {
        while (dir > 0 && from->target[dir - 1] != '/')
            dir--;
    }
    return take_target(from->target, dir, location, out, why);
}

int url_follow(const struct url *from, const char *location, struct url *out, const char **why)
{
    int rc;

    *why = "The server's redirect has no valid URL.";
    if (!is_plain(location) || location[0] == '\0' || location[0] == '#')
        return -EINVAL;
    rc = has_scheme(location) ? url_parse(location, out, why)
                              : follow_part(from, location, out, why);
    if (rc)
        return rc;
    *why = "The server's redirect leads from https:// to http://, which is not followed.";
    return from->is_https && !out->is_https ? -EPERM : 0;
}

size_t url_request(const struct url *url, char *dst, size_t size)
{
    bool is_v6 = strchr(url->host, ':') != NULL;
    char port[8] = "";
    size_t len;

    if (url->port != (url->is_https ? HTTPS_PORT : HTTP_PORT))
        ksnprintf(port, sizeof(port), ":%u", url->port);
    len = ksnprintf(dst, size,
                    "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUser-Agent: socle\r\nAccept: */*\r\n"
                    "Accept-Encoding: identity\r\nConnection: close\r\n\r\n",
                    url->target, is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", port);
    return len < size ? len : 0;
}
