/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/auth/session.c mgmt/auth/token.c mgmt/auth/role.c mgmt/auth/claim.c
 * mgmt/time_text.c core/lib/date.c core/lib/hex.c core/lib/str.c core/lib/sha256.c
 * core/lib/printf.c
 */
/*
 * Any text as a token, a claim code, cookies and a time: nothing lets in, and a time that is taken
 * is one that exists.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/auth/claim.h"
#include "mgmt/auth/session.h"
#include "mgmt/time_text.h"
#include "mgmt/auth/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct token_store store;

static int fixed(void *dst, size_t bytes)
{
    memset(dst, 0xa5, bytes);
    return 0;
}

static void check_code(const char *text)
{
    struct claim claim;

    if (claim_make(&claim, fixed) != 0 || (claim_matches(&claim, text) && strlen(text) < 12))
        abort();
    if (claim_set(&claim, text) == 0 && !claim_matches(&claim, text))
        abort();
}

/* Any cookies: only ones that hold the secret find the session. */
static void check_cookies(const char *text)
{
    static struct session_store sessions;
    struct session_secrets secrets;

    struct session whose = {.token = "known"};

    if (session_begin(&sessions, &whose, 1, fixed, &secrets) != 0 ||
        (session_check(&sessions, text, 2) && !strstr(text, secrets.cookie)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token known = {.id = "known", .user = "known", .role = ROLE_ADMIN};
    char *text = malloc(size + 1);
    enum role role = ROLE_NONE;
    u64 ns = 0;

    memcpy(text, data, size);
    text[size] = '\0';
    token_digest("socle1.known.00112233445566778899aabbccddeeff", known.digest);
    if (store.tokens[0].id[0] == '\0' && token_add(&store, &known, 1) != 0)
        abort();
    if (token_check(&store, text) && strcmp(text, "socle1.known.00112233445566778899aabbccddeeff"))
        abort();
    if (token_name_is_valid(text) && (strlen(text) > TOKEN_NAME_MAX || strchr(text, '"')))
        abort();
    if (role_parse(text, &role) && strcmp(role_name(role), text) != 0)
        abort();
    if (time_parse(text, &ns) == 0 && ns / 1000000000u > 16756761600u)
        abort();
    check_code(text);
    check_cookies(text);
    free(text);
    return 0;
}
