/* SPDX-License-Identifier: BSD-2-Clause */
/* The only file that knows Zydis: reduces its operands to struct insn. */
#include "core/vm/insn_decode.h"

#include <Zydis/Decoder.h>

#include "core/lib/errno.h"
#include "core/vm/vcpu.h"

#define BITS_PER_BYTE 8u

struct mnemonic {
    u16 zydis;
    u8 op; /* enum insn_op */
    bool is_string;
    bool reads; /* memory as destination or string: which directions */
    bool writes;
};

static const struct mnemonic mnemonics[] = {
    {ZYDIS_MNEMONIC_MOV, INSN_MOV, false, false, true},
    {ZYDIS_MNEMONIC_MOVNTI, INSN_MOV, false, false, true},
    {ZYDIS_MNEMONIC_MOVZX, INSN_MOVZX, false, true, false},
    {ZYDIS_MNEMONIC_MOVSX, INSN_MOVSX, false, true, false},
    {ZYDIS_MNEMONIC_MOVSXD, INSN_MOVSX, false, true, false},
    {ZYDIS_MNEMONIC_ADD, INSN_ADD, false, true, true},
    {ZYDIS_MNEMONIC_ADC, INSN_ADC, false, true, true},
    {ZYDIS_MNEMONIC_SUB, INSN_SUB, false, true, true},
    {ZYDIS_MNEMONIC_SBB, INSN_SBB, false, true, true},
    {ZYDIS_MNEMONIC_AND, INSN_AND, false, true, true},
    {ZYDIS_MNEMONIC_OR, INSN_OR, false, true, true},
    {ZYDIS_MNEMONIC_XOR, INSN_XOR, false, true, true},
    {ZYDIS_MNEMONIC_CMP, INSN_CMP, false, true, false},
    {ZYDIS_MNEMONIC_TEST, INSN_TEST, false, true, false},
    {ZYDIS_MNEMONIC_INC, INSN_INC, false, true, true},
    {ZYDIS_MNEMONIC_DEC, INSN_DEC, false, true, true},
    {ZYDIS_MNEMONIC_NEG, INSN_NEG, false, true, true},
    {ZYDIS_MNEMONIC_NOT, INSN_NOT, false, true, true},
    {ZYDIS_MNEMONIC_XCHG, INSN_XCHG, false, true, true},
    {ZYDIS_MNEMONIC_XADD, INSN_XADD, false, true, true},
    {ZYDIS_MNEMONIC_CMPXCHG, INSN_CMPXCHG, false, true, true},
    {ZYDIS_MNEMONIC_BT, INSN_BT, false, true, false},
    {ZYDIS_MNEMONIC_BTS, INSN_BTS, false, true, true},
    {ZYDIS_MNEMONIC_BTR, INSN_BTR, false, true, true},
    {ZYDIS_MNEMONIC_BTC, INSN_BTC, false, true, true},
    {ZYDIS_MNEMONIC_STOSB, INSN_STOS, true, false, true},
    {ZYDIS_MNEMONIC_STOSW, INSN_STOS, true, false, true},
    {ZYDIS_MNEMONIC_STOSD, INSN_STOS, true, false, true},
    {ZYDIS_MNEMONIC_STOSQ, INSN_STOS, true, false, true},
    {ZYDIS_MNEMONIC_LODSB, INSN_LODS, true, true, false},
    {ZYDIS_MNEMONIC_LODSW, INSN_LODS, true, true, false},
    {ZYDIS_MNEMONIC_LODSD, INSN_LODS, true, true, false},
    {ZYDIS_MNEMONIC_LODSQ, INSN_LODS, true, true, false},
    {ZYDIS_MNEMONIC_MOVSB, INSN_MOVS, true, true, true},
    {ZYDIS_MNEMONIC_MOVSW, INSN_MOVS, true, true, true},
    {ZYDIS_MNEMONIC_MOVSD, INSN_MOVS, true, true, true},
    {ZYDIS_MNEMONIC_MOVSQ, INSN_MOVS, true, true, true},
    {ZYDIS_MNEMONIC_CMPSB, INSN_CMPS, true, true, false},
    {ZYDIS_MNEMONIC_CMPSW, INSN_CMPS, true, true, false},
    {ZYDIS_MNEMONIC_CMPSD, INSN_CMPS, true, true, false},
    {ZYDIS_MNEMONIC_CMPSQ, INSN_CMPS, true, true, false},
    {ZYDIS_MNEMONIC_SCASB, INSN_SCAS, true, true, false},
    {ZYDIS_MNEMONIC_SCASW, INSN_SCAS, true, true, false},
    {ZYDIS_MNEMONIC_SCASD, INSN_SCAS, true, true, false},
    {ZYDIS_MNEMONIC_SCASQ, INSN_SCAS, true, true, false},
    {ZYDIS_MNEMONIC_INSB, INSN_INS, true, false, true},
    {ZYDIS_MNEMONIC_INSW, INSN_INS, true, false, true},
    {ZYDIS_MNEMONIC_INSD, INSN_INS, true, false, true},
    {ZYDIS_MNEMONIC_OUTSB, INSN_OUTS, true, true, false},
    {ZYDIS_MNEMONIC_OUTSW, INSN_OUTS, true, true, false},
    {ZYDIS_MNEMONIC_OUTSD, INSN_OUTS, true, true, false},
};

