/* SPDX-License-Identifier: BSD-2-Clause */
/* <stdlib.h> for the libraries inside the hypervisor: no heap, only number parsing. */
#ifndef SOCLE_LIBC_STDLIB_H
#define SOCLE_LIBC_STDLIB_H
#include <stddef.h>
unsigned long strtoul(const char *s, char **end, int base);

static inline int atoi(const char *s)
{
    return (int)strtoul(s, 0, 10);
}

#endif
