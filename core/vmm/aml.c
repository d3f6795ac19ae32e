/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of AML objects. */
#include "core/vmm/aml.h"

#include "core/lib/assert.h"
#include "core/lib/compiler.h"

/* Spec: ACPI 6.4, 20.3 "AML Byte Stream Byte Values". */
#define AML_NAME_OP      0x08u
#define AML_BYTE_PREFIX  0x0au
#define AML_DWORD_PREFIX 0x0cu
#define AML_SCOPE_OP     0x10u
#define AML_BUFFER_OP    0x11u
#define AML_PACKAGE_OP   0x12u
#define AML_EXT_PREFIX   0x5bu
#define AML_DEVICE_OP    0x82u
#define AML_ROOT         0x5cu

/* Spec: ACPI 6.4, 6.4.2 "Small Resource Data Type". */
#define RES_IO          0x47u /* item 8, 7 bytes */
#define RES_IO_DECODE16 0x01u
#define RES_IRQ         0x22u /* item 4, 2 bytes: edge, active high, exclusive */
#define RES_END         0x79u
#define RES_ISA_BYTES   13u /* RES_IO 8, RES_IRQ 3, RES_END 2 */

#define LENGTH_BYTES 2u /* of a package's length field */

void aml_init(struct aml *aml, u8 *buf, size_t size)
{
    *aml = (struct aml){.buf = buf, .size = size};
}

size_t aml_bytes(const struct aml *aml)
{
    assert(aml->used <= aml->size && aml->depth == 0);
    return aml->used;
}

static void put(struct aml *aml, u8 byte)
{
    if (aml->used < aml->size)
        aml->buf[aml->used] = byte;
    aml->used++;
}

static void put_le(struct aml *aml, u32 value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        put(aml, (u8)(value >> (8 * i)));
}

static void put_name(struct aml *aml, const char *name)
{
    for (unsigned i = 0; i < 4; i++)
        put(aml, (u8)name[i]);
}

static void put_byte_const(struct aml *aml, u8 value)
{
    if (value > 1)
        put(aml, AML_BYTE_PREFIX);
    put(aml, value); /* 0 and 1 are their own opcodes */
}

static void package_begin(struct aml *aml)
{
    assert(aml->depth < AML_DEPTH_MAX);
    aml->open[aml->depth++] = aml->used;
    put_le(aml, 0, LENGTH_BYTES);
}

/* PkgLength of two bytes: bits 7-6 of the first count the bytes that follow, bits 3-0 are the low
 * nibble. */
void aml_end(struct aml *aml)
{
    size_t at;
    size_t length;

    assert(aml->depth > 0);
    at = aml->open[--aml->depth];
    length = aml->used - at;
    assert(length < 1u << 12 && aml->used <= aml->size);
    aml->buf[at] = (u8)(0x40u | (length & 0xfu));
    aml->buf[at + 1] = (u8)(length >> 4);
}

void aml_name_package(struct aml *aml, const char *name, const u8 *elements, u8 count)
{
    put(aml, AML_NAME_OP);
    put_name(aml, name);
    put(aml, AML_PACKAGE_OP);
    package_begin(aml);
    put(aml, count);
    for (u8 i = 0; i < count; i++)
        put_byte_const(aml, elements[i]);
    aml_end(aml);
}

void aml_scope_begin(struct aml *aml, const char *name)
{
    put(aml, AML_SCOPE_OP);
    package_begin(aml);
    put(aml, AML_ROOT);
    put_name(aml, name);
}

static void put_isa_resources(struct aml *aml, u16 port, u8 ports, unsigned line)
{
    put(aml, AML_BUFFER_OP);
    package_begin(aml);
    put_byte_const(aml, RES_ISA_BYTES);
    put(aml, RES_IO);
    put(aml, RES_IO_DECODE16);
    put_le(aml, port, 2); /* lowest and highest base */
    put_le(aml, port, 2);
    put(aml, 1); /* alignment */
    put(aml, ports);
    put(aml, RES_IRQ);
    put_le(aml, 1u << line, 2);
    put(aml, RES_END);
    put(aml, 0); /* checksum: not used */
    aml_end(aml);
}

void aml_isa_device(struct aml *aml, const char *name, u32 eisaid, u8 uid, u16 port, u8 ports,
                    unsigned line)
{
    put(aml, AML_EXT_PREFIX);
    put(aml, AML_DEVICE_OP);
    package_begin(aml);
    put_name(aml, name);
    put(aml, AML_NAME_OP);
    put_name(aml, "_HID");
    put(aml, AML_DWORD_PREFIX);
    put_le(aml, eisaid, 4);
    put(aml, AML_NAME_OP);
    put_name(aml, "_UID");
    put_byte_const(aml, uid);
    put(aml, AML_NAME_OP);
    put_name(aml, "_CRS");
    put_isa_resources(aml, port, ports, line);
    aml_end(aml);
}
