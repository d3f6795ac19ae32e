/* SPDX-License-Identifier: BSD-2-Clause */
/* <inttypes.h> for the libraries inside the hypervisor. */
#include <stdint.h>
