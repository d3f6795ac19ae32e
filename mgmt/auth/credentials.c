/* SPDX-License-Identifier: BSD-2-Clause */
/* The header Authorization. */
#include "mgmt/auth/credentials.h"

#include "core/lib/base64.h"
#include "core/lib/string.h"

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
    size_t len = base64_read((u8 *)out->text, BASIC_MAX, &text);
    char *colon;

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
