/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integer instructions with a memory operand, executed on values.
 *
 * Spec: APM 3 "General-Purpose Instruction Reference", APM 1 "Flags Register".
 */
#include "core/vm/insn_exec.h"

#include "core/vm/vcpu.h"

#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
#define FLAG_DF          BIT(10)
#define HIGH_BYTE_SHIFT  8u
#define AF_CARRY         BIT(4)

static u64 mask_of(unsigned bytes)
{
    return bytes >= sizeof(u64) ? ~0ull : BIT(8 * bytes) - 1;
}

static u64 sign_bit(unsigned bytes)
{
    return BIT(8 * bytes - 1);
}

static u64 sign_extend(u64 value, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;

    return (u64)((s64)(value << shift) >> shift);
}

static u64 reg_read(const u64 *gpr, unsigned reg, bool is_high, unsigned bytes)
{
    return (is_high ? gpr[reg] >> HIGH_BYTE_SHIFT : gpr[reg]) & mask_of(bytes);
}

/* 32-bit results clear the upper half, smaller ones leave the rest alone. */
static void reg_write(u64 *gpr, unsigned reg, bool is_high, unsigned bytes, u64 value)
{
    unsigned shift = is_high ? HIGH_BYTE_SHIFT : 0;
    u64 mask = bytes == sizeof(u32) ? ~0ull : mask_of(bytes) << shift;

    gpr[reg] = (gpr[reg] & ~mask) | (((value & mask_of(bytes)) << shift) & mask);
}

static u64 result_flags(u64 result, unsigned bytes)
{
    u64 flags = 0;

    if ((result & mask_of(bytes)) == 0)
        flags |= FLAG_ZF;
    if ((result & sign_bit(bytes)) != 0)
        flags |= FLAG_SF;
    if (!__builtin_parity((unsigned)(result & 0xff)))
        flags |= FLAG_PF;
    return flags;
}

static void set_flags(u64 *rflags, u64 which, u64 flags)
{
    *rflags = (*rflags & ~which) | (flags & which);
}

static u64 do_add(u64 a, u64 b, bool carry, unsigned bytes, u64 which, u64 *rflags)
{
    u64 result = (a + b + carry) & mask_of(bytes), flags = result_flags(result, bytes);

    if (result < a || (carry && result == a))
        flags |= FLAG_CF;
    if (((a ^ b ^ result) & AF_CARRY) != 0)
        flags |= FLAG_AF;
    if ((~(a ^ b) & (a ^ result) & sign_bit(bytes)) != 0)
        flags |= FLAG_OF;
    set_flags(rflags, which, flags);
    return result;
}

static u64 do_sub(u64 a, u64 b, bool borrow, unsigned bytes, u64 which, u64 *rflags)
{
    u64 result = (a - b - borrow) & mask_of(bytes), flags = result_flags(result, bytes);

    if (a < b || (borrow && a == b))
        flags |= FLAG_CF;
    if (((a ^ b ^ result) & AF_CARRY) != 0)
        flags |= FLAG_AF;
    if (((a ^ b) & (a ^ result) & sign_bit(bytes)) != 0)
        flags |= FLAG_OF;
    set_flags(rflags, which, flags);
    return result;
}

static u64 do_logic(u64 result, unsigned bytes, u64 *rflags)
{
    set_flags(rflags, FLAGS_ARITHMETIC, result_flags(result, bytes));
    return result;
}

