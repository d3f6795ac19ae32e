/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS messages as bytes. */
#include "drivers/net/nat/dns.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"

/* Spec: RFC 1035 4.1.1 "Header section format". */
#define HEADER_BYTES   12u
#define FLAGS_AT       2u
#define QDCOUNT_AT     4u
#define FLAG_QR        0x8000u
#define FLAG_AA        0x0400u
#define FLAG_TC        0x0200u
#define FLAG_RD        0x0100u
#define FLAG_RA        0x0080u
#define OPCODE_MASK    0x7800u
#define NAME_BYTES_MAX 255u
#define LABEL_MAX      63u
#define TTL_S          30u

static const char domain[] = ".internal";

/* The question section's end, or 0: the name is too long, compressed, or cut off. */
static u32 question_end(const u8 *message, u32 bytes)
{
    u32 at = HEADER_BYTES;

    while (at < bytes && message[at] != 0) {
        if (message[at] > LABEL_MAX)
            return 0;
        at += 1u + message[at];
    }
    if (at + 5 > bytes || at + 1 - HEADER_BYTES > NAME_BYTES_MAX)
        return 0;
    return at + 5;
}

static int parse_question(const u8 *message, u32 bytes, struct dns_question *out)
{
    u32 end;

    if (bytes < HEADER_BYTES || inet_load16(message + QDCOUNT_AT) != 1)
        return -EPROTO;
    end = question_end(message, bytes);
    if (end == 0)
        return -EPROTO;
    *out = (struct dns_question){
        .bytes = message + HEADER_BYTES,
        .length = end - HEADER_BYTES,
        .type = inet_load16(message + end - 4),
        .class = inet_load16(message + end - 2),
    };
    return 0;
}

/* Labels as text; a dot or a zero inside of one would make two names look the same. */
static int name_to_text(const struct dns_question *question, char name[DNS_NAME_MAX + 1])
{
    const u8 *label = question->bytes;
    u32 length = 0;

    while (*label != 0) {
        if (length != 0)
            name[length++] = '.';
        for (u32 i = 1; i <= *label; i++) {
            if (label[i] == '.' || label[i] == 0)
                return -EPROTO;
            name[length++] = (char)label[i];
        }
        label += 1u + *label;
    }
    name[length] = '\0';
    return 0;
}

int dns_parse_query(const u8 *message, u32 bytes, struct dns_question *out,
                    char name[DNS_NAME_MAX + 1])
{
    int rc = parse_question(message, bytes, out);

    if (rc)
        return rc;
    if ((inet_load16(message + FLAGS_AT) & (FLAG_QR | OPCODE_MASK)) != 0)
        return -EPROTO;
    return name_to_text(out, name);
}

int dns_parse_reply(const u8 *message, u32 bytes, struct dns_question *out)
{
    int rc = parse_question(message, bytes, out);

    if (rc)
        return rc;
    return (inet_load16(message + FLAGS_AT) & FLAG_QR) != 0 ? 0 : -EPROTO;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Takes `suffix` off the end of the text. */
static bool strip(const char *text, u32 *length, const char *suffix)
{
    u32 bytes = (u32)strlen(suffix);

    if (*length < bytes)
        return false;
    for (u32 i = 0; i < bytes; i++)
        if (lower(text[*length - bytes + i]) != lower(suffix[i]))
            return false;
    *length -= bytes;
    return true;
}

bool dns_is_local(const char *name, const char *network, u32 *before)
{
    *before = (u32)strlen(name);
    if (!strip(name, before, domain) || !strip(name, before, network))
        return false;
    return *before == 0 || strip(name, before, ".");
}

/* Return: its length. */
static u32 put_answer(u8 *at, struct inet_address address)
{
    bool is_v4 = inet_is_v4(address);
    u32 bytes = is_v4 ? 4 : 16;

    inet_store16(at, 0xc000 | HEADER_BYTES); /* the question's name */
    inet_store16(at + 2, is_v4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
    inet_store16(at + 4, DNS_CLASS_IN);
    inet_store32(at + 6, TTL_S);
    inet_store16(at + 10, (u16)bytes);
    if (is_v4) {
        inet_store32(at + 12, inet_v4_of(address));
    } else {
        inet_store64(at + 12, address.hi);
        inet_store64(at + 20, address.lo);
    }
    return 12 + bytes;
}

u32 dns_build_reply(u8 *message, const struct dns_question *question,
                    const struct dns_result *result)
{
    u16 flags = inet_load16(message + FLAGS_AT);
    u32 at = HEADER_BYTES + question->length;

    inet_store16(message + FLAGS_AT,
                 (u16)(FLAG_QR | FLAG_AA | FLAG_RA | (flags & FLAG_RD) | result->code));
    memset(message + QDCOUNT_AT, 0, HEADER_BYTES - QDCOUNT_AT);
    inet_store16(message + QDCOUNT_AT, 1);
    if (inet_is_none(result->address))
        return at;
    inet_store16(message + QDCOUNT_AT + 2, 1);
    return at + put_answer(message + at, result->address);
}

u32 dns_truncate(u8 *message, const struct dns_question *question)
{
    inet_store16(message + FLAGS_AT, inet_load16(message + FLAGS_AT) | FLAG_TC);
    memset(message + QDCOUNT_AT + 2, 0, HEADER_BYTES - QDCOUNT_AT - 2);
    return HEADER_BYTES + question->length;
}
