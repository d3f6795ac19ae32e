/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's ELF image, carried inside the loader: one file to boot. */
    .section .hv, "a"
    .balign 4096
    .global hv_image
    .hidden hv_image
hv_image:
    .incbin HV_IMAGE         /* the build gives the path */
    .global hv_image_end
    .hidden hv_image_end
hv_image_end:
    .balign 4096

    .section .note.GNU-stack, "", @progbits
