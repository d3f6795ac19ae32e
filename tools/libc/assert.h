/* SPDX-License-Identifier: BSD-2-Clause */
/* <assert.h> for the libraries inside the hypervisor. */
#define assert(x) \
    ((void)0) /* library assertions are about their callers, which are checked on our side */
