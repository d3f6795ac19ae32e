/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* SOURCES: core/vm/insn_exec.c core/vm/insn_simple.c core/vm/insn_quick.c core/vm/insn_decode.c build/deps/zydis/src/Decoder.c build/deps/zydis/src/DecoderData.c build/deps/zydis/src/SharedData.c build/deps/zydis/src/Register.c build/deps/zydis/src/Mnemonic.c build/deps/zydis/src/Utils.c build/deps/zydis/src/MetaInfo.c */
/* clang-format on */
/* Golden bytes: decoded, executed, and compared with what the CPU does. */
#include "core/lib/errno.h"
#include "core/vm/insn_decode.h"
#include "core/vm/insn_exec.h"
#include "core/vm/vcpu.h"
#include "tests/unit/harness.h"

static u64 gpr[GPR_COUNT];
static u64 rflags;
static struct insn insn;

/* Decodes 64-bit code and runs it on a memory value. Return: what is written. */
static u64 run(const u8 *bytes, unsigned count, u64 memory)
{
    CHECK_EQ(insn_decode(bytes, count, INSN_MODE_64, &insn), 0);
    CHECK_EQ(insn.length, count);
    return insn_exec(&insn, gpr, &rflags, memory);
}

#define RUN(memory, ...) run((const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), (memory))

TEST(moves)
{
    gpr[GPR_RAX] = 0x1122334455667788ull;
    CHECK_EQ(RUN(0, 0x89, 0x07), 0x55667788); /* mov [rdi], eax */
    CHECK(insn.writes_memory && !insn.reads_memory && insn.base == GPR_RDI);
    RUN(0xffffffff, 0x8b, 0x07); /* mov eax, [rdi] clears the upper half */
    CHECK_EQ(gpr[GPR_RAX], 0xffffffff);
    gpr[GPR_RAX] = 0x1122334455667788ull;
    RUN(0xab, 0x8a, 0x27); /* mov ah, [rdi] */
    CHECK_EQ(gpr[GPR_RAX], 0x112233445566ab88ull);
    RUN(0x80, 0x0f, 0xb6, 0x07); /* movzx eax, byte [rdi] */
    CHECK_EQ(gpr[GPR_RAX], 0x80);
    RUN(0x80, 0x48, 0x0f, 0xbe, 0x07); /* movsx rax, byte [rdi] */
    CHECK_EQ(gpr[GPR_RAX], 0xffffffffffffff80ull);
    CHECK_EQ(RUN(0, 0xc6, 0x07, 0x5a), 0x5a);                          /* mov byte [rdi], 5a */
    CHECK_EQ(RUN(0, 0x48, 0xc7, 0x07, 0xff, 0xff, 0xff, 0xff), ~0ull); /* sign-extended */
    CHECK_EQ(RUN(0, 0x66, 0xc7, 0x07, 0x34, 0x12) & 0xffff, 0x1234);   /* 16 bits */
}

TEST(arithmetic_and_flags)
{
    gpr[GPR_RCX] = 1;
    rflags = 0;
    CHECK_EQ(RUN(0xffffffff, 0x01, 0x0f) & 0xffffffff, 0); /* add [rdi], ecx */
    CHECK_EQ(rflags & (FLAG_CF | FLAG_ZF | FLAG_OF | FLAG_AF), FLAG_CF | FLAG_ZF | FLAG_AF);
    CHECK_EQ(RUN(0x7fffffff, 0x01, 0x0f) & 0xffffffff, 0x80000000);
    CHECK_EQ(rflags & (FLAG_CF | FLAG_OF | FLAG_SF), FLAG_OF | FLAG_SF);
    CHECK_EQ(RUN(0, 0x29, 0x0f) & 0xffffffff, 0xffffffff); /* sub [rdi], ecx */
    CHECK(rflags & FLAG_CF);
    CHECK_EQ(RUN(0xf0f0, 0x81, 0x27, 0x00, 0xff, 0x00, 0x00) & 0xffffffff, 0xf000); /* and imm */
    CHECK_EQ(rflags & (FLAG_CF | FLAG_OF), 0);
    RUN(1, 0x39, 0x0f); /* cmp [rdi], ecx */
    CHECK(rflags & FLAG_ZF);
    CHECK(!insn.writes_memory);
    RUN(0x10, 0xf7, 0x07, 0x10, 0x00, 0x00, 0x00); /* test [rdi], 10h */
    CHECK(!(rflags & FLAG_ZF));
}

