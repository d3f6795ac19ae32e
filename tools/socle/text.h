/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, numbers and times between people and the API; text from a host made safe for a terminal.
 */
#ifndef SOCLE_CLI_TEXT_H
#define SOCLE_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/lib/types.h"

#define TEXT_HOST_MAX   256u
#define TEXT_NUMBER_MAX 24u /* holds what the functions below write */

/* "4096", "64K", "1.5G", "2GiB", "2GB": always powers of 1024. Return: false unless all of it is a
 * size that fits. */
bool text_parse_size(const char *text, u64 *bytes);

/* A whole number without sign, up to `max`. */
bool text_parse_number(const char *text, u64 max, u64 *value);

/* "host", "192.0.2.7:10809", "2001:db8::7" or "[2001:db8::7]:10809". *port: 0 if there is none.
 * Return: false if it is none of them. */
bool text_parse_server(const char *text, char host[TEXT_HOST_MAX], u64 *port);

/* "1.5 GiB": three digits at least where it is not whole. */
void text_size(char out[TEXT_NUMBER_MAX], u64 bytes);

/* "1.5 µs", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
void text_duration(char out[TEXT_NUMBER_MAX], u64 ns);

/* Replaces, in place, what a terminal would obey: C0, DEL, and C1 in UTF-8. */
void text_make_safe(char *text);

/* Columns it takes on a terminal: one for each character of UTF-8. */
size_t text_width(const char *text);

#endif
