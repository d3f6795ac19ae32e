/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* SOURCES: core/vm/insn_quick.c core/vm/insn_decode.c build/deps/zydis/src/Decoder.c build/deps/zydis/src/DecoderData.c build/deps/zydis/src/SharedData.c build/deps/zydis/src/Register.c build/deps/zydis/src/Mnemonic.c build/deps/zydis/src/Utils.c build/deps/zydis/src/MetaInfo.c */
/* clang-format on */
/* The quick decoder against the library, over every REX, ModRM and SIB byte. */
#include <stdio.h>
#include <string.h>

#include "core/vm/insn_decode.h"
#include "tests/unit/harness.h"

static unsigned compared, mismatches;

static void compare(const u8 *bytes)
{
    struct insn quick, full;
    int rc;

    memset(&quick, 0, sizeof quick);
    memset(&full, 0, sizeof full);
    if (!insn_decode_quick(bytes, INSN_BYTES_MAX, &quick))
        return;
    rc = insn_decode_full(bytes, INSN_BYTES_MAX, INSN_MODE_64, &full);
    compared++;
    if (rc == 0 && quick.length == full.length && quick.op == full.op &&
        quick.memory_bytes == full.memory_bytes && quick.operand_bytes == full.operand_bytes &&
        quick.address_bytes == full.address_bytes && quick.reads_memory == full.reads_memory &&
        quick.writes_memory == full.writes_memory &&
        quick.is_memory_first == full.is_memory_first && quick.is_string == full.is_string &&
        quick.rep == full.rep && quick.reg == full.reg && quick.is_reg_high == full.is_reg_high &&
        quick.has_imm == full.has_imm && quick.imm == full.imm && quick.segment == full.segment &&
        quick.base == full.base && quick.index == full.index &&
        (quick.index == INSN_NO_REG || quick.scale == full.scale) &&
        quick.is_rip_relative == full.is_rip_relative && quick.displacement == full.displacement)
        return;
    if (mismatches++ < 5)
        printf("differs (library says %d): %02x %02x %02x %02x %02x\n", rc, bytes[0], bytes[1],
               bytes[2], bytes[3], bytes[4]);
}

static void sweep(const u8 *prefix, unsigned prefix_bytes, u8 opcode)
{
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        for (unsigned sib = 0; sib < 256; sib += (modrm & 7) == 4 ? 1 : 85) {
            u8 bytes[INSN_BYTES_MAX] = {0};
            unsigned n = prefix_bytes;

            memcpy(bytes, prefix, prefix_bytes);
            bytes[n++] = opcode;
            bytes[n++] = (u8)modrm;
            bytes[n++] = (u8)sib;
            for (unsigned i = n; i < INSN_BYTES_MAX; i++)
                bytes[i] = (u8)(0x91 + 0x35 * i);
            compare(bytes);
        }
    }
}

TEST(agrees_with_the_library)
{
    const u8 opcodes[] = {0x89, 0x8b, 0xc7};

    for (unsigned o = 0; o < sizeof opcodes; o++) {
        sweep((const u8[]){0}, 0, opcodes[o]);
        sweep((const u8[]){0x66}, 1, opcodes[o]);
        for (unsigned rex = 0x40; rex < 0x50; rex++) {
            sweep((const u8[]){(u8)rex}, 1, opcodes[o]);
            sweep((const u8[]){0x66, (u8)rex}, 2, opcodes[o]);
        }
    }
    CHECK(compared > 200000);
    CHECK_EQ(mismatches, 0);
}

TEST(leaves_the_rest_to_the_library)
{
    struct insn insn;

    CHECK(!insn_decode_quick((const u8[]){0x66, 0x66, 0x89, 0x07}, 4, &insn));
    CHECK(!insn_decode_quick((const u8[]){0x48, 0x66, 0x89, 0x07}, 4, &insn)); /* REX not last */
    CHECK(!insn_decode_quick((const u8[]){0x66}, 1, &insn));
    CHECK(!insn_decode_quick((const u8[]){0x66, 0xc7, 0x07, 1}, 4, &insn));
    CHECK(!insn_decode_quick((const u8[]){0x89, 0xc7}, 2, &insn)); /* register form */
    CHECK(!insn_decode_quick((const u8[]){0x89}, 1, &insn));
    CHECK(!insn_decode_quick((const u8[]){0x89, 0x80, 1, 2, 3}, 5, &insn));
    CHECK(!insn_decode_quick((const u8[]){0xc7, 0x07, 1, 2, 3}, 5, &insn));
    CHECK(!insn_decode_quick((const u8[]){0xf0, 0x89, 0x07}, 3, &insn));
    CHECK(!insn_decode_quick((const u8[]){0}, 0, &insn));
}
