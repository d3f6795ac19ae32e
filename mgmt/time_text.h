/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as clients write them. */
#ifndef SOCLE_MGMT_TIME_TEXT_H
#define SOCLE_MGMT_TIME_TEXT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * RFC 3339 in UTC, years 1970 to 2500: "2030-01-31T12:00:00Z", with up to nine digits of a second's
 * fraction. Return: 0; -EINVAL (anything else, dates that do not exist included).
 */
int time_parse(const char *text, u64 *unix_ns) must_check;

#endif
