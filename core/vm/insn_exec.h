/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Execution of decoded instructions whose memory operand is a device register.
 *
 * Pure; works on values. The caller moves the data: it reads memory_bytes from the bus if
 * insn.reads_memory, calls insn_exec, and writes the result if insn.writes_memory. For a string
 * instruction it repeats per element, at most a bounded number per exit, and leaves RIP on the
 * instruction until none is left:
 *
 *     if (insn_string_left(insn, gpr) == 0) -> done
 *     STOS, MOVS, LODS, CMPS, SCAS: value = read source (insn_string_source) if it is memory
 *     insn_exec / write destination (insn_string_dest)
 *     done = !insn_string_step(insn, gpr, rflags)
 */
#ifndef SOCLE_VM_INSN_EXEC_H
#define SOCLE_VM_INSN_EXEC_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/insn_decode.h"

/* Flags the operations change. */
#define FLAG_CF BIT(0)
#define FLAG_PF BIT(2)
#define FLAG_AF BIT(4)
#define FLAG_ZF BIT(6)
#define FLAG_SF BIT(7)
#define FLAG_OF BIT(11)

/* Offset of the (explicit) memory operand in its segment. next_rip: address after the instruction.
 */
u64 insn_offset(const struct insn *insn, const u64 *gpr, u64 next_rip);

/*
 * Runs an instruction that is not a string instruction. memory: what was read (0 if it does not
 * read); gpr: array indexed by enum vcpu_gpr, updated; rflags updated. Return: what to write to
 * memory, in memory_bytes; of no meaning unless insn.writes_memory.
 */
u64 insn_exec(const struct insn *insn, u64 *gpr, u64 *rflags, u64 memory);

/* Elements still to do: 1 without a REP prefix, else the count register. */
u64 insn_string_left(const struct insn *insn, const u64 *gpr);

/* Offset of the current source (in insn.segment) and destination (in ES), cut to the address size.
 */
u64 insn_string_source(const struct insn *insn, const u64 *gpr);
u64 insn_string_dest(const struct insn *insn, const u64 *gpr);

/*
 * One element's effect on everything but memory: LODS loads rAX from source, CMPS and SCAS set the
 * flags (SCAS compares rAX with source; CMPS source with dest). source, dest: values read; unused
 * ones ignored. Return: the value to write to the destination (STOS: rAX, MOVS and INS: source), in
 * memory_bytes.
 */
u64 insn_string_exec(const struct insn *insn, u64 *gpr, u64 *rflags, u64 source, u64 dest);

/*
 * Advances rSI, rDI and the count by one element, as DF and the address size say.
 * Return: true if another element follows.
 */
bool insn_string_step(const struct insn *insn, u64 *gpr, u64 rflags);

#endif
