/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/auth/auth_fdt.c mgmt/auth/scope.c mgmt/auth/user.c mgmt/auth/token.c
 * mgmt/auth/role.c mgmt/auth/claim.c core/lib/dtb.c core/lib/hex.c core/lib/str.c
 * core/lib/sha256.c core/lib/printf.c tests/fakes/libfdt.c
 */
/* Credentials in socle.dtb: right ones are taken, one with a mistake is left out as a whole. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "core/lib/hex.h"
#include "core/lib/string.h"
#include "mgmt/auth/auth_fdt.h"

/* Of "socle1.ci.0123456789abcdef0123456789abcdef". */
static char digest_text[65];
#define TEXT "socle1.ci.0123456789abcdef0123456789abcdef"

static char blob[8192];
static struct token_store store;
static struct user_store users;
static struct claim claim;
static char problem[200]; /* the last one */

static void note(void *cookie, const char *node, const char *name, const char *what)
{
    (void)cookie;
    CHECK(what[0] != '\0');
    snprintf(problem, sizeof(problem), "%s/%s", node, name ? name : "");
}

static const struct dtb_report report = {note, NULL};

static void begin(const char *code)
{
    u8 digest[SHA256_BYTES];

    token_digest(TEXT, digest);
    hex_write(digest_text, digest, sizeof(digest));
    CHECK_EQ(fdt_create(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_finish_reservemap(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, ""), 0);
    CHECK_EQ(fdt_property_string(blob, "compatible", "socle,host"), 0);
    CHECK_EQ(fdt_begin_node(blob, "api"), 0);
    if (code)
        CHECK_EQ(fdt_property_string(blob, "claim-code", code), 0);
    CHECK_EQ(fdt_begin_node(blob, "tokens"), 0);
}

static void add(const char *name, const char *role, const char *sha256, const char *user)
{
    CHECK_EQ(fdt_begin_node(blob, name), 0);
    if (role)
        CHECK_EQ(fdt_property_string(blob, "role", role), 0);
    if (sha256)
        CHECK_EQ(fdt_property_string(blob, "sha256", sha256), 0);
    if (user)
        CHECK_EQ(fdt_property_string(blob, "user", user), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
}

static const char *finish(void)
{
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_finish(blob), 0);
    memset(&store, 0, sizeof(store));
    claim_end(&claim);
    problem[0] = '\0';
    auth_fdt_read(blob, fdt_totalsize(blob), &store, &claim, &report);
    return problem;
}

TEST(credentials_are_taken)
{
    const struct token *token;

    begin("RACK-7-SECRET-1");
    add("ci", "operator", digest_text, NULL);
    add("ops", "admin", "0000000000000000000000000000000000000000000000000000000000000001", "olga");
    CHECK_STR(finish(), "");
    token = token_check(&store, TEXT);
    CHECK(token != NULL);
    if (token) {
        CHECK_EQ(token->role, ROLE_OPERATOR);
        CHECK_STR(token->user, "ci");
        CHECK(token->is_configured);
        CHECK(token_is_valid(token, UINT64_MAX));
    }
    CHECK(token_find(&store, "ops") != NULL);
    CHECK(claim_matches(&claim, "rack7secret1"));
}

TEST(a_digest_may_be_in_capitals)
{
    char capitals[sizeof(digest_text)];

    begin(NULL);
    for (u32 i = 0; i < sizeof(capitals); i++)
        capitals[i] = (char)(digest_text[i] - (digest_text[i] >= 'a' ? 'a' - 'A' : 0));
    add("ci", "operator", capitals, NULL);
    CHECK_STR(finish(), "");
    CHECK(token_check(&store, TEXT) != NULL);
}

TEST(mistakes_are_told_and_cost_themselves)
{
    begin("short");
    CHECK_STR(finish(), "api/claim-code");
    begin(NULL);
    add("ci", NULL, digest_text, NULL);
    CHECK_STR(finish(), "api/tokens/ci/role");
    begin(NULL);
    add("ci", "root", digest_text, NULL);
    CHECK_STR(finish(), "api/tokens/ci/role");
    begin(NULL);
    add("ci", "admin", "socle1.ci.secret", NULL);
    CHECK_STR(finish(), "api/tokens/ci/sha256");
    begin(NULL);
    add("ci", "admin", NULL, NULL);
    CHECK_STR(finish(), "api/tokens/ci/sha256");
    begin(NULL);
    add("CI", "admin", digest_text, NULL);
    CHECK_STR(finish(), "api/tokens/CI/");
    begin(NULL);
    add("ci", "admin", digest_text, "Not A Name");
    CHECK_STR(finish(), "api/tokens/ci/user");
    CHECK(token_check(&store, TEXT) == NULL);
}

TEST(too_many_tokens)
{
    char name[8];

    begin(NULL);
    for (u32 i = 0; i < TOKENS_MAX; i++) {
        snprintf(name, sizeof(name), "t%u", i);
        add(name, "viewer", digest_text, NULL);
    }
    CHECK_STR(finish(), "api/tokens/t63/");
    CHECK(token_find(&store, "t62") != NULL);
}

TEST(damage_is_survived)
{
    size_t size;
    char *copy;

    begin("RACK-7-SECRET-1");
    add("ci", "operator", digest_text, NULL);
    CHECK_STR(finish(), "");
    size = fdt_totalsize(blob);
    copy = malloc(size);
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, blob, size);
            copy[at] = (char)(copy[at] ^ (1 << bit));
            memset(&store, 0, sizeof(store));
            auth_fdt_read(copy, size, &store, &claim, &report);
            auth_fdt_users(copy, size, &users, &report);
        }
    }
    free(copy);
}