static const struct mnemonic *find_mnemonic(ZydisMnemonic zydis)
{
    for (unsigned i = 0; i < ARRAY_SIZE(mnemonics); i++)
        if (mnemonics[i].zydis == zydis)
            return &mnemonics[i];
    return NULL;
}

/* Return: false if the register is not a general one. */
static bool gpr_of(ZydisRegister reg, u8 *gpr, bool *is_high)
{
    *is_high = false;
    if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
        *gpr = (u8)(reg - ZYDIS_REGISTER_AL);
    else if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
        *gpr = (u8)(reg - ZYDIS_REGISTER_AH), *is_high = true;
    else if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
        *gpr = (u8)(reg - ZYDIS_REGISTER_SPL + 4);
    else if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W)
        *gpr = (u8)(reg - ZYDIS_REGISTER_AX);
    else if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D)
        *gpr = (u8)(reg - ZYDIS_REGISTER_EAX);
    else if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15)
        *gpr = (u8)(reg - ZYDIS_REGISTER_RAX);
    else
        return false;
    return true;
}

static u8 address_register(ZydisRegister reg)
{
    bool is_high;
    u8 gpr;

    return gpr_of(reg, &gpr, &is_high) ? gpr : INSN_NO_REG;
}

static void take_memory(const ZydisDecodedOperand *operand, struct insn *out)
{
    const ZydisDecodedOperandMem *mem = &operand->mem;

    out->memory_bytes = (u8)(operand->size / BITS_PER_BYTE);
    out->segment = (u8)(mem->segment - ZYDIS_REGISTER_ES);
    out->base = address_register(mem->base);
    out->index = address_register(mem->index);
    out->scale = mem->scale;
    out->is_rip_relative = mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP;
    out->displacement = mem->disp.has_displacement ? (u64)mem->disp.value : 0;
}

/* Immediates are sign-extended from their encoded size: the operation cuts them to its own. */
static u64 immediate(const ZydisDecodedInstruction *zi, u64 value)
{
    unsigned unused_bits = 64u - zi->raw.imm[0].size;

    return unused_bits < 64u ? (u64)((s64)(value << unused_bits) >> unused_bits) : value;
}

/* Return: false if an operand is of a kind insn_exec does not know. */
static bool take_operands(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *operands,
                          struct insn *out)
{
    bool has_memory = false;

    for (unsigned i = 0; i < zi->operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &operands[i];

        switch (operand->type) {
        case ZYDIS_OPERAND_TYPE_MEMORY:
            take_memory(operand, out);
            out->is_memory_first = i == 0;
            has_memory = true;
            break;
        case ZYDIS_OPERAND_TYPE_REGISTER:
            if (!gpr_of(operand->reg.value, &out->reg, &out->is_reg_high))
                return false;
            break;
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
            out->has_imm = true;
            out->imm = immediate(zi, operand->imm.value.u);
            break;
        default:
            return false;
        }
        if (i == 0)
            out->operand_bytes = (u8)(operand->size / BITS_PER_BYTE);
    }
    return has_memory;
}

