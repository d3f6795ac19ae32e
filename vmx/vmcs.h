/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual-machine control structure: field encodings, control bits and exit reasons, named as
 * the manual does.
 *
 * Spec: SDM 3D appendix B "Field Encoding in VMCS", appendix C "VMX Basic Exit Reasons"; SDM 3C
 * "VM-Execution Control Fields", "VM-Exit Control Fields", "VM-Entry Control Fields".
 */
#ifndef SOCLE_VMX_VMCS_H
#define SOCLE_VMX_VMCS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

enum vmcs_field {
    /* 16-bit */
    VPID = 0x0000,
    POSTED_INTERRUPT_NOTIFICATION_VECTOR = 0x0002,
    GUEST_ES_SELECTOR = 0x0800, /* ES CS SS DS FS GS LDTR TR, two apart */
    GUEST_LDTR_SELECTOR = 0x080c,
    GUEST_TR_SELECTOR = 0x080e,
    GUEST_INTERRUPT_STATUS = 0x0810,
    HOST_ES_SELECTOR = 0x0c00,
    HOST_CS_SELECTOR = 0x0c02,
    HOST_SS_SELECTOR = 0x0c04,
    HOST_DS_SELECTOR = 0x0c06,
    HOST_FS_SELECTOR = 0x0c08,
    HOST_GS_SELECTOR = 0x0c0a,
    HOST_TR_SELECTOR = 0x0c0c,

    /* 64-bit */
    IO_BITMAP_A = 0x2000,
    IO_BITMAP_B = 0x2002,
    MSR_BITMAPS = 0x2004,
    TSC_OFFSET = 0x2010,
    VIRTUAL_APIC_ADDRESS = 0x2012,
    APIC_ACCESS_ADDRESS = 0x2014,
    POSTED_INTERRUPT_DESCRIPTOR = 0x2016,
    EPT_POINTER = 0x201a,
    EOI_EXIT_BITMAP_0 = 0x201c, /* four, two apart */
    GUEST_PHYSICAL_ADDRESS = 0x2400,
    VMCS_LINK_POINTER = 0x2800,
    GUEST_IA32_DEBUGCTL = 0x2802,
    GUEST_IA32_PAT = 0x2804,
    GUEST_IA32_EFER = 0x2806,
    GUEST_PDPTE0 = 0x280a, /* four, two apart */
    HOST_IA32_PAT = 0x2c00,
    HOST_IA32_EFER = 0x2c02,

    /* 32-bit */
    PIN_BASED_CONTROLS = 0x4000,
    PROCESSOR_BASED_CONTROLS = 0x4002,
    EXCEPTION_BITMAP = 0x4004,
    PAGE_FAULT_ERROR_CODE_MASK = 0x4006,
    PAGE_FAULT_ERROR_CODE_MATCH = 0x4008,
    CR3_TARGET_COUNT = 0x400a,
    EXIT_CONTROLS = 0x400c,
    EXIT_MSR_STORE_COUNT = 0x400e,
    EXIT_MSR_LOAD_COUNT = 0x4010,
    ENTRY_CONTROLS = 0x4012,
    ENTRY_MSR_LOAD_COUNT = 0x4014,
    ENTRY_INTERRUPTION_INFORMATION = 0x4016,
    ENTRY_EXCEPTION_ERROR_CODE = 0x4018,
    ENTRY_INSTRUCTION_LENGTH = 0x401a,
    TPR_THRESHOLD = 0x401c,
    SECONDARY_CONTROLS = 0x401e,
    PLE_GAP = 0x4020,
    PLE_WINDOW = 0x4022,
    VM_INSTRUCTION_ERROR = 0x4400,
    EXIT_REASON = 0x4402,
    EXIT_INTERRUPTION_INFORMATION = 0x4404,
    EXIT_INTERRUPTION_ERROR_CODE = 0x4406,
    IDT_VECTORING_INFORMATION = 0x4408,
    IDT_VECTORING_ERROR_CODE = 0x440a,
    EXIT_INSTRUCTION_LENGTH = 0x440c,
    EXIT_INSTRUCTION_INFORMATION = 0x440e,
    GUEST_ES_LIMIT = 0x4800, /* in the order of the selectors */
    GUEST_GDTR_LIMIT = 0x4810,
    GUEST_IDTR_LIMIT = 0x4812,
    GUEST_ES_ACCESS_RIGHTS = 0x4814, /* in the order of the selectors */
    GUEST_INTERRUPTIBILITY = 0x4824,
    GUEST_ACTIVITY = 0x4826,
    GUEST_SYSENTER_CS = 0x482a,
    PREEMPTION_TIMER = 0x482e,
    HOST_SYSENTER_CS = 0x4c00,