#define HASH                                                 \
    "pbkdf2-sha256$100000$00112233445566778899aabbccddeeff$" \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* /api/users with olga. certs: as in the tree, strings one after the other. */
static const char *read_olga(const char *role, const char *password, const char *certs, int bytes)
{
    CHECK_EQ(fdt_create(blob, sizeof(blob)), 0);
    CHECK_EQ(fdt_finish_reservemap(blob), 0);
    CHECK_EQ(fdt_begin_node(blob, ""), 0);
    CHECK_EQ(fdt_property_string(blob, "compatible", "socle,host"), 0);
    CHECK_EQ(fdt_begin_node(blob, "api"), 0);
    CHECK_EQ(fdt_begin_node(blob, "users"), 0);
    CHECK_EQ(fdt_begin_node(blob, "olga"), 0);
    CHECK_EQ(fdt_property_string(blob, "role", role), 0);
    if (password)
        CHECK_EQ(fdt_property_string(blob, "password", password), 0);
    if (certs)
        CHECK_EQ(fdt_property(blob, "certs", certs, bytes), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_end_node(blob), 0);
    CHECK_EQ(fdt_finish(blob), 0);
    memset(&users, 0, sizeof(users));
    problem[0] = '\0';
    auth_fdt_users(blob, fdt_totalsize(blob), &users, &report);
    return problem;
}

TEST(users_are_taken)
{
    static const char certs[] = "olga@example.org\0olga.example.org";
    static const char many[] = "a\0b\0c\0d\0e";
    const struct user *olga;

    CHECK_STR(read_olga("admin", HASH, certs, sizeof(certs)), "");
    olga = user_find(&users, "olga");
    CHECK(olga && olga->is_configured && olga->role == ROLE_ADMIN);
    CHECK(olga && olga->cert_count == 2 && olga->password.iterations == 100000);
    CHECK(olga == user_of_cert(&users, "olga.example.org"));
    CHECK_STR(read_olga("viewer", NULL, NULL, 0), "");
    CHECK(user_find(&users, "olga") != NULL);
    CHECK_STR(read_olga("root", HASH, NULL, 0), "api/users/olga/role");
    CHECK_STR(read_olga("admin", "secret12", NULL, 0), "api/users/olga/password");
    CHECK_STR(read_olga("admin", HASH, many, sizeof(many)), "api/users/olga/certs");
    CHECK_STR(read_olga("admin", HASH, "a", 1), "api/users/olga/certs"); /* it has no end */
    CHECK(user_find(&users, "olga") == NULL);
}

/* A token of which a part cannot be read must not become one for all VMs. */
TEST(tokens_for_some_vms)
{
    static const char *const tags[] = {"web\0test", "a\0b\0c\0d\0e", ""};
    static const int bytes[] = {9, 10, 1};

    for (u32 i = 0; i < 3; i++) {
        begin(NULL);
        CHECK_EQ(fdt_begin_node(blob, "ci"), 0);
        CHECK_EQ(fdt_property_string(blob, "role", "operator"), 0);
        CHECK_EQ(fdt_property_string(blob, "sha256", digest_text), 0);
        CHECK_EQ(fdt_property(blob, "vm-tags", tags[i], bytes[i]), 0);
        CHECK_EQ(fdt_end_node(blob), 0);
        CHECK_STR(finish(), i == 0 ? "" : "api/tokens/ci/vm-tags");
        CHECK((token_find(&store, "ci") != NULL) == (i == 0));
    }
}
