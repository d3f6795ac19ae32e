/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client would like of an answer (RFC 7240). */
#ifndef SOCLE_MGMT_PREFER_H
#define SOCLE_MGMT_PREFER_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define PREFER_WAIT_S_MAX 60u

/* How many seconds it would wait for the end of what its request begins. header: of Prefer, or
 * NULL. Return: 0: it would not, or nothing that can be understood; at most PREFER_WAIT_S_MAX. */
u32 prefer_wait_s(const char *header);

#endif
