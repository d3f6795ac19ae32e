/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSR and I/O permission maps. Pure: they work on plain memory.
 *
 * Spec: APM 2 "MSR Intercepts", "IOIO Intercepts".
 */
#ifndef SOCLE_SVM_SVM_BITMAP_H
#define SOCLE_SVM_SVM_BITMAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define MSRPM_BYTES (2 * PAGE_SIZE)
/* 64 Ki ports are 8 KiB; an access that runs past port FFFFh tests bits of the third page. */
#define IOPM_BYTES  (3 * PAGE_SIZE)

/* Everything exits. */
void msrpm_init(u8 *msrpm);
void iopm_init(u8 *iopm);

/* Return: false if the map does not cover the MSR: such accesses always exit. */
bool msrpm_set(u8 *msrpm, u32 msr, bool exit_on_read, bool exit_on_write);

/* Ports first to last, both included. */
void iopm_set(u8 *iopm, u16 first, u16 last, bool intercept);

#endif
