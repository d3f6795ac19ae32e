/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as hexadecimal digits, the high half of each first. */
#ifndef SOCLE_LIB_HEX_H
#define SOCLE_LIB_HEX_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* What a digit, small or capital, stands for. Return: 0 to 15; -1: it is none. */
int hex_digit(char c) must_check;

/* Two small digits for each of the bytes, and a NUL. dst: 2 * bytes + 1. Return: where the NUL is.
 */
char *hex_write(char *dst, const u8 *src, size_t bytes);

/* Two digits, small or capital, for each of the bytes. Return: what follows in the text; NULL if
 * there are not as many, with some of dst written. */
const char *hex_read(u8 *dst, size_t bytes, const char *text) must_check;

/* The same of a text that has nothing else. */
bool hex_read_all(u8 *dst, size_t bytes, const char *text) must_check;

/* The same without capitals: as hex_write makes it. */
bool hex_read_small(u8 *dst, size_t bytes, const char *text) must_check;

#endif
