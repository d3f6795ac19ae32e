/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URLs with http:// or https://, taken apart, and where redirects lead. Pure.
 *
 * Names and passwords before the host are refused: they would be shown by tasks and logs.
 */
#ifndef SOCLE_MGMT_URL_H
#define SOCLE_MGMT_URL_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define URL_MAX       2047u /* characters of one */
#define URL_HOST_MAX  253u
#define REDIRECTS_MAX 5u

struct url {
    bool is_https;
    u16 port;
    char host[URL_HOST_MAX + 1]; /* a name or an address; of IPv6 without brackets */
    char target[URL_MAX + 1];    /* path and query, as a request has them */
};

/* Return: 0; -EINVAL with *why a sentence. Spec: RFC 3986 3 "Syntax Components". */
int url_parse(const char *text, struct url *out, const char **why) must_check;

/*
 * Where a redirect leads: location is a URL, or what stands for a part of one. From https:// never
 * to http://. Return: 0; -EINVAL, -EPERM with *why a sentence. Spec: RFC 3986 5.2 "Relative
 * Resolution"; dots in paths are left to the server.
 */
int url_follow(const struct url *from, const char *location, struct url *out,
               const char **why) must_check;

/* The request of its bytes as they are, in HTTP/1.1. Return: its length; 0: it does not fit. */
size_t url_request(const struct url *url, char *dst, size_t size);

#endif
