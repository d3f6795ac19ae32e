/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes in base64. Spec: RFC 4648 4. */
#ifndef SOCLE_LIB_BASE64_H
#define SOCLE_LIB_BASE64_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Digits, '=' and NUL of that many bytes. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Return: 0 to 63; -1: it is no digit. */
int base64_digit(char c) must_check;

/* dst: BASE64_SIZE(bytes). */
void base64_write(char *dst, const u8 *src, size_t bytes);

/*
 * The bytes of the digits from *text on, `size` of them at most; bits that make no whole byte are
 * skipped. Afterwards *text is at what is no digit: padding, if the caller wants it, the end; or
 * at a digit of one byte too many. Return: how many bytes there are.
 */
size_t base64_read(u8 *dst, size_t size, const char **text) must_check;

#endif
