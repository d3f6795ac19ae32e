/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three instructions drivers reach registers with, decoded without the library: MOV between a
 * 16-, 32- or 64-bit register or an immediate and memory, in 64-bit code. Everything else is left
 * to insn_decode_full. (Doorbells of virtio are 16 bits wide.)
 *
 * Device accesses are the most frequent exits after timers, and the full decoder costs thousands of
 * instructions for what these forms need fifty. A unit test compares the two over all encodings.
 *
 * Spec: APM 3 "Instruction Encoding", "ModRM and SIB Bytes".
 */
#include "core/lib/string.h"
#include "core/vm/hvm_ops.h"
#include "core/vm/insn_decode.h"
#include "core/vm/vcpu.h"

#define OPCODE_STORE     0x89u /* MOV Ev, Gv */
#define OPCODE_LOAD      0x8bu /* MOV Gv, Ev */
#define OPCODE_STORE_IMM 0xc7u /* MOV Ev, Iz: ModRM.reg is 0 */
#define OPERAND_SIZE     0x66u /* prefix: 16 bits */
#define REX_MASK         0xf0u
#define REX_VALUE        0x40u
#define REX_W            BIT(3)
#define REX_R            BIT(2)
#define REX_X            BIT(1)
#define REX_B            BIT(0)
#define MOD_REGISTER     3u
#define RM_SIB           4u
#define RM_RIP           5u /* with mod 0: disp32 from RIP, or without base in a SIB byte */
#define INDEX_NONE       4u

/* Bytes still unread. */
struct cursor {
    const u8 *at;
    const u8 *end;
};

static bool take(struct cursor *c, u8 *byte)
{
    if (c->at == c->end)
        return false;
    *byte = *c->at++;
    return true;
}

/* A sign-extended number of 1, 2 or 4 bytes. */
static bool take_signed(struct cursor *c, unsigned bytes, u64 *value)
{
    s32 wide;
    s16 half;

    if ((size_t)(c->end - c->at) < bytes)
        return false;
    if (bytes == 1) {
        *value = (u64)(s64)(s8)*c->at;
    } else if (bytes == 2) {
        memcpy(&half, c->at, sizeof half);
        *value = (u64)(s64)half;
    } else {
        memcpy(&wide, c->at, sizeof wide);
        *value = (u64)(s64)wide;
    }
    c->at += bytes;
    return true;
}

/* Return: false if bytes are missing. On true *has_base says whether a base register was named. */
static bool take_sib(struct cursor *c, u8 rex, u8 mod, struct insn *out, bool *has_base)
{
    u8 sib, index;

    if (!take(c, &sib))
        return false;
    index = (u8)(((sib >> 3) & 7) | ((rex & REX_X) != 0 ? 8 : 0));
    if (index != INDEX_NONE) {
        out->index = index;
        out->scale = (u8)(1u << (sib >> 6));
    }
    *has_base = (sib & 7) != RM_RIP || mod != 0;
    if (*has_base)
        out->base = (u8)((sib & 7) | ((rex & REX_B) != 0 ? 8 : 0));
    return true;
}

static bool take_memory(struct cursor *c, u8 rex, u8 modrm, struct insn *out)
{
    u8 mod = modrm >> 6, rm = modrm & 7;
    bool has_base = true;
    unsigned displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    if (rm == RM_SIB) {
        if (!take_sib(c, rex, mod, out, &has_base))
            return false;
    } else if (rm == RM_RIP && mod == 0) {
        out->is_rip_relative = true;
        has_base = false;
    } else {
        out->base = (u8)(rm | ((rex & REX_B) != 0 ? 8 : 0));
    }
    if (!has_base)
        displacement = 4;
    out->segment = out->base == GPR_RSP || out->base == GPR_RBP ? HVM_SS : HVM_DS;
    return displacement == 0 || take_signed(c, displacement, &out->displacement);
}

bool insn_decode_quick(const u8 *bytes, unsigned count, struct insn *out)
{
    struct cursor c = {bytes, bytes + MIN(count, (unsigned)INSN_BYTES_MAX)};
    u8 rex = 0, narrow = 4, opcode, modrm, size;

    if (!take(&c, &opcode))
        return false;
    if (opcode == OPERAND_SIZE) {
        narrow = 2;
        if (!take(&c, &opcode))
            return false;
    }
    if ((opcode & REX_MASK) == REX_VALUE) {
        rex = opcode;
        if (!take(&c, &opcode))
            return false;
    }
    if ((opcode != OPCODE_LOAD && opcode != OPCODE_STORE && opcode != OPCODE_STORE_IMM) ||
        !take(&c, &modrm) || (modrm >> 6) == MOD_REGISTER)
        return false;
    size = (rex & REX_W) != 0 ? 8 : narrow;
    *out = (struct insn){.op = INSN_MOV,
                         .memory_bytes = size,
                         .operand_bytes = size,
                         .address_bytes = 8,
                         .reads_memory = opcode == OPCODE_LOAD,
                         .writes_memory = opcode != OPCODE_LOAD,
                         .is_memory_first = opcode != OPCODE_LOAD,
                         .reg = INSN_NO_REG,
                         .base = INSN_NO_REG,
                         .index = INSN_NO_REG};
    if (!take_memory(&c, rex, modrm, out))
        return false;
    if (opcode == OPCODE_STORE_IMM) {
        out->has_imm = true;
        if ((modrm & 0x38) != 0 || !take_signed(&c, MIN(size, 4u), &out->imm))
            return false;
    } else {
        out->reg = (u8)(((modrm >> 3) & 7) | ((rex & REX_R) != 0 ? 8 : 0));
    }
    out->length = (u8)(c.at - bytes);
    return true;
}