/* XMM forms of the mnemonics (MOVSD, CMPSD) have visible vector operands; string forms have none.
 */
static bool take_string(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *operands,
                        struct insn *out)
{
    bool has_memory = false;

    out->segment = HVM_ES;
    for (unsigned i = 0; i < zi->operand_count; i++) {
        const ZydisDecodedOperand *operand = &operands[i];
        bool is_high;
        u8 gpr;

        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(operand->reg.value) == ZYDIS_REGCLASS_XMM)
            return false;
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        has_memory = true;
        out->memory_bytes = out->operand_bytes = (u8)(operand->size / BITS_PER_BYTE);
        if (gpr_of(operand->mem.base, &gpr, &is_high) && gpr == GPR_RSI)
            out->segment = (u8)(operand->mem.segment - ZYDIS_REGISTER_ES);
    }
    out->is_string = true;
    out->base = out->index = INSN_NO_REG;
    return has_memory;
}

static void set_directions(const struct mnemonic *m, struct insn *out)
{
    out->reads_memory = m->reads;
    out->writes_memory = m->writes;
    if (m->is_string || out->is_memory_first)
        return;
    /* Memory is the source: it is read, and written only by exchanges. */
    out->reads_memory = true;
    out->writes_memory = m->op == INSN_XCHG || m->op == INSN_XADD;
}

static enum insn_rep rep_of(const ZydisDecodedInstruction *zi)
{
    if ((zi->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)) != 0)
        return INSN_REP;
    return (zi->attributes & ZYDIS_ATTRIB_HAS_REPNE) != 0 ? INSN_REPNE : INSN_REP_NONE;
}

static int init_decoder(ZydisDecoder *decoder, enum insn_mode mode)
{
    static const ZydisMachineMode machine[] = {
        ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_MACHINE_MODE_LONG_64};
    static const ZydisStackWidth stack[] = {ZYDIS_STACK_WIDTH_16, ZYDIS_STACK_WIDTH_32,
                                            ZYDIS_STACK_WIDTH_64};

    return ZYAN_SUCCESS(ZydisDecoderInit(decoder, machine[mode], stack[mode])) ? 0 : -EINVAL;
}

int insn_decode(const u8 *bytes, unsigned count, enum insn_mode mode, struct insn *out)
{
    if (mode == INSN_MODE_64 && insn_decode_quick(bytes, count, out))
        return 0;
    return insn_decode_full(bytes, count, mode, out);
}

int insn_decode_full(const u8 *bytes, unsigned count, enum insn_mode mode, struct insn *out)
{
    unsigned available = MIN(count, INSN_BYTES_MAX);
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const struct mnemonic *m;
    ZydisDecodedInstruction zi;
    ZydisDecoder decoder;
    ZyanStatus status;
    bool is_known;

    if (init_decoder(&decoder, mode) != 0)
        return -EINVAL;
    status = ZydisDecoderDecodeFull(&decoder, bytes, available, &zi, operands);
    if (status == ZYDIS_STATUS_NO_MORE_DATA && available < INSN_BYTES_MAX)
        return -ENODATA;
    if (!ZYAN_SUCCESS(status))
        return -EINVAL;
    *out = (struct insn){.length = zi.length, .reg = INSN_NO_REG};
    m = find_mnemonic(zi.mnemonic);
    if (m == NULL)
        return -EOPNOTSUPP;
    is_known = m->is_string ? take_string(&zi, operands, out) : take_operands(&zi, operands, out);
    if (!is_known)
        return -EOPNOTSUPP;
    out->op = (enum insn_op)m->op;
    out->address_bytes = (u8)(zi.address_width / BITS_PER_BYTE);
    out->rep = m->is_string ? rep_of(&zi) : INSN_REP_NONE;
    set_directions(m, out);
    return 0;
}