/* a: destination, b: source, both cut to `bytes`. Return: the new destination. */
static u64 alu(enum insn_op op, u64 a, u64 b, unsigned bytes, u64 *rflags)
{
    bool carry = (*rflags & FLAG_CF) != 0;

    switch (op) {
    case INSN_ADD:
        return do_add(a, b, false, bytes, FLAGS_ARITHMETIC, rflags);
    case INSN_ADC:
        return do_add(a, b, carry, bytes, FLAGS_ARITHMETIC, rflags);
    case INSN_SUB:
    case INSN_CMP:
        return do_sub(a, b, false, bytes, FLAGS_ARITHMETIC, rflags);
    case INSN_SBB:
        return do_sub(a, b, carry, bytes, FLAGS_ARITHMETIC, rflags);
    case INSN_AND:
    case INSN_TEST:
        return do_logic(a & b, bytes, rflags);
    case INSN_OR:
        return do_logic(a | b, bytes, rflags);
    case INSN_XOR:
        return do_logic(a ^ b, bytes, rflags);
    case INSN_INC:
        return do_add(a, 1, false, bytes, FLAGS_ARITHMETIC & ~FLAG_CF, rflags);
    case INSN_DEC:
        return do_sub(a, 1, false, bytes, FLAGS_ARITHMETIC & ~FLAG_CF, rflags);
    case INSN_NEG:
        return do_sub(0, a, false, bytes, FLAGS_ARITHMETIC, rflags);
    case INSN_NOT:
        return ~a & mask_of(bytes);
    default: /* MOV and its kin */
        return b;
    }
}

static u64 bit_op(enum insn_op op, u64 value, u64 bit, u64 *rflags)
{
    set_flags(rflags, FLAG_CF, (value >> bit) & 1 ? FLAG_CF : 0);
    switch (op) {
    case INSN_BTS:
        return value | BIT(bit);
    case INSN_BTR:
        return value & ~BIT(bit);
    case INSN_BTC:
        return value ^ BIT(bit);
    default:
        return value;
    }
}

static bool is_bit_op(enum insn_op op)
{
    return op >= INSN_BT && op <= INSN_BTC;
}

static u64 other_operand(const struct insn *insn, const u64 *gpr, unsigned bytes)
{
    if (insn->has_imm)
        return insn->imm & mask_of(bytes);
    if (insn->reg == INSN_NO_REG)
        return 0;
    return reg_read(gpr, insn->reg, insn->is_reg_high, bytes);
}

static u64 do_cmpxchg(const struct insn *insn, u64 *gpr, u64 *rflags, u64 memory)
{
    unsigned bytes = insn->memory_bytes;

    (void)do_sub(reg_read(gpr, GPR_RAX, false, bytes), memory, false, bytes, FLAGS_ARITHMETIC,
                 rflags);
    if ((*rflags & FLAG_ZF) != 0)
        return reg_read(gpr, insn->reg, insn->is_reg_high, bytes);
    reg_write(gpr, GPR_RAX, false, bytes, memory);
    return memory;
}

/* Memory is the source: the result goes to the register. */
static void exec_to_register(const struct insn *insn, u64 *gpr, u64 *rflags, u64 memory)
{
    unsigned bytes = insn->operand_bytes;
    u64 value, old = reg_read(gpr, insn->reg, insn->is_reg_high, bytes);

    if (insn->op == INSN_MOVSX)
        value = sign_extend(memory, insn->memory_bytes);
    else
        value = alu(insn->op, old, memory, bytes, rflags);
    if (insn->op != INSN_CMP && insn->op != INSN_TEST)
        reg_write(gpr, insn->reg, insn->is_reg_high, bytes, value);
}

u64 insn_exec(const struct insn *insn, u64 *gpr, u64 *rflags, u64 memory)
{
    unsigned bytes = insn->memory_bytes;
    u64 other = other_operand(insn, gpr, bytes), result;

    memory &= mask_of(bytes);
    if (is_bit_op(insn->op))
        return bit_op(insn->op, memory, other % (8 * bytes), rflags);
    switch (insn->op) {
    case INSN_XCHG:
        reg_write(gpr, insn->reg, insn->is_reg_high, bytes, memory);
        return other;
    case INSN_XADD:
        result = do_add(memory, other, false, bytes, FLAGS_ARITHMETIC, rflags);
        reg_write(gpr, insn->reg, insn->is_reg_high, bytes, memory);
        return result;
    case INSN_CMPXCHG:
        return do_cmpxchg(insn, gpr, rflags, memory);
    default:
        if (insn->is_memory_first)
            return alu(insn->op, memory, other, bytes, rflags);
        exec_to_register(insn, gpr, rflags, memory);
        return memory;
    }
}

