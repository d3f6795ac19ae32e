/* SPDX-License-Identifier: BSD-2-Clause */
/* <errno.h> for the libraries inside the hypervisor. */
