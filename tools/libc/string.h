/* SPDX-License-Identifier: BSD-2-Clause */
/* <string.h> for the libraries inside the hypervisor: core/lib has the functions. */
#include "core/lib/string.h"
