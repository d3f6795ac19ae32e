/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client may do: each role may do what those before it may. */
#ifndef SOCLE_MGMT_ROLE_H
#define SOCLE_MGMT_ROLE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

enum role {
    ROLE_NONE,     /* anybody who reaches the port */
    ROLE_VIEWER,   /* reads */
    ROLE_OPERATOR, /* and works with VMs, their images and disks */
    ROLE_ADMIN,    /* and with the host itself, its networks and tokens */
};

#define ROLE_NAMES "viewer, operator, admin"

/* "viewer" …; "none" for ROLE_NONE. */
const char *role_name(enum role role);

/* Return: false if text is no name of a role a token can have. */
bool role_parse(const char *text, enum role *role);

#endif
