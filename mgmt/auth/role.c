/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of roles. */
#include "mgmt/auth/role.h"

#include "core/lib/string.h"

static const char *const names[] = {
    [ROLE_NONE] = "none",
    [ROLE_VIEWER] = "viewer",
    [ROLE_OPERATOR] = "operator",
    [ROLE_ADMIN] = "admin",
};

const char *role_name(enum role role)
{
    return role < ARRAY_SIZE(names) ? names[role] : "none";
}

bool role_parse(const char *text, enum role *role)
{
    for (u32 i = ROLE_VIEWER; i < ARRAY_SIZE(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}
