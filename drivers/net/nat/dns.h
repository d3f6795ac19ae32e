/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages: the one question of a query, and short replies. Spec: RFC 1035 4. */
#ifndef SOCLE_NET_NAT_DNS_H
#define SOCLE_NET_NAT_DNS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/inet_address.h"

#define DNS_NAME_MAX        253u /* as text */
#define DNS_TYPE_A          1u
#define DNS_TYPE_AAAA       28u
#define DNS_CLASS_IN        1u
#define DNS_NO_ERROR        0u
#define DNS_SERVER_FAILURE  2u
#define DNS_NAME_ERROR      3u
#define DNS_REPLY_EXTRA_MAX 28u /* bytes a reply may have more than the query's question */

/* The question in a message: name, type, class. Borrows from the message. */
struct dns_question {
    const u8 *bytes;
    u32 length;
    u16 type, class;
};

struct dns_result {
    u8 code;                     /* DNS_… */
    struct inet_address address; /* none: no answer */
};

/*
 * Reads a standard query with one question; its name as text goes to `name`.
 * Return: 0; -EPROTO: anything else, malformed, or a name with bytes that are no text.
 */
int dns_parse_query(const u8 *message, u32 bytes, struct dns_question *out,
                    char name[DNS_NAME_MAX + 1]) must_check;

/* Reads the question of a reply. Return: 0; -EPROTO. */
int dns_parse_reply(const u8 *message, u32 bytes, struct dns_question *out) must_check;

/* True if the name lies in <network>.internal; the length of what stands before that. */
bool dns_is_local(const char *name, const char *network, u32 *before);

/*
 * Turns the query, in place, into a reply of its header, its question and an address.
 * Return: its length, at most what header and question have and DNS_REPLY_EXTRA_MAX.
 */
u32 dns_build_reply(u8 *message, const struct dns_question *question,
                    const struct dns_result *result);

/* Leaves of a reply what says that it was longer. Return: its length. */
u32 dns_truncate(u8 *message, const struct dns_question *question);

#endif
