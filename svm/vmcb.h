/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine control block: its layout, control bits and exit codes, named as the manual
 * does.
 *
 * Spec: APM 2 appendix B "VMCB Layout", appendix C "SVM Intercept Exit Codes".
 */
#ifndef SOCLE_SVM_VMCB_H
#define SOCLE_SVM_VMCB_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Words of the intercept vector, by index. */
enum vmcb_intercept_word {
    INTERCEPT_CR,         /* 000h: reads of CR0–15, writes from bit 16 */
    INTERCEPT_DR,         /* 004h: reads of DR0–15, writes from bit 16 */
    INTERCEPT_EXCEPTIONS, /* 008h: by vector */
    INTERCEPT_MISC1,      /* 00Ch */
    INTERCEPT_MISC2,      /* 010h */
    INTERCEPT_MISC3,      /* 014h */
    INTERCEPT_WORDS,
};

/* Bit of 000h. */
#define INTERCEPT_CR8_WRITE 24u

/* Bits of 00Ch. */
#define INTERCEPT_INTR        0u
#define INTERCEPT_NMI         1u
#define INTERCEPT_SMI         2u
#define INTERCEPT_INIT        3u
#define INTERCEPT_VINTR       4u
#define INTERCEPT_RDPMC       15u
#define INTERCEPT_CPUID       18u
#define INTERCEPT_RSM         19u
#define INTERCEPT_IRET        20u
#define INTERCEPT_INVD        22u
#define INTERCEPT_PAUSE       23u
#define INTERCEPT_HLT         24u
#define INTERCEPT_INVLPGA     26u
#define INTERCEPT_IOIO_PROT   27u
#define INTERCEPT_MSR_PROT    28u
#define INTERCEPT_FERR_FREEZE 30u
#define INTERCEPT_SHUTDOWN    31u

/* Bits of 010h. */
#define INTERCEPT_VMRUN   0u
#define INTERCEPT_VMMCALL 1u
#define INTERCEPT_VMLOAD  2u
#define INTERCEPT_VMSAVE  3u
#define INTERCEPT_STGI    4u
#define INTERCEPT_CLGI    5u
#define INTERCEPT_SKINIT  6u
#define INTERCEPT_WBINVD  9u
#define INTERCEPT_MONITOR 10u
#define INTERCEPT_MWAIT   11u
#define INTERCEPT_XSETBV  13u
#define INTERCEPT_RDPRU   14u

/* TLB_CONTROL. */
#define TLB_CONTROL_DO_NOTHING 0u
#define TLB_CONTROL_FLUSH_ALL  1u

/* 060h "virtual interrupt control". */
#define V_TPR          0x00000000000000ffull
#define V_IRQ          BIT(8)
#define V_INTR_PRIO    0x00000000000f0000ull
#define V_IGN_TPR      BIT(20)
#define V_INTR_MASKING BIT(24)

/* 068h. */
#define INTERRUPT_SHADOW BIT(0)

/* 090h. */
#define NP_ENABLE BIT(0)

/* EVENTINJ and EXITINTINFO. Spec: APM 2 "Event Injection". */
#define EVENTINJ_VECTOR    0x00000000000000ffull
#define EVENTINJ_TYPE      0x0000000000000700ull
#define EVENTINJ_EV        BIT(11)
#define EVENTINJ_V         BIT(31)
#define EVENTINJ_ERRORCODE 0xffffffff00000000ull

#define EVENTINJ_TYPE_INTR      0u
#define EVENTINJ_TYPE_NMI       2u
#define EVENTINJ_TYPE_EXCEPTION 3u
#define EVENTINJ_TYPE_SOFT_INT  4u

/* EXITCODE. */
#define VMEXIT_CR8_WRITE 0x18u
#define VMEXIT_EXCP0     0x40u /* + vector, 32 of them */
#define VMEXIT_INTR      0x60u
#define VMEXIT_NMI       0x61u
#define VMEXIT_SMI       0x62u
#define VMEXIT_INIT      0x63u
#define VMEXIT_VINTR     0x64u
#define VMEXIT_RDPMC     0x6fu
#define VMEXIT_CPUID     0x72u
#define VMEXIT_IRET      0x74u
#define VMEXIT_INVD      0x76u
#define VMEXIT_PAUSE     0x77u
#define VMEXIT_HLT       0x78u
#define VMEXIT_INVLPGA   0x7au
#define VMEXIT_IOIO      0x7bu
#define VMEXIT_MSR       0x7cu
#define VMEXIT_SHUTDOWN  0x7fu
#define VMEXIT_VMRUN     0x80u
#define VMEXIT_VMMCALL   0x81u
#define VMEXIT_VMLOAD    0x82u
#define VMEXIT_VMSAVE    0x83u
#define VMEXIT_STGI      0x84u
#define VMEXIT_CLGI      0x85u
#define VMEXIT_SKINIT    0x86u
#define VMEXIT_WBINVD    0x89u
#define VMEXIT_MONITOR   0x8au
#define VMEXIT_MWAIT     0x8bu
#define VMEXIT_XSETBV    0x8du
#define VMEXIT_RDPRU     0x8eu
#define VMEXIT_NPF       0x400u
#define VMEXIT_INVALID   0xffffffffu /* low half: emulators do not extend the sign */

/* EXITINFO1 of VMEXIT_CR8_WRITE with decode assists. Spec: APM 2 "MOV CRx/DRx Intercepts". */
#define CR_MOV BIT(63)
#define CR_GPR 0xfu

