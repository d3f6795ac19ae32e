/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/nat/dns.c drivers/net/inet.c */
/* Any bytes as a DNS message: refused, or its question lies in it and its name is text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/net/nat/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dns_result result = {.code = DNS_NO_ERROR, .address = {.hi = 1}};
    char name[DNS_NAME_MAX + 1];
    struct dns_question question;
    u32 before, bytes;
    u8 *copy;

    if (dns_parse_reply(data, (u32)size, &question) == 0)
        demand(question.bytes + question.length <= data + size);
    if (dns_parse_query(data, (u32)size, &question, name))
        return 0;
    demand(question.bytes + question.length <= data + size && strlen(name) <= DNS_NAME_MAX);
    if (dns_is_local(name, "default", &before))
        demand(before < strlen(name));
    bytes = 12 + question.length;
    copy = malloc(bytes + DNS_REPLY_EXTRA_MAX);
    memcpy(copy, data, bytes);
    question.bytes = copy + 12;
    demand(dns_build_reply(copy, &question, &result) == bytes + DNS_REPLY_EXTRA_MAX);
    demand(dns_parse_reply(copy, bytes + DNS_REPLY_EXTRA_MAX, &question) == 0);
    free(copy);
    return 0;
}
