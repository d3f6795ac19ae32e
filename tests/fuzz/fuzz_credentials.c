/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/auth/credentials.c mgmt/auth/token.c mgmt/auth/role.c
 * core/lib/base64.c core/lib/hex.c core/lib/str.c core/lib/sha256.c core/lib/printf.c
 */
/*
 * Any text as the header Authorization: the schemes exclude each other, what is taken as a name and
 * a password is what base64 of them gives, and only the one right token lets in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/auth/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KNOWN "socle1.known.00112233445566778899aabbccddeeff"

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

/* Encodes again what was decoded: all but padding and unused bits must be what came. */
static void check_basic(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct credentials_basic basic;
    size_t name, len;

    memset(&basic, 0xa5, sizeof(basic));
    if (!credentials_basic(text, &basic))
        return;
    name = strlen(basic.name);
    len = name + 1 + strlen(basic.password);
    expect(basic.name == basic.text && basic.password == basic.text + name + 1);
    expect(len <= BASIC_MAX && !strchr(basic.name, ':'));
    basic.text[name] = ':';
    for (size_t bit = 0; bit + 6 <= len * 8; bit += 6) {
        unsigned pair = (unsigned)(uint8_t)basic.text[bit / 8] << 8;

        pair |= (uint8_t)basic.text[bit / 8 + 1]; /* the terminator behind the last */
        expect(text[bit / 6] == digits[pair >> (10 - bit % 8) & 63]);
    }
}

static void check_bearer(const char *text)
{
    static struct token_store store;
    struct token known = {.id = "known", .user = "known", .role = ROLE_ADMIN};

    token_digest(KNOWN, known.digest);
    expect(store.tokens[0].id[0] != '\0' || token_add(&store, &known, 1) == 0);
    expect(!token_check(&store, text) || strcmp(text, KNOWN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *header = malloc(size + 1);
    const char *bearer, *basic;

    memcpy(header, data, size);
    header[size] = '\0';
    bearer = credentials_of(header, "bearer");
    basic = credentials_of(header, "basic");
    expect(!(bearer && basic));
    if (bearer)
        check_bearer(bearer);
    if (basic)
        check_basic(basic);
    check_basic(header); /* without having to find the scheme first */
    free(header);
    return 0;
}
