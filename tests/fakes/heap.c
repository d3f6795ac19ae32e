/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's heap as the host's, so that sanitizers see what is not given back. */
#include <stdlib.h>

#include "mm/kheap.h"

void *kmalloc(size_t bytes)
{
    return malloc(bytes);
}

void kfree(void *p)
{
    free(p);
}
