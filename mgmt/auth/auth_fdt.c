/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the credentials of socle.dtb. */
#include "mgmt/auth/auth_fdt.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"

#define NODE_PATH_MAX 96u

static bool token_knows(const char *name, bool is_node)
{
    return !is_node && (strcmp(name, "role") == 0 || strcmp(name, "user") == 0 ||
                        strcmp(name, "sha256") == 0 || strcmp(name, "vm-tags") == 0);
}

/* Return: false if there are too many or one is too long: never less than is written. */
static bool read_scope(const void *dtb, int node, struct scope *scope)
{
    int count = fdt_stringlist_count(dtb, node, "vm-tags");

    if (!dtb_has(dtb, node, "vm-tags"))
        return true;
    for (int i = 0; i < count; i++) {
        const char *tag = fdt_stringlist_get(dtb, node, "vm-tags", i, NULL);

        if (!tag || !scope_add(scope, tag))
            return false;
    }
    return count > 0;
}

/* Return: NULL; or what is wrong, and with which property. */
static const char *read_token(const void *dtb, int node, const char *name, struct token *token,
                              const char **property)
{
    const char *role = dtb_string(dtb, node, "role");
    const char *user = dtb_has(dtb, node, "user") ? dtb_string(dtb, node, "user") : name;

    *property = NULL;
    if (!token_name_is_valid(name))
        return "its name is no token's: 1 to 31 of a-z, 0-9 and '-', not '-' first";
    (void)str_copy(token->id, sizeof(token->id), name);
    *property = "user";
    if (!user || !token_name_is_valid(user))
        return "it is no name: 1 to 31 of a-z, 0-9 and '-', not '-' first";
    (void)str_copy(token->user, sizeof(token->user), user);
    *property = "role";
    if (!role || !role_parse(role, &token->role))
        return "it is none of " ROLE_NAMES;
    *property = "sha256";
    if (!dtb_sha256(dtb, node, "sha256", token->digest))
        return "it is no text of 64 digits 0-9 and a-f";
    *property = "vm-tags";
    if (!read_scope(dtb, node, &token->scope))
        return "they are not one to four tags";
    return NULL;
}

static void take_token(const void *dtb, int node, struct token_store *store,
                       const struct dtb_report *report)
{
    const char *name = fdt_get_name(dtb, node, NULL);
    struct token token = {.is_configured = true};
    const char *property = NULL, *wrong;
    char path[NODE_PATH_MAX];

    if (!name)
        return;
    ksnprintf(path, sizeof(path), "api/tokens/%s", name);
    dtb_tell_unknown(dtb, node, path, token_knows, report);
    wrong = read_token(dtb, node, name, &token, &property);
    if (wrong)
        dtb_tell(report, path, property, wrong);
    else if (token_add(store, &token, 0) != 0)
        dtb_tell(report, path, NULL, "there are too many tokens, or another one of this name");
}

void auth_fdt_read(const void *dtb, size_t bytes, struct token_store *store, struct claim *claim,
                   const struct dtb_report *report)
{
    const char *code;
    int api, tokens, node;

    if (!dtb_is_socle(dtb, bytes))
        return;
    api = dtb_find(dtb, "/api");
    if (api < 0)
        return;
    code = dtb_string(dtb, api, "claim-code");
    if (dtb_has(dtb, api, "claim-code") && (!code || claim_set(claim, code) != 0))
        dtb_tell(report, "api", "claim-code", "it is no text of 12 to 64 letters and digits");
    tokens = dtb_find(dtb, "/api/tokens");
    if (tokens < 0)
        return;
    fdt_for_each_subnode(node, dtb, tokens)
    {
        take_token(dtb, node, store, report);
    }
}

static bool user_knows(const char *name, bool is_node)
{
    return !is_node && (strcmp(name, "role") == 0 || strcmp(name, "password") == 0 ||
                        strcmp(name, "certs") == 0);
}

/* Return: false if one is no certificate, or there are too many. */
static bool read_certs(const void *dtb, int node, struct user *user)
{
    int count = fdt_stringlist_count(dtb, node, "certs");

    if (!dtb_has(dtb, node, "certs"))
        return true;
    if (count < 0 || count > (int)USER_CERTS_MAX)
        return false;
    for (; user->cert_count < (u32)count; user->cert_count++) {
        const char *text = fdt_stringlist_get(dtb, node, "certs", (int)user->cert_count, NULL);

        if (!text || !user_cert_parse(text, user->certs[user->cert_count]))
            return false;
    }
    return true;
}

/* Return: NULL; or what is wrong, and with which property. */
static const char *read_user(const void *dtb, int node, const char *name, struct user *user,
                             const char **property)
{
    const char *role = dtb_string(dtb, node, "role");
    const char *password = dtb_string(dtb, node, "password");

    *property = NULL;
    if (!token_name_is_valid(name))
        return "its name is no user's: 1 to 31 of a-z, 0-9 and '-', not '-' first";
    (void)str_copy(user->name, sizeof(user->name), name);
    *property = "role";
    if (!role || !role_parse(role, &user->role))
        return "it is none of " ROLE_NAMES;
    *property = "password";
    if (dtb_has(dtb, node, "password") && (!password || !password_parse(password, &user->password)))
        return "it is no " PASSWORD_SCHEME "$iterations$salt$key";
    *property = "certs";
    if (!read_certs(dtb, node, user))
        return "they are not up to four SHA-256 in hex or names";
    return NULL;
}

static void take_user(const void *dtb, int node, struct user_store *store,
                      const struct dtb_report *report)
{
    const char *name = fdt_get_name(dtb, node, NULL);
    struct user user = {.is_configured = true};
    const char *property = NULL, *wrong;
    char path[NODE_PATH_MAX];

    if (!name)
        return;
    ksnprintf(path, sizeof(path), "api/users/%s", name);
    dtb_tell_unknown(dtb, node, path, user_knows, report);
    wrong = read_user(dtb, node, name, &user, &property);
    if (wrong)
        dtb_tell(report, path, property, wrong);
    else if (user_find(store, name) || user_put(store, &user) != 0)
        dtb_tell(report, path, NULL, "there are too many users, or another one of this name");
    mem_wipe(&user, sizeof(user));
}

void auth_fdt_users(const void *dtb, size_t bytes, struct user_store *store,
                    const struct dtb_report *report)
{
    int users, node;

    if (!dtb_is_socle(dtb, bytes))
        return;
    users = dtb_find(dtb, "/api/users");
    if (users < 0)
        return;
    fdt_for_each_subnode(node, dtb, users)
    {
        take_user(dtb, node, store, report);
    }
}
