/* SPDX-License-Identifier: BSD-2-Clause */
/* Compile-time limits, each with its reason. */
#ifndef SOCLE_CONFIG_H
#define SOCLE_CONFIG_H

#define PCPUS_MAX \
    256 /* xAPIC IDs are 8 bits; larger machines need x2APIC start-up, not yet tried */

#endif
