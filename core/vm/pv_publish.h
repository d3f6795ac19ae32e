/* SPDX-License-Identifier: BSD-2-Clause */
/* How a structure in guest memory is written while the guest may read it. */
#ifndef SOCLE_VM_PV_PUBLISH_H
#define SOCLE_VM_PV_PUBLISH_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct gmem;

/*
 * Makes the version odd, writes the body, makes the version even: who reads the same even version
 * before and after the body has read a consistent one. *version is the host's copy; what the guest
 * writes there changes nothing here. Return: 0, -EFAULT (not RAM), -EINVAL (version_at not
 * aligned).
 */
int pv_publish(const struct gmem *gmem, gpa_t version_at, u32 *version, gpa_t body_at,
               const void *body, size_t bytes) must_check;

#endif
