/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended page tables: how mm/slat encodes its entries for VT-x. */
#ifndef SOCLE_VMX_EPT_H
#define SOCLE_VMX_EPT_H

#include "mm/slat.h"

/* page_sizes is completed by ept_allow at boot and constant afterwards. */
extern struct slat_format ept_format;

/* The CPU has pages of this size (2 MiB, 1 GiB). Context: boot, before the first guest. */
void ept_allow(u64 page_bytes);

/* The EPT pointer for a root table. Pure. */
u64 ept_pointer(hpa_t root, bool has_access_dirty);

#endif
