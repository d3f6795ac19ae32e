/* SPDX-License-Identifier: BSD-2-Clause */
/* The header Authorization. */
#include "mgmt/auth/credentials.h"

#include "core/lib/string.h"
#include "mgmt/tls/base64.h"

const char *credentials_of(const char *header, const char *scheme)
{
    for (; *scheme; scheme++, header++) {
        char c = *header >= 'A' && *header <= 'Z' ? (char)(*header + 32) : *header;

        if (c != *scheme)
            return NULL;
    }
    if (*header != ' ')
        return NULL;
    while (*header == ' ')
        header++;
    return header;
}

bool credentials_basic(const char *text, struct credentials_basic *out)
{
    u32 bits = 0, count = 0, len = 0;
    char *colon;

    for (; base64_digit(*text) >= 0; text++) {
        bits = bits << 6 | (u32)base64_digit(*text);
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        if (len == BASIC_MAX)
            return false;
        out->text[len++] = (char)(bits >> count);
    }
    while (*text == '=')
        text++;
    out->text[len] = '\0';
    colon = strchr(out->text, ':');
    if (*text != '\0' || strlen(out->text) != len || !colon)
        return false;
    *colon = '\0';
    out->name = out->text;
    out->password = colon + 1;
    return true;
}
