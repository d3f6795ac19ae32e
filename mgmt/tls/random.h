/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for keys, tokens and TLS: HMAC_DRBG with SHA-256, seeded by the CPU's generator
 * and the firmware's. Context of all: management task, or boot.
 */
#ifndef SOCLE_MGMT_RANDOM_H
#define SOCLE_MGMT_RANDOM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * seed: what the firmware gave, 0 bytes if nothing; it is copied. Mbed TLS must have memory.
 * Return: 0; -ENODATA (neither the CPU nor the firmware has random numbers: there can be no key);
 * -EIO (the generator failed its own start).
 */
int random_init(const u8 *seed, size_t bytes) must_check;

/* True after random_init has returned 0. */
bool random_is_ready(void);

/* Fills dst. Return: 0; -EIO (no entropy: dst is wiped and must not be used). */
int random_bytes(void *dst, size_t bytes) must_check;

#endif