TEST(exchanges_and_bits)
{
    gpr[GPR_RCX] = 0x77;
    CHECK_EQ(RUN(0x11, 0x87, 0x0f) & 0xffffffff, 0x77); /* xchg [rdi], ecx */
    CHECK_EQ(gpr[GPR_RCX], 0x11);
    CHECK(insn.reads_memory && insn.writes_memory);
    gpr[GPR_RAX] = 5;
    gpr[GPR_RCX] = 9;
    CHECK_EQ(RUN(5, 0xf0, 0x0f, 0xb1, 0x0f) & 0xffffffff, 9); /* lock cmpxchg: equal */
    CHECK(rflags & FLAG_ZF);
    CHECK_EQ(RUN(6, 0x0f, 0xb1, 0x0f) & 0xffffffff, 6); /* different: memory is written back */
    CHECK_EQ(gpr[GPR_RAX], 6);
    CHECK_EQ(RUN(0, 0x0f, 0xba, 0x2f, 0x03) & 0xffffffff, 8); /* bts dword [rdi], 3 */
    CHECK(!(rflags & FLAG_CF));
    RUN(8, 0x0f, 0xba, 0x27, 0x03); /* bt */
    CHECK(rflags & FLAG_CF);
}

TEST(addresses)
{
    gpr[GPR_RBX] = 0x1000;
    gpr[GPR_RSI] = 0x10;
    RUN(0, 0x8b, 0x44, 0xb3, 0xf8); /* mov eax, [rbx+rsi*4-8] */
    CHECK_EQ(insn_offset(&insn, gpr, 0), 0x1038);
    RUN(0, 0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff); /* mov eax, [rip-16] */
    CHECK_EQ(insn_offset(&insn, gpr, 0x2000), 0x1ff0);
    RUN(0, 0x64, 0x8b, 0x07); /* fs: */
    CHECK_EQ(insn.segment, HVM_FS);
    gpr[GPR_RDI] = 0xffffffff00000010ull;
    RUN(0, 0x67, 0x8b, 0x07); /* mov eax, [edi] */
    CHECK_EQ(insn_offset(&insn, gpr, 0), 0x10);
}

TEST(strings)
{
    gpr[GPR_RDI] = 0x100;
    gpr[GPR_RCX] = 2;
    gpr[GPR_RAX] = 0xcafe;
    CHECK_EQ(insn_decode((const u8[]){0xf3, 0xab}, 2, INSN_MODE_64, &insn), 0); /* rep stosd */
    CHECK(insn.is_string && insn.rep == INSN_REP);
    CHECK_EQ(insn_string_left(&insn, gpr), 2);
    CHECK_EQ(insn_string_exec(&insn, gpr, &rflags, 0, 0), 0xcafe);
    CHECK(insn_string_step(&insn, gpr, 0));
    CHECK_EQ(gpr[GPR_RDI], 0x104);
    CHECK(!insn_string_step(&insn, gpr, 1u << 10)); /* DF: downwards */
    CHECK_EQ(gpr[GPR_RDI], 0x100);
    CHECK_EQ(insn_string_left(&insn, gpr), 0);
}

TEST(what_cannot_be_decoded)
{
    CHECK_EQ((u32)insn_decode((const u8[]){0x0f, 0x0b}, 2, INSN_MODE_64, &insn), (u32)-EOPNOTSUPP);
    CHECK_EQ((u32)insn_decode((const u8[]){0x06}, 1, INSN_MODE_64, &insn) != 0, 1);
    CHECK_EQ((u32)insn_decode((const u8[]){0x8b}, 1, INSN_MODE_64, &insn), (u32)-ENODATA);
}

TEST(lengths_without_the_library)
{
    CHECK_EQ(insn_length_simple((const u8[]){0x0f, 0xa2}, 2, INSN_MODE_64), 2);
    CHECK_EQ(insn_length_simple((const u8[]){0x66, 0x48, 0x0f, 0xa2}, 4, INSN_MODE_64), 4);
    CHECK_EQ(insn_length_simple((const u8[]){0x0f, 0x01, 0xd9}, 3, INSN_MODE_64), 3); /* VMMCALL */
    CHECK_EQ(insn_length_simple((const u8[]){0xf4}, 1, INSN_MODE_16), 1);
    CHECK_EQ(insn_length_simple((const u8[]){0xe6, 0x80}, 2, INSN_MODE_32), 2);
    CHECK_EQ(insn_length_simple((const u8[]){0x0f}, 1, INSN_MODE_64), 0);
    CHECK_EQ(insn_length_simple((const u8[]){0x8b, 0x07}, 2, INSN_MODE_64), 0);
}

TEST(control_registers)
{
    struct insn_cr cr;

    CHECK_EQ(insn_decode_cr((const u8[]){0x44, 0x0f, 0x22, 0xc0}, 4, INSN_MODE_64, &cr), 0);
    CHECK(cr.number == 8 && cr.gpr == GPR_RAX && cr.is_write && cr.length == 4);
    CHECK_EQ(insn_decode_cr((const u8[]){0x41, 0x0f, 0x20, 0xe3}, 4, INSN_MODE_64, &cr), 0);
    CHECK(cr.number == 4 && cr.gpr == GPR_R11 && !cr.is_write);
    CHECK(insn_decode_cr((const u8[]){0x0f, 0x06}, 2, INSN_MODE_64, &cr) != 0);
}