/* BT and its kin with a register reach beyond the operand: the register is a signed bit index. */
static u64 bit_string_offset(const struct insn *insn, const u64 *gpr)
{
    unsigned bits = 8u * insn->operand_bytes;
    s64 index;

    if (!is_bit_op(insn->op) || insn->has_imm || insn->reg == INSN_NO_REG)
        return 0;
    index = (s64)sign_extend(gpr[insn->reg] & mask_of(insn->operand_bytes), insn->operand_bytes);
    return (u64)((index >> __builtin_ctz(bits)) * insn->operand_bytes);
}

u64 insn_offset(const struct insn *insn, const u64 *gpr, u64 next_rip)
{
    u64 mask = mask_of(insn->address_bytes), offset = insn->displacement;

    if (insn->is_rip_relative)
        offset += next_rip;
    if (insn->base != INSN_NO_REG)
        offset += gpr[insn->base];
    if (insn->index != INSN_NO_REG)
        offset += gpr[insn->index] * insn->scale;
    return (offset + bit_string_offset(insn, gpr)) & mask;
}

u64 insn_string_left(const struct insn *insn, const u64 *gpr)
{
    return insn->rep == INSN_REP_NONE ? 1 : gpr[GPR_RCX] & mask_of(insn->address_bytes);
}

u64 insn_string_source(const struct insn *insn, const u64 *gpr)
{
    return gpr[GPR_RSI] & mask_of(insn->address_bytes);
}

u64 insn_string_dest(const struct insn *insn, const u64 *gpr)
{
    return gpr[GPR_RDI] & mask_of(insn->address_bytes);
}

u64 insn_string_exec(const struct insn *insn, u64 *gpr, u64 *rflags, u64 source, u64 dest)
{
    unsigned bytes = insn->memory_bytes;
    u64 mask = mask_of(bytes);

    switch (insn->op) {
    case INSN_STOS:
        return reg_read(gpr, GPR_RAX, false, bytes);
    case INSN_LODS:
        reg_write(gpr, GPR_RAX, false, bytes, source);
        return 0;
    case INSN_SCAS:
        return do_sub(reg_read(gpr, GPR_RAX, false, bytes), source & mask, false, bytes,
                      FLAGS_ARITHMETIC, rflags);
    case INSN_CMPS:
        return do_sub(source & mask, dest & mask, false, bytes, FLAGS_ARITHMETIC, rflags);
    default:
        return source & mask;
    }
}

static bool uses_source(enum insn_op op)
{
    return op == INSN_LODS || op == INSN_MOVS || op == INSN_CMPS || op == INSN_OUTS;
}

static bool uses_dest(enum insn_op op)
{
    return op != INSN_LODS && op != INSN_OUTS;
}

static bool ends_by_flag(const struct insn *insn, u64 rflags)
{
    bool is_equal = (rflags & FLAG_ZF) != 0;

    if (insn->op != INSN_CMPS && insn->op != INSN_SCAS)
        return false;
    return insn->rep == INSN_REP ? !is_equal : is_equal;
}

bool insn_string_step(const struct insn *insn, u64 *gpr, u64 rflags)
{
    unsigned width = insn->address_bytes;
    u64 step = (rflags & FLAG_DF) != 0 ? -(u64)insn->memory_bytes : insn->memory_bytes;
    u64 left;

    if (uses_source(insn->op))
        reg_write(gpr, GPR_RSI, false, width, gpr[GPR_RSI] + step);
    if (uses_dest(insn->op))
        reg_write(gpr, GPR_RDI, false, width, gpr[GPR_RDI] + step);
    if (insn->rep == INSN_REP_NONE)
        return false;
    left = insn_string_left(insn, gpr) - 1;
    reg_write(gpr, GPR_RCX, false, width, left);
    return left != 0 && !ends_by_flag(insn, rflags);
}