/* EXITINFO1 of VMEXIT_IOIO. Spec: APM 2 "IOIO Intercepts". */
#define IOIO_TYPE BIT(0) /* 1: IN */
#define IOIO_STR  BIT(2)
#define IOIO_REP  BIT(3)
#define IOIO_SZ   0x0000000000000070ull /* operand size in bytes: 1, 2, 4 */
#define IOIO_A    0x0000000000000380ull /* one bit each for 16, 32, 64-bit addresses */
#define IOIO_SEG  0x0000000000001c00ull /* with decode assists */
#define IOIO_PORT 0x00000000ffff0000ull

/* EXITINFO1 of VMEXIT_NPF. Spec: APM 2 "Nested versus Guest Page Faults, Fault Ordering". */
#define NPF_P           BIT(0)
#define NPF_W           BIT(1)
#define NPF_ID          BIT(4)
#define NPF_GUEST_TABLE BIT(33)

struct vmcb_segment {
    u16 selector;
    u16 attrib; /* descriptor bits 55:52 and 47:40, packed into 12 */
    u32 limit;
    u64 base;
} packed;

struct vmcb_control {
    u32 intercept[INTERCEPT_WORDS];
    u8 reserved_018[0x03c - 0x018];
    u16 pause_filter_threshold;
    u16 pause_filter_count;
    u64 iopm_base_pa;
    u64 msrpm_base_pa;
    u64 tsc_offset;
    u32 guest_asid;
    u8 tlb_control;
    u8 reserved_05d[3];
    u64 vintr;
    u64 interrupt_shadow;
    u64 exitcode;
    u64 exitinfo1;
    u64 exitinfo2;
    u64 exitintinfo;
    u64 np_enable;
    u8 reserved_098[0x0a8 - 0x098];
    u64 eventinj;
    u64 n_cr3;
    u64 lbr_virtualization_enable;
    u64 vmcb_clean;
    u64 nrip;
    u8 bytes_fetched;
    u8 instruction_bytes[15];
    u8 reserved_0e0[0x400 - 0x0e0];
} packed;

struct vmcb_save {
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    u8 reserved_0a0[0x0cb - 0x0a0];
    u8 cpl;
    u8 reserved_0cc[4];
    u64 efer;
    u8 reserved_0d8[0x148 - 0x0d8];
    u64 cr4;
    u64 cr3;
    u64 cr0;
    u64 dr7;
    u64 dr6;
    u64 rflags;
    u64 rip;
    u8 reserved_180[0x1d8 - 0x180];
    u64 rsp;
    u64 s_cet;
    u64 ssp;
    u64 isst_addr;
    u64 rax;
    u64 star;
    u64 lstar;
    u64 cstar;
    u64 sfmask;
    u64 kernel_gs_base;
    u64 sysenter_cs;
    u64 sysenter_esp;
    u64 sysenter_eip;
    u64 cr2;
    u8 reserved_248[0x268 - 0x248];
    u64 g_pat;
    u64 dbgctl;
    u8 reserved_278[0xc00 - 0x278];
} packed;

struct vmcb {
    struct vmcb_control control;
    struct vmcb_save save;
} packed;

#define VMCB_OFFSET(member, offset) \
    _Static_assert(offsetof(struct vmcb, member) == (offset), "VMCB layout: " #member)

VMCB_OFFSET(control.pause_filter_threshold, 0x03c);
VMCB_OFFSET(control.iopm_base_pa, 0x040);
VMCB_OFFSET(control.msrpm_base_pa, 0x048);
VMCB_OFFSET(control.tsc_offset, 0x050);
VMCB_OFFSET(control.guest_asid, 0x058);
VMCB_OFFSET(control.tlb_control, 0x05c);
VMCB_OFFSET(control.vintr, 0x060);
VMCB_OFFSET(control.interrupt_shadow, 0x068);
VMCB_OFFSET(control.exitcode, 0x070);
VMCB_OFFSET(control.exitintinfo, 0x088);
VMCB_OFFSET(control.np_enable, 0x090);
VMCB_OFFSET(control.eventinj, 0x0a8);
VMCB_OFFSET(control.n_cr3, 0x0b0);
VMCB_OFFSET(control.vmcb_clean, 0x0c0);
VMCB_OFFSET(control.nrip, 0x0c8);
VMCB_OFFSET(control.instruction_bytes, 0x0d1);
VMCB_OFFSET(save.es, 0x400);
VMCB_OFFSET(save.gdtr, 0x460);
VMCB_OFFSET(save.tr, 0x490);
VMCB_OFFSET(save.cpl, 0x4cb);
VMCB_OFFSET(save.efer, 0x4d0);
VMCB_OFFSET(save.cr4, 0x548);
VMCB_OFFSET(save.rip, 0x578);
VMCB_OFFSET(save.rsp, 0x5d8);
VMCB_OFFSET(save.rax, 0x5f8);
VMCB_OFFSET(save.star, 0x600);
VMCB_OFFSET(save.cr2, 0x640);
VMCB_OFFSET(save.g_pat, 0x668);
VMCB_OFFSET(save.dbgctl, 0x670);
_Static_assert(sizeof(struct vmcb) == PAGE_SIZE, "a VMCB is one page");

/* Attributes: struct hvm_segment keeps the descriptor's layout, the VMCB squeezes out bits 51:48.
 */
#define VMCB_ATTRIB_LOW  0x00ffu
#define VMCB_ATTRIB_HIGH 0x0f00u

#endif
