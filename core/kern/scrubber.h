/* SPDX-License-Identifier: BSD-2-Clause */
/* The task that zeroes what guests have left in memory. */
#ifndef SOCLE_KERN_SCRUBBER_H
#define SOCLE_KERN_SCRUBBER_H

#include "core/lib/compiler.h"

/* Context: boot, once. Return: 0, -ENOMEM. */
int scrubber_start(void) must_check;

#endif
