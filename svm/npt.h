/* SPDX-License-Identifier: BSD-2-Clause */
/* Nested page tables: how mm/slat encodes its entries for AMD-V. */
#ifndef SOCLE_SVM_NPT_H
#define SOCLE_SVM_NPT_H

#include "mm/slat.h"

/* page_sizes is completed by npt_allow_1g at boot and constant afterwards. */
extern struct slat_format npt_format;

/* The CPU has 1 GiB pages. Context: boot, before the first guest. */
void npt_allow_1g(void);

#endif
