/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of AML objects. */
#include "core/vmm/aml.h"

#include "core/lib/assert.h"
#include "core/lib/compiler.h"

/* Spec: ACPI 6.4, 20.3 "AML Byte Stream Byte Values". */
#define AML_NAME_OP      0x08u
#define AML_BYTE_PREFIX  0x0au
#define AML_WORD_PREFIX  0x0bu
#define AML_DWORD_PREFIX 0x0cu
#define AML_SCOPE_OP     0x10u
#define AML_BUFFER_OP    0x11u
#define AML_PACKAGE_OP   0x12u
#define AML_METHOD_OP    0x14u
#define AML_MULTI_PREFIX 0x2fu
#define AML_LOCAL0       0x60u
#define AML_STORE_OP     0x70u
#define AML_AND_OP       0x7bu
#define AML_NOTIFY_OP    0x86u
#define AML_IF_OP        0xa0u
#define AML_EXT_PREFIX   0x5bu
#define AML_REGION_OP    0x80u /* after the prefix, as the next two */
#define AML_FIELD_OP     0x81u
#define AML_DEVICE_OP    0x82u
#define AML_ROOT         0x5cu
#define AML_NO_TARGET    0x00u

#define REGION_IO   0x01u
#define FIELD_DWORD 0x03u /* accesses of 32 bits, no lock, what is not written is kept */
#define FIELD_BITS  32u

/* Spec: ACPI 6.4, 6.4.2 "Small Resource Data Type". */
#define RES_IO          0x47u /* item 8, 7 bytes */
#define RES_IO_DECODE16 0x01u
#define RES_IRQ         0x22u /* item 4, 2 bytes: edge, active high, exclusive */
#define RES_END         0x79u

/* Spec: ACPI 6.4, 6.4.3 "Large Resource Data Type". */
#define RES_MEMORY32        0x86u
#define RES_MEMORY32_BYTES  9u
#define RES_MEMORY_WRITABLE 0x01u
#define RES_DWORD_SPACE     0x87u
#define RES_WORD_SPACE      0x88u
#define RES_QWORD_SPACE     0x8au
#define RES_SPACE_FIXED     0x0cu /* both ends */
#define RES_IO_ENTIRE       0x03u /* not only ISA's share of the ports */

#define ROUTE_ANY_FUNCTION 0xffffu

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

static void put_le(struct aml *aml, u64 value, unsigned bytes)
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

