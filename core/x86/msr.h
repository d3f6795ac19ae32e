/* SPDX-License-Identifier: BSD-2-Clause */
/* Model-specific registers, by number; names as in SDM vol. 4 and APM vol. 2 appendix A. */
#ifndef SOCLE_X86_MSR_H
#define SOCLE_X86_MSR_H

#include "core/lib/compiler.h"

#define MSR_TSC               0x010u
#define MSR_PLATFORM_ID       0x017u
#define MSR_APIC_BASE         0x01bu
#define MSR_FEATURE_CONTROL   0x03au
#define MSR_TSC_ADJUST        0x03bu
#define MSR_SPEC_CTRL         0x048u
#define MSR_PRED_CMD          0x049u
#define MSR_PATCH_LEVEL       0x08bu
#define MSR_PLATFORM_INFO     0x0ceu
#define MSR_MTRR_CAP          0x0feu
#define MSR_ARCH_CAPABILITIES 0x10au
#define MSR_FLUSH_CMD         0x10bu
#define MSR_SYSENTER_CS       0x174u
#define MSR_SYSENTER_ESP      0x175u
#define MSR_SYSENTER_EIP      0x176u
#define MSR_MCG_CAP           0x179u
#define MSR_MCG_STATUS        0x17au
#define MSR_MISC_ENABLE       0x1a0u
#define MSR_DEBUGCTL          0x1d9u
#define MSR_MTRR_PHYS_BASE0   0x200u
#define MSR_MTRR_FIX64K       0x250u
#define MSR_MTRR_FIX16K_80    0x258u
#define MSR_MTRR_FIX16K_A0    0x259u
#define MSR_MTRR_FIX4K_C0     0x268u
#define MSR_MTRR_FIX4K_F8     0x26fu
#define MSR_PAT               0x277u
#define MSR_MTRR_DEF_TYPE     0x2ffu
#define MSR_TSC_DEADLINE      0x6e0u
#define MSR_X2APIC_FIRST      0x800u
#define MSR_X2APIC_LAST       0x8ffu
#define MSR_XSS               0xda0u
#define MSR_EFER              0xc0000080u
#define MSR_STAR              0xc0000081u
#define MSR_LSTAR             0xc0000082u
#define MSR_CSTAR             0xc0000083u
#define MSR_SFMASK            0xc0000084u
#define MSR_FS_BASE           0xc0000100u
#define MSR_GS_BASE           0xc0000101u
#define MSR_KERNEL_GS_BASE    0xc0000102u
#define MSR_TSC_AUX           0xc0000103u
#define MSR_AMD_SYSCFG        0xc0010010u
#define MSR_AMD_HWCR          0xc0010015u
#define MSR_AMD_NB_CFG        0xc001001fu
#define MSR_AMD_PATCH_LOADER  0xc0010020u
#define MSR_VM_CR             0xc0010114u
#define MSR_VM_HSAVE_PA       0xc0010117u
#define MSR_AMD_DE_CFG        0xc0011029u

#define EFER_SCE   BIT(0)
#define EFER_LME   BIT(8)
#define EFER_LMA   BIT(10)
#define EFER_NXE   BIT(11)
#define EFER_SVME  BIT(12)
#define EFER_FFXSR BIT(14)

#define APIC_BASE_BSP     BIT(8)
#define APIC_BASE_X2APIC  BIT(10)
#define APIC_BASE_ENABLE  BIT(11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull

#define PRED_CMD_IBPB BIT(0)

#define VM_CR_SVMDIS BIT(4)

#endif
