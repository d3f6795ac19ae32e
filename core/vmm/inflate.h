/* SPDX-License-Identifier: BSD-2-Clause */
/* What deflate has packed, unpacked: by zlib. */
#ifndef SOCLE_VMM_INFLATE_H
#define SOCLE_VMM_INFLATE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * Unpacks a raw deflate stream (no zlib or gzip head; a window of at most 4 KiB, as qcow2 has it)
 * until `out` is full; what the stream has beyond that is left alone. Hostile input is fine.
 * Context: any. Return: 0, and *used bytes of `in` it took; -EINVAL (damaged, or it ends before
 * `out` is full), -ENOMEM.
 */
int inflate_raw(const u8 *in, size_t in_bytes, u8 *out, size_t out_bytes, size_t *used) must_check;

#endif
