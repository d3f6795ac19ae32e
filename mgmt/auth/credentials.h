/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients write into the header Authorization. Pure. */
#ifndef SOCLE_MGMT_CREDENTIALS_H
#define SOCLE_MGMT_CREDENTIALS_H

#include "core/lib/compiler.h"
#include "mgmt/auth/user.h"
#include "mgmt/auth/token.h"

#define BASIC_MAX (TOKEN_NAME_MAX + 1 + PASSWORD_MAX) /* name, colon, password */

struct credentials_basic {
    char text[BASIC_MAX + 1];
    const char *name; /* both in text */
    const char *password;
};

/* What follows the name of a scheme, given in lower case: it has none. Return: NULL: the header is
 * of another scheme. Spec: RFC 9110 11.4. */
const char *credentials_of(const char *header, const char *scheme);

/* Name and password of the scheme "basic"; the caller wipes *out. Return: false if it is not
 * base64, has no colon or a NUL, or is longer than any name and password. Spec: RFC 7617 2. */
bool credentials_basic(const char *text, struct credentials_basic *out) must_check;

#endif
