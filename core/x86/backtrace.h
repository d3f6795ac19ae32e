/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks frame pointers. */
#ifndef SOCLE_X86_BACKTRACE_H
#define SOCLE_X86_BACKTRACE_H

#include "core/lib/types.h"

/* Calls fn for each return address from the frame at rbp on; stops at anything implausible. */
void backtrace_walk(u64 rbp, void (*fn)(u64 address, void *arg), void *arg);

#endif
