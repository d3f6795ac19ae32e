/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MSR permission map. Pure: it works on plain memory.
 *
 * Spec: APM 2 "MSR Intercepts".
 */
#ifndef SOCLE_SVM_SVM_BITMAP_H
#define SOCLE_SVM_SVM_BITMAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define MSRPM_BYTES (2 * PAGE_SIZE)

/* Everything exits. */
void msrpm_init(u8 *msrpm);

/* Return: false if the map does not cover the MSR: such accesses always exit. */
bool msrpm_set(u8 *msrpm, u32 msr, bool exit_on_read, bool exit_on_write);

#endif
