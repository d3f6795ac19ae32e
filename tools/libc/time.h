/* SPDX-License-Identifier: BSD-2-Clause */
/* <time.h> for the libraries inside the hypervisor. */
