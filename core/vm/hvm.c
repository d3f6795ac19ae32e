/* SPDX-License-Identifier: BSD-2-Clause */
/* The chosen vendor layer; core/main.c sets it once at boot. */
#include "core/vm/hvm_ops.h"

const struct hvm_ops *hvm;
const char *hvm_unavailable;
struct hvm_caps hvm_caps;
