/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's packed image, carried inside the loader: one file to boot. */
    .section .hv, "a"
    .balign 4096
    .global hv_packed
    .hidden hv_packed
hv_packed:
    .incbin HV_IMAGE         /* the build gives the path */
    .global hv_packed_end
    .hidden hv_packed_end
hv_packed_end:
    .balign 4096

    .section .note.GNU-stack, "", @progbits
