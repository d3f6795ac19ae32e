/* SPDX-License-Identifier: BSD-2-Clause */
/* VT-x for core: the vendor contract's implementation. */
#ifndef SOCLE_VMX_VMX_H
#define SOCLE_VMX_VMX_H

#include "core/vm/hvm_ops.h"

extern const struct hvm_ops vmx_ops;

#endif
