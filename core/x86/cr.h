/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits of the control and flags registers; APM vol. 2 "System-Control Registers". */
#ifndef SOCLE_X86_CR_H
#define SOCLE_X86_CR_H

#include "core/lib/compiler.h"

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_VME        BIT(0)
#define CR4_PVI        BIT(1)
#define CR4_TSD        BIT(2)
#define CR4_DE         BIT(3)
#define CR4_PSE        BIT(4)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_PCE        BIT(8)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_LA57       BIT(12)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE        BIT(22)

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_TF    BIT(8)
#define RFLAGS_DF    BIT(10)
#define RFLAGS_RF    BIT(16)
#define RFLAGS_VM    BIT(17)
#define RFLAGS_AC    BIT(18)

#define XCR0_X87       BIT(0)
#define XCR0_SSE       BIT(1)
#define XCR0_AVX       BIT(2)
#define XCR0_OPMASK    BIT(5)
#define XCR0_ZMM_HI256 BIT(6)
#define XCR0_HI16_ZMM  BIT(7)
#define XCR0_PKRU      BIT(9)

/* Exception vectors; APM vol. 2 "Vectors". */
#define VECTOR_DE    0u
#define VECTOR_DB    1u
#define VECTOR_NMI   2u
#define VECTOR_BP    3u
#define VECTOR_OF    4u
#define VECTOR_BR    5u
#define VECTOR_UD    6u
#define VECTOR_NM    7u
#define VECTOR_DF    8u
#define VECTOR_TS    10u
#define VECTOR_NP    11u
#define VECTOR_SS    12u
#define VECTOR_GP    13u
#define VECTOR_PF    14u
#define VECTOR_MF    16u
#define VECTOR_AC    17u
#define VECTOR_MC    18u
#define VECTOR_XF    19u
#define VECTOR_COUNT 32u

#define PF_PRESENT BIT(0)
#define PF_WRITE   BIT(1)
#define PF_USER    BIT(2)
#define PF_RSVD    BIT(3)
#define PF_FETCH   BIT(4)

#endif
