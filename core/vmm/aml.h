/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer for the little AML (ACPI machine language) that the guest's DSDT needs.
 *
 * Packages of unknown size get a length field of two bytes, filled in at their end.
 * Spec: ACPI 6.4, 20.2 "AML Grammar Definition".
 */
#ifndef SOCLE_VMM_AML_H
#define SOCLE_VMM_AML_H

#include "core/lib/types.h"

#define AML_DEPTH_MAX 4

struct aml {
    u8 *buf;
    size_t size;
    size_t used; /* keeps counting when the buffer is full */
    u32 depth;
    size_t open[AML_DEPTH_MAX]; /* where the lengths of open packages belong */
};

/* A compressed EISA ID: three letters and a 16-bit number, stored big-endian. */
#define AML_EISAID(a, b, c, n)                                        \
    ((u32)(((u32)((a)-0x40) << 2) | (((u32)((b)-0x40) >> 3) & 0x3)) | \
     (u32)(((((u32)((b)-0x40) & 0x7) << 5) | (u32)((c)-0x40)) << 8) | \
     (u32)(((u32)(n) >> 8) << 16) | (u32)(((u32)(n)&0xff) << 24))

void aml_init(struct aml *aml, u8 *buf, size_t size);

/* Bytes written. The buffer must have been large enough. */
size_t aml_bytes(const struct aml *aml);

/* Names are exactly four characters. */
void aml_name_package(struct aml *aml, const char *name, const u8 *elements, u8 count);
void aml_scope_begin(struct aml *aml, const char *name);
void aml_end(struct aml *aml);

/* A device without _HID: a slot of the bus, by its address and number; what else it has follows,
 * then aml_end. */
void aml_slot_begin(struct aml *aml, const char *name, u8 slot);

/* Ports, and registers of 32 bits one after the other in them. */
void aml_io_region(struct aml *aml, const char *name, u16 port, u8 ports);
void aml_registers(struct aml *aml, const char *region, const char *const *names, u8 count);

/* A method; its statements follow, then aml_end. */
void aml_method_begin(struct aml *aml, const char *name, u8 arguments);
void aml_write(struct aml *aml, u32 value, const char *reg); /* reg = value */
void aml_read(struct aml *aml, const char *reg);             /* Local0 = reg */
void aml_if_any_begin(struct aml *aml, u32 mask);            /* if (Local0 & mask), to aml_end */
void aml_notify(struct aml *aml, const char *device, u8 what);
void aml_call(struct aml *aml, const char *const *path, u8 names); /* of that many names */

/* A device with _HID and _UID; what else it has follows, then aml_end. */
void aml_device_begin(struct aml *aml, const char *name, u32 eisaid, u8 uid);

/* _CRS: resources between begin and end. */
void aml_resources_begin(struct aml *aml);
void aml_resources_end(struct aml *aml);
void aml_memory32(struct aml *aml, u32 base, u32 bytes);
void aml_io(struct aml *aml, u16 port, u8 ports);

/* What a bridge passes on. */
enum aml_window { AML_WINDOW_BUS, AML_WINDOW_IO, AML_WINDOW_MEM32, AML_WINDOW_MEM64 };
void aml_window(struct aml *aml, enum aml_window kind, u64 base, u64 size);

/* A name whose value is a package of packages, ended by aml_end; and one of them: INTA# of a slot
 * of the bus goes to an interrupt line of the board. */
void aml_name_list_begin(struct aml *aml, const char *name, u8 count);
void aml_pci_route(struct aml *aml, u8 slot, u8 line);

/* A device with _HID, _UID and a _CRS of one port range and one interrupt line. */
void aml_isa_device(struct aml *aml, const char *name, u32 eisaid, u8 uid, u16 port, u8 ports,
                    unsigned line);

#endif
