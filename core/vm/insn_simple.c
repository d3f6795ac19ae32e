/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lengths of the instructions that exit without a memory operand, and MOV CR, found without a
 * library.
 *
 * Spec: APM 3 "Instruction Encoding", appendix A "Opcode and Operand Encodings".
 */
#include "core/lib/errno.h"
#include "core/vm/insn_decode.h"

#define REX_FIRST 0x40u
#define REX_LAST  0x4fu
#define REX_R     BIT(2)
#define REX_B     BIT(0)
#define ESCAPE    0x0fu
#define LOCK      0xf0u

#define CR8_OFFSET 8u /* REX.R, or LOCK where there is no REX, reaches CR8 */

struct prefixes {
    unsigned length;
    u8 rex;
    bool has_lock;
};

static bool is_legacy_prefix(u8 byte)
{
    switch (byte) {
    case 0x26: /* ES, CS, SS, DS, FS, GS */
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66: /* operand size, address size, LOCK, REPNE, REP */
    case 0x67:
    case LOCK:
    case 0xf2:
    case 0xf3:
        return true;
    default:
        return false;
    }
}

static struct prefixes skip_prefixes(const u8 *bytes, unsigned count, enum insn_mode mode)
{
    struct prefixes p = {0, 0, false};

    while (p.length < count && is_legacy_prefix(bytes[p.length])) {
        p.has_lock |= bytes[p.length] == LOCK;
        p.length++;
    }
    if (mode == INSN_MODE_64 && p.length < count && bytes[p.length] >= REX_FIRST &&
        bytes[p.length] <= REX_LAST)
        p.rex = bytes[p.length++];
    return p;
}

static bool is_in(u8 value, u8 first, u8 last)
{
    return value >= first && value <= last;
}

/* Group 0F 01: the ModRM byte is part of the opcode. */
static unsigned group7_length(u8 modrm)
{
    switch (modrm) {
    case 0xc1: /* VMCALL */
    case 0xc8: /* MONITOR */
    case 0xc9: /* MWAIT */
    case 0xd0: /* XGETBV */
    case 0xd1: /* XSETBV */
    case 0xf9: /* RDTSCP */
    case 0xfd: /* RDPRU */
        return 3;
    default: /* VMRUN VMMCALL VMLOAD VMSAVE STGI CLGI SKINIT INVLPGA */
        return is_in(modrm, 0xd8, 0xdf) ? 3 : 0;
    }
}

static unsigned two_byte_length(const u8 *bytes, unsigned count)
{
    switch (bytes[1]) {
    case 0x01:
        return count >= 3 ? group7_length(bytes[2]) : 0;
    case 0x06: /* CLTS */
    case 0x08: /* INVD */
    case 0x09: /* WBINVD */
    case 0x30: /* WRMSR */
    case 0x31: /* RDTSC */
    case 0x32: /* RDMSR */
    case 0x33: /* RDPMC */
    case 0xa2: /* CPUID */
        return 2;
    case 0x20: /* MOV to and from CR and DR; ModRM names registers whatever its mode bits say */
    case 0x21:
    case 0x22:
    case 0x23:
        return 3;
    default:
        return 0;
    }
}

static unsigned opcode_length(const u8 *bytes, unsigned count)
{
    u8 opcode = bytes[0];

    if (opcode == ESCAPE)
        return count >= 2 ? two_byte_length(bytes, count) : 0;
    if (opcode == 0xf4 || opcode == 0x90 || opcode == 0xcc) /* HLT, PAUSE, INT3 */
        return 1;
    if (is_in(opcode, 0x6c, 0x6f) || is_in(opcode, 0xec, 0xef)) /* INS, OUTS; IN, OUT with DX */
        return 1;
    return is_in(opcode, 0xe4, 0xe7) ? 2 : 0; /* IN, OUT with an immediate port */
}

unsigned insn_length_simple(const u8 *bytes, unsigned count, enum insn_mode mode)
{
    unsigned available = MIN(count, INSN_BYTES_MAX), length;
    struct prefixes p = skip_prefixes(bytes, available, mode);

    if (p.length >= available)
        return 0;
    length = opcode_length(bytes + p.length, available - p.length);
    return length != 0 && p.length + length <= available ? p.length + length : 0;
}

int insn_decode_cr(const u8 *bytes, unsigned count, enum insn_mode mode, struct insn_cr *out)
{
    unsigned available = MIN(count, INSN_BYTES_MAX);
    struct prefixes p = skip_prefixes(bytes, available, mode);
    const u8 *opcode = bytes + p.length;
    u8 modrm, number;

    if (p.length + 3 > available || opcode[0] != ESCAPE || (opcode[1] != 0x20 && opcode[1] != 0x22))
        return -EINVAL;
    modrm = opcode[2];
    number = (u8)((modrm >> 3) & 7);
    if ((p.rex & REX_R) != 0 || p.has_lock)
        number = (u8)(number + CR8_OFFSET);
    if (number == 1 || (number >= 5 && number != 8))
        return -EINVAL;
    *out = (struct insn_cr){
        .length = (u8)(p.length + 3),
        .number = number,
        .gpr = (u8)((modrm & 7) | ((p.rex & REX_B) != 0 ? 8 : 0)),
        .is_write = opcode[1] == 0x22,
    };
    return 0;
}
