/* SPDX-License-Identifier: BSD-2-Clause */
/* <stdio.h> for the libraries inside the hypervisor. */
