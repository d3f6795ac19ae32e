/* SPDX-License-Identifier: BSD-2-Clause */
/* <ctype.h> for the libraries inside the hypervisor. */
