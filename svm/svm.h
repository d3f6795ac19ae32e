/* SPDX-License-Identifier: BSD-2-Clause */
/* AMD-V for core: the vendor contract's implementation. */
#ifndef SOCLE_SVM_SVM_H
#define SOCLE_SVM_SVM_H

#include "core/vm/hvm_ops.h"

extern const struct hvm_ops svm_ops;

#endif
