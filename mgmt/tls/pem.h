/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of PEM (RFC 7468) out of a text: certificates and keys as files have them. Pure. */
#ifndef SOCLE_MGMT_PEM_H
#define SOCLE_MGMT_PEM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define PEM_LABEL_MAX 31u

struct pem_block {
    char label[PEM_LABEL_MAX + 1]; /* "CERTIFICATE" … */
    size_t bytes;                  /* of what it holds */
};

/*
 * The next block of *text, which goes on behind it; what stands between blocks is skipped. Return:
 * 0, with *block and the bytes in dst; -ENOENT (there is no more); -EINVAL (it is damaged); -EPERM
 * (it is encrypted in the old way, by a header); -ENOSPC (more than `size` bytes).
 */
int pem_next(const char **text, struct pem_block *block, u8 *dst, size_t size) must_check;

#endif
