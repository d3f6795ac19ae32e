/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded formatted output: %d %i %u %x %X %p %c %s %% with flags 0 - and space, width, .precision,
 * h hh l ll z. */
#ifndef SOCLE_LIB_PRINTF_H
#define SOCLE_LIB_PRINTF_H

#include <stdarg.h>

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * Formats into buf, never writing more than size bytes, always terminated if size > 0.
 * Return: the length the full text has, as C's snprintf does.
 */
size_t kvsnprintf(char *buf, size_t size, const char *fmt, va_list args) printf_like(3, 0);
size_t ksnprintf(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);

#endif
