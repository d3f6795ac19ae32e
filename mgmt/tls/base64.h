/* SPDX-License-Identifier: BSD-2-Clause */
/* The digits of base64 (RFC 4648). */
#ifndef SOCLE_MGMT_BASE64_H
#define SOCLE_MGMT_BASE64_H

/* Return: 0 to 63; -1: it is none. */
static inline int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

#endif