    /* natural width */
    CR0_GUEST_HOST_MASK = 0x6000,
    CR4_GUEST_HOST_MASK = 0x6002,
    CR0_READ_SHADOW = 0x6004,
    CR4_READ_SHADOW = 0x6006,
    EXIT_QUALIFICATION = 0x6400,
    GUEST_LINEAR_ADDRESS = 0x640a,
    GUEST_CR0 = 0x6800,
    GUEST_CR3 = 0x6802,
    GUEST_CR4 = 0x6804,
    GUEST_ES_BASE = 0x6806, /* in the order of the selectors */
    GUEST_GDTR_BASE = 0x6816,
    GUEST_IDTR_BASE = 0x6818,
    GUEST_DR7 = 0x681a,
    GUEST_RSP = 0x681c,
    GUEST_RIP = 0x681e,
    GUEST_RFLAGS = 0x6820,
    GUEST_PENDING_DEBUG = 0x6822,
    GUEST_SYSENTER_ESP = 0x6824,
    GUEST_SYSENTER_EIP = 0x6826,
    HOST_CR0 = 0x6c00,
    HOST_CR3 = 0x6c02,
    HOST_CR4 = 0x6c04,
    HOST_FS_BASE = 0x6c06,
    HOST_GS_BASE = 0x6c08,
    HOST_TR_BASE = 0x6c0a,
    HOST_GDTR_BASE = 0x6c0c,
    HOST_IDTR_BASE = 0x6c0e,
    HOST_SYSENTER_ESP = 0x6c10,
    HOST_SYSENTER_EIP = 0x6c12,
    HOST_RSP = 0x6c14,
    HOST_RIP = 0x6c16,
};

#define VMCS_FIELD_STRIDE 2u

/* Bit of CR4: VMX operation is possible. */
#define CR4_VMXE BIT(13)

/* Pin-based VM-execution controls. */
#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI                BIT(3)
#define PIN_VIRTUAL_NMIS       BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)
#define PIN_POSTED_INTERRUPTS  BIT(7)

/* Primary processor-based VM-execution controls. */
#define PROC_INTERRUPT_WINDOW   BIT(2)
#define PROC_TSC_OFFSETTING     BIT(3)
#define PROC_HLT                BIT(7)
#define PROC_MWAIT              BIT(10)
#define PROC_RDPMC              BIT(11)
#define PROC_CR3_LOAD           BIT(15)
#define PROC_CR3_STORE          BIT(16)
#define PROC_TPR_SHADOW         BIT(21)
#define PROC_NMI_WINDOW         BIT(22)
#define PROC_UNCONDITIONAL_IO   BIT(24)
#define PROC_IO_BITMAPS         BIT(25)
#define PROC_MSR_BITMAPS        BIT(28)
#define PROC_MONITOR            BIT(29)
#define PROC_SECONDARY_CONTROLS BIT(31)

/* Secondary processor-based VM-execution controls. */
#define PROC2_APIC_ACCESSES      BIT(0)
#define PROC2_EPT                BIT(1)
#define PROC2_RDTSCP             BIT(3)
#define PROC2_X2APIC_MODE        BIT(4)
#define PROC2_VPID               BIT(5)
#define PROC2_WBINVD             BIT(6)
#define PROC2_UNRESTRICTED_GUEST BIT(7)
#define PROC2_APIC_REGISTERS     BIT(8)
#define PROC2_INTERRUPT_DELIVERY BIT(9)
#define PROC2_PAUSE_LOOP         BIT(10)
#define PROC2_INVPCID            BIT(12)

/* VM-exit controls. */
#define EXIT_SAVE_DEBUG    BIT(2)
#define EXIT_HOST_64       BIT(9)
#define EXIT_ACK_INTERRUPT BIT(15)
#define EXIT_SAVE_PAT      BIT(18)
#define EXIT_LOAD_PAT      BIT(19)
#define EXIT_SAVE_EFER     BIT(20)
#define EXIT_LOAD_EFER     BIT(21)

/* VM-entry controls. */
#define ENTRY_LOAD_DEBUG BIT(2)
#define ENTRY_IA32E_MODE BIT(9)
#define ENTRY_LOAD_PAT   BIT(14)
#define ENTRY_LOAD_EFER  BIT(15)

/* Interruption information, of entries, exits and IDT vectoring alike. */
#define INTR_VECTOR      0x000000ffull
#define INTR_TYPE        0x00000700ull
#define INTR_ERROR_CODE  BIT(11)
#define INTR_NMI_UNBLOCK BIT(12) /* exits only: NMI unblocking due to IRET */
#define INTR_VALID       BIT(31)

#define INTR_TYPE_EXTERNAL       0u
#define INTR_TYPE_NMI            2u
#define INTR_TYPE_EXCEPTION      3u
#define INTR_TYPE_SOFT_INT       4u
#define INTR_TYPE_PRIV_EXCEPTION 5u /* ICEBP */
#define INTR_TYPE_SOFT_EXCEPTION 6u

/* Guest interruptibility state. */
#define BLOCKED_BY_STI    BIT(0)
#define BLOCKED_BY_MOV_SS BIT(1)
#define BLOCKED_BY_SMI    BIT(2)
#define BLOCKED_BY_NMI    BIT(3)

