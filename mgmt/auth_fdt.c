/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the credentials of socle.dtb. */
#include "mgmt/auth_fdt.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"

#define NODE_PATH_MAX 96u

static bool token_knows(const char *name, bool is_node)
{
    return !is_node &&
           (strcmp(name, "role") == 0 || strcmp(name, "user") == 0 || strcmp(name, "sha256") == 0);
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
