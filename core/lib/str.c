/* SPDX-License-Identifier: BSD-2-Clause */
/* String functions the C library lacks. */
#include "core/lib/compiler.h"
#include "core/lib/string.h"

bool str_copy(char *dst, size_t size, const char *src)
{
    size_t n = strnlen(src, size);

    if (size == 0)
        return false;
    if (n == size) {
        memcpy(dst, src, size - 1);
        dst[size - 1] = '\0';
        return false;
    }
    memcpy(dst, src, n + 1);
    return true;
}

bool mem_same_secret(const void *a, const void *b, size_t bytes)
{
    const volatile u8 *left = a, *right = b; /* volatile: no early end, no wider compare */
    u8 difference = 0;

    for (size_t i = 0; i < bytes; i++)
        difference |= left[i] ^ right[i];
    return difference == 0;
}

void mem_wipe(void *dst, size_t bytes)
{
    memset(dst, 0, bytes);
    compiler_barrier();
}