#define ACTIVITY_ACTIVE 0u

/* Segment access rights beyond the descriptor's. */
#define RIGHTS_UNUSABLE BIT(16)

/* Exit reasons. */
#define REASON_EXCEPTION_OR_NMI     0u
#define REASON_EXTERNAL_INTERRUPT   1u
#define REASON_TRIPLE_FAULT         2u
#define REASON_INIT                 3u
#define REASON_SIPI                 4u
#define REASON_IO_SMI               5u
#define REASON_OTHER_SMI            6u
#define REASON_INTERRUPT_WINDOW     7u
#define REASON_NMI_WINDOW           8u
#define REASON_TASK_SWITCH          9u
#define REASON_CPUID                10u
#define REASON_GETSEC               11u
#define REASON_HLT                  12u
#define REASON_INVD                 13u
#define REASON_RDPMC                15u
#define REASON_VMCALL               18u
#define REASON_VMCLEAR              19u
#define REASON_VMLAUNCH             20u
#define REASON_VMPTRLD              21u
#define REASON_VMPTRST              22u
#define REASON_VMREAD               23u
#define REASON_VMRESUME             24u
#define REASON_VMWRITE              25u
#define REASON_VMXOFF               26u
#define REASON_VMXON                27u
#define REASON_CR_ACCESS            28u
#define REASON_IO                   30u
#define REASON_RDMSR                31u
#define REASON_WRMSR                32u
#define REASON_INVALID_GUEST_STATE  33u
#define REASON_MSR_LOADING          34u
#define REASON_MWAIT                36u
#define REASON_MONITOR              39u
#define REASON_PAUSE                40u
#define REASON_MACHINE_CHECK        41u
#define REASON_TPR_BELOW_THRESHOLD  43u
#define REASON_APIC_ACCESS          44u
#define REASON_VIRTUALIZED_EOI      45u
#define REASON_EPT_VIOLATION        48u
#define REASON_EPT_MISCONFIGURATION 49u
#define REASON_INVEPT               50u
#define REASON_PREEMPTION_TIMER     52u
#define REASON_INVVPID              53u
#define REASON_WBINVD               54u
#define REASON_XSETBV               55u
#define REASON_APIC_WRITE           56u
#define REASON_VMFUNC               59u
#define REASON_COUNT                60u

#define EXIT_REASON_BASIC        0xffffull
#define EXIT_REASON_ENTRY_FAILED BIT(31)

/* Spec: SDM 3C "Exit Qualification for I/O Instructions". */
#define IO_SIZE   0x00000007ull /* bytes minus one */
#define IO_IN     BIT(3)
#define IO_STRING BIT(4)
#define IO_REP    BIT(5)
#define IO_PORT   0xffff0000ull

/* Exit instruction information of INS and OUTS. */
#define STRING_ADDRESS_SIZE 0x00000380ull /* 0: 16, 1: 32, 2: 64 bits */
#define STRING_SEGMENT      0x00038000ull

/* "Exit Qualification for Control-Register Accesses". */
#define CR_NUMBER      0x0000000full
#define CR_ACCESS_TYPE 0x00000030ull
#define CR_GPR         0x00000f00ull
#define CR_MOV_TO      0u
#define CR_MOV_FROM    1u

/* "Exit Qualification for EPT Violations". */
#define EPT_VIOLATION_READ         BIT(0)
#define EPT_VIOLATION_WRITE        BIT(1)
#define EPT_VIOLATION_FETCH        BIT(2)
#define EPT_VIOLATION_PERMISSIONS  0x00000038ull
#define EPT_VIOLATION_LINEAR_VALID BIT(7)
#define EPT_VIOLATION_TRANSLATED   BIT(8) /* the linear address's own translation, not the walk */
#define EPT_VIOLATION_NMI_UNBLOCK  BIT(12)

/* "Exit Qualification for Debug Exceptions". */
#define DEBUG_CAUSES 0x0000600full /* B0–3, BD, BS */

/* "Exit Qualification for APIC-Access VM Exits from Linear Accesses and Guest-Physical Accesses".
 */
#define APIC_ACCESS_OFFSET 0x00000fffull
#define APIC_ACCESS_TYPE   0x0000f000ull
#define APIC_ACCESS_READ   0u
#define APIC_ACCESS_WRITE  1u
#define APIC_ACCESS_FETCH  2u

/* EPT pointer. */
#define EPTP_WB           6ull
#define EPTP_WALK_4       (3ull << 3)
#define EPTP_ACCESS_DIRTY BIT(6)

/* What precedes the fields in the 4 KiB of a VMXON or VMCS region. */
struct vmcs_region {
    u32 revision;
    u32 abort_indicator;
    u8 data[PAGE_SIZE - 2 * sizeof(u32)];
} packed;

_Static_assert(sizeof(struct vmcs_region) == PAGE_SIZE, "a VMCS region is one page");

#endif
