/* SPDX-License-Identifier: BSD-2-Clause */
/* <string.h> for the libraries inside the hypervisor: core/lib has the functions. */
#ifndef SOCLE_LIBC_STRING_H
#define SOCLE_LIBC_STRING_H
#include "core/lib/string.h"

/* Fills with zeros what src does not; may leave dst unterminated. Only libraries want that. */
static inline char *strncpy(char *dst, const char *src, size_t size)
{
    size_t len = strnlen(src, size);

    memcpy(dst, src, len);
    memset(dst + len, 0, size - len);
    return dst;
}

#endif
