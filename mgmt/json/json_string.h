/* SPDX-License-Identifier: BSD-2-Clause */
/* Characters of JSON strings: escapes and UTF-8. Shared by the reader's files. */
#ifndef SOCLE_MGMT_JSON_STRING_H
#define SOCLE_MGMT_JSON_STRING_H

#include "core/lib/types.h"

/*
 * Decodes the character at text[*pos], which lies before end, and moves *pos behind it.
 * Return: false if it is a control character, a bad escape, half a surrogate pair or no UTF-8.
 */
bool json_string_next(const char *text, u32 *pos, u32 end, u32 *character);

/* True if all of text[start, end) decodes. */
bool json_string_is_valid(const char *text, u32 start, u32 end);

#endif
