/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entity tags (RFC 9110, 8.8.3): a number for each state of a resource, as sixteen digits at most
 * in quotes. Ours are strong: they say nothing of counters, which are in no comparison a client
 * makes.
 */
#ifndef SOCLE_MGMT_ETAG_H
#define SOCLE_MGMT_ETAG_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define ETAG_TEXT_MAX 20u /* with its quotes and end */

/* Return: never 0, which is the tag of what has none. */
u64 etag_digest(const void *data, size_t len);

/* Writes the tag in its quotes. Returns dst. */
const char *etag_text(u64 etag, char dst[ETAG_TEXT_MAX]);

/*
 * True if the value of If-Match or If-None-Match names the tag, or is "*". takes_weak: W/"x" is x
 * (If-None-Match: RFC 9110, 13.1.2). What is malformed names nothing.
 */
bool etag_listed(const char *list, u64 etag, bool takes_weak);

#endif