static void put_dword_const(struct aml *aml, u32 value)
{
    put(aml, AML_DWORD_PREFIX);
    put_le(aml, value, 4);
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

void aml_resources_begin(struct aml *aml)
{
    put(aml, AML_NAME_OP);
    put_name(aml, "_CRS");
    put(aml, AML_BUFFER_OP);
    package_begin(aml);
    put(aml, AML_WORD_PREFIX);
    put_le(aml, 0, 2); /* bytes that follow, filled in at the end */
}

void aml_resources_end(struct aml *aml)
{
    size_t at = aml->open[aml->depth - 1] + LENGTH_BYTES + 1;
    size_t bytes;

    put(aml, RES_END);
    put(aml, 0); /* checksum: not used */
    bytes = aml->used - (at + 2);
    assert(aml->used <= aml->size);
    aml->buf[at] = (u8)bytes;
    aml->buf[at + 1] = (u8)(bytes >> 8);
    aml_end(aml);
}

void aml_memory32(struct aml *aml, u32 base, u32 bytes)
{
    put(aml, RES_MEMORY32);
    put_le(aml, RES_MEMORY32_BYTES, 2);
    put(aml, RES_MEMORY_WRITABLE);
    put_le(aml, base, 4);
    put_le(aml, bytes, 4);
}

/* Spec: ACPI 6.4, 6.4.3.5 "Address Space Resource Descriptors". */
void aml_window(struct aml *aml, enum aml_window kind, u64 base, u64 size)
{
    static const struct {
        u8 tag, width, type, flags;
    } kinds[] = {
        [AML_WINDOW_BUS] = {RES_WORD_SPACE, 2, 2, 0},
        [AML_WINDOW_IO] = {RES_WORD_SPACE, 2, 1, RES_IO_ENTIRE},
        [AML_WINDOW_MEM32] = {RES_DWORD_SPACE, 4, 0, RES_MEMORY_WRITABLE},
        [AML_WINDOW_MEM64] = {RES_QWORD_SPACE, 8, 0, RES_MEMORY_WRITABLE},
    };
    const u64 fields[] = {0, base, base + size - 1, 0,
                          size}; /* granularity … translation, length */

    put(aml, kinds[kind].tag);
    put_le(aml, 3 + ARRAY_SIZE(fields) * kinds[kind].width, 2);
    put(aml, kinds[kind].type);
    put(aml, RES_SPACE_FIXED);
    put(aml, kinds[kind].flags);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        put_le(aml, fields[i], kinds[kind].width);
}

void aml_name_list_begin(struct aml *aml, const char *name, u8 count)
{
    put(aml, AML_NAME_OP);
    put_name(aml, name);
    put(aml, AML_PACKAGE_OP);
    package_begin(aml);
    put(aml, count);
}

/* Spec: ACPI 6.4, 6.2.13 "_PRT (PCI Routing Table)". */
void aml_pci_route(struct aml *aml, u8 slot, u8 line)
{
    put(aml, AML_PACKAGE_OP);
    package_begin(aml);
    put(aml, 4);
    put_dword_const(aml, (u32)slot << 16 | ROUTE_ANY_FUNCTION);
    put_byte_const(aml, 0); /* INTA# */
    put_byte_const(aml, 0); /* not through a link device, but straight to this line: */
    put_byte_const(aml, line);
    aml_end(aml);
}

void aml_device_begin(struct aml *aml, const char *name, u32 eisaid, u8 uid)
{
    put(aml, AML_EXT_PREFIX);
    put(aml, AML_DEVICE_OP);
    package_begin(aml);
    put_name(aml, name);
    put(aml, AML_NAME_OP);
    put_name(aml, "_HID");
    put_dword_const(aml, eisaid);
    put(aml, AML_NAME_OP);
    put_name(aml, "_UID");
    put_byte_const(aml, uid);
}

void aml_io(struct aml *aml, u16 port, u8 ports)
{
    put(aml, RES_IO);
    put(aml, RES_IO_DECODE16);
    put_le(aml, port, 2); /* lowest and highest base */
    put_le(aml, port, 2);
    put(aml, 1); /* alignment */
    put(aml, ports);
}

void aml_isa_device(struct aml *aml, const char *name, u32 eisaid, u8 uid, u16 port, u8 ports,
                    unsigned line)
{
    aml_device_begin(aml, name, eisaid, uid);
    aml_resources_begin(aml);
    aml_io(aml, port, ports);
    put(aml, RES_IRQ);
    put_le(aml, 1u << line, 2);
    aml_resources_end(aml);
    aml_end(aml);
}

void aml_slot_begin(struct aml *aml, const char *name, u8 slot)
{
    put(aml, AML_EXT_PREFIX);
    put(aml, AML_DEVICE_OP);
    package_begin(aml);
    put_name(aml, name);
    put(aml, AML_NAME_OP);
    put_name(aml, "_ADR");
    put_dword_const(aml, (u32)slot << 16);
    put(aml, AML_NAME_OP);
    put_name(aml, "_SUN");
    put_byte_const(aml, slot);
}

void aml_io_region(struct aml *aml, const char *name, u16 port, u8 ports)
{
    put(aml, AML_EXT_PREFIX);
    put(aml, AML_REGION_OP);
    put_name(aml, name);
    put(aml, REGION_IO);
    put(aml, AML_WORD_PREFIX);
    put_le(aml, port, 2);
    put_byte_const(aml, ports);
}

void aml_registers(struct aml *aml, const char *region, const char *const *names, u8 count)
{
    put(aml, AML_EXT_PREFIX);
    put(aml, AML_FIELD_OP);
    package_begin(aml);
    put_name(aml, region);
    put(aml, FIELD_DWORD);
    for (u8 i = 0; i < count; i++) {
        put_name(aml, names[i]);
        put(aml, FIELD_BITS);
    }
    aml_end(aml);
}

void aml_method_begin(struct aml *aml, const char *name, u8 arguments)
{
    put(aml, AML_METHOD_OP);
    package_begin(aml);
    put_name(aml, name);
    put(aml, arguments);
}

void aml_write(struct aml *aml, u32 value, const char *reg)
{
    put(aml, AML_STORE_OP);
    put_dword_const(aml, value);
    put_name(aml, reg);
}

void aml_read(struct aml *aml, const char *reg)
{
    put(aml, AML_STORE_OP);
    put_name(aml, reg);
    put(aml, AML_LOCAL0);
}

void aml_if_any_begin(struct aml *aml, u32 mask)
{
    put(aml, AML_IF_OP);
    package_begin(aml);
    put(aml, AML_AND_OP);
    put(aml, AML_LOCAL0);
    put_dword_const(aml, mask);
    put(aml, AML_NO_TARGET);
}

void aml_notify(struct aml *aml, const char *device, u8 what)
{
    put(aml, AML_NOTIFY_OP);
    put_name(aml, device);
    put_byte_const(aml, what);
}

void aml_call(struct aml *aml, const char *const *path, u8 names)
{
    put(aml, AML_ROOT);
    put(aml, AML_MULTI_PREFIX);
    put(aml, names);
    for (u8 i = 0; i < names; i++)
        put_name(aml, path[i]);
}
