/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assert(): documents host states that cannot happen; active in every build.
 *
 * Never used on guest, network, disk or configuration input: those return errors.
 */
#ifndef SOCLE_LIB_ASSERT_H
#define SOCLE_LIB_ASSERT_H

#include "core/lib/compiler.h"

/* Reports a broken host invariant and does not return. The kernel's panics, the unit tests' aborts.
 */
noreturn void assert_failed(const char *expr, const char *file, int line);

#define assert(expr)                                  \
    do {                                              \
        if (unlikely(!(expr)))                        \
            assert_failed(#expr, __FILE__, __LINE__); \
    } while (0)

#endif
