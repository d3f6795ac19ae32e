/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instruction decoding: what an instruction that touched a device wants, and how long an
 * instruction is.
 *
 * Pure. The decoder proper is Zydis; this wrapper reduces its result to what insn_exec can run, so
 * that no other file knows the library.
 */
#ifndef SOCLE_VM_INSN_DECODE_H
#define SOCLE_VM_INSN_DECODE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define INSN_BYTES_MAX 15

/* Size of code: CS.D and CS.L of the vCPU. */
enum insn_mode { INSN_MODE_16, INSN_MODE_32, INSN_MODE_64 };

enum insn_op {
    INSN_MOV,
    INSN_MOVZX,
    INSN_MOVSX, /* MOVSXD too */
    INSN_ADD,
    INSN_ADC,
    INSN_SUB,
    INSN_SBB,
    INSN_AND,
    INSN_OR,
    INSN_XOR,
    INSN_CMP,
    INSN_TEST,
    INSN_INC,
    INSN_DEC,
    INSN_NEG,
    INSN_NOT,
    INSN_XCHG,
    INSN_XADD,
    INSN_CMPXCHG,
    INSN_BT,
    INSN_BTS,
    INSN_BTR,
    INSN_BTC,
    INSN_STOS, /* string instructions: see insn_exec.h */
    INSN_LODS,
    INSN_MOVS,
    INSN_CMPS,
    INSN_SCAS,
    INSN_INS, /* port → memory; for EXIT_IO, the port side comes with the exit */
    INSN_OUTS,
};

enum insn_rep { INSN_REP_NONE, INSN_REP, INSN_REPNE };

#define INSN_NO_REG 0xff

/* One decoded instruction with one explicit memory operand, or a string instruction. */
struct insn {
    enum insn_op op;
    u8 length;
    u8 memory_bytes;  /* size of the memory operand: 1, 2, 4, 8 */
    u8 operand_bytes; /* size of the operation; larger than memory_bytes for MOVZX and MOVSX */
    u8 address_bytes; /* 2, 4, 8: width of effective addresses, string pointers and counts */
    bool reads_memory;
    bool writes_memory;
    bool is_memory_first; /* memory is the destination (or first source of CMP, TEST, BT) */
    bool is_string;
    enum insn_rep rep;
    u8 reg;           /* the other operand: enum vcpu_gpr, or INSN_NO_REG */
    bool is_reg_high; /* AH, CH, DH, BH: bits 8–15 of reg */
    bool has_imm;
    u64 imm;    /* sign-extended to 64 bits */
    u8 segment; /* enum hvm_seg of the memory operand; of the source for MOVS, LODS, OUTS, CMPS */
    u8 base;    /* enum vcpu_gpr, or INSN_NO_REG */
    u8 index;   /* enum vcpu_gpr, or INSN_NO_REG */
    u8 scale;   /* 1, 2, 4, 8 */
    bool is_rip_relative;
    u64 displacement; /* sign-extended */
};

/*
 * Decodes the instruction at bytes[0].
 * Return: 0 and *out; -ENODATA: it needs more bytes than count; -EINVAL: not a valid instruction
 * (#UD); -EOPNOTSUPP: valid, but nothing insn_exec can run; out->length is then set, and nothing
 * else.
 */
int insn_decode(const u8 *bytes, unsigned count, enum insn_mode mode, struct insn *out) must_check;

/* insn_decode's two halves: the common forms of 64-bit code (false: not one of them), and the
 * library. */
bool insn_decode_quick(const u8 *bytes, unsigned count, struct insn *out) must_check;
int insn_decode_full(const u8 *bytes, unsigned count, enum insn_mode mode,
                     struct insn *out) must_check;

/*
 * Length of an instruction that exits without memory operand: prefixes and one of CPUID HLT RDMSR
 * WRMSR RDPMC RDTSC RDTSCP VMMCALL VMCALL XSETBV XGETBV MONITOR MWAIT PAUSE INVD WBINVD INT3 CLTS,
 * MOV CR, IN, OUT, INS, OUTS and AMD-V's own. Cheap: no tables, no library. Return: 1–15, or 0 if
 * it is none of these or bytes are missing.
 */
unsigned insn_length_simple(const u8 *bytes, unsigned count, enum insn_mode mode);

/* A MOV to or from a control register. */
struct insn_cr {
    u8 length;
    u8 number; /* 0, 2, 3, 4, 8 */
    u8 gpr;    /* enum vcpu_gpr */
    bool is_write;
};

/* For exits without the register's number. Return: 0; -EINVAL: not MOV CR (LMSW, CLTS, SMSW) or
 * bytes missing. */
int insn_decode_cr(const u8 *bytes, unsigned count, enum insn_mode mode,
                   struct insn_cr *out) must_check;

#endif
