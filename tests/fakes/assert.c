/* SPDX-License-Identifier: BSD-2-Clause */
/* A failed assertion ends the unit test, with a trace by the sanitizer. */
#include "core/lib/assert.h"

#include <stdio.h>
#include <stdlib.h>

void assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}
