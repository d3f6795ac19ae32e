/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space of one emulated PCI function: a type 0 header, BARs, a list of capabilities.
 *
 * Every byte has a mask of the bits software may write; that is all there is to sizing a BAR. There
 * is no extended space: it reads as zero, which ends the list of its capabilities. Callers
 * serialise (vpci.c: its lock).
 */
#ifndef SOCLE_VDEV_VPCI_CONFIG_H
#define SOCLE_VDEV_VPCI_CONFIG_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vdev/vpci_regs.h"

struct vpci_ident {
    u16 vendor, device;
    u16 subsystem_vendor, subsystem;
    u32 class_code; /* class, subclass, programming interface: 24 bits */
    u8 revision;
};

enum vpci_bar_kind { VPCI_BAR_NONE, VPCI_BAR_IO, VPCI_BAR_MEM32, VPCI_BAR_MEM64 };

struct vpci_config {
    u8 bytes[PCI_CONFIG_BYTES];
    u8 writable[PCI_CONFIG_BYTES]; /* (c) mask per byte */
    enum vpci_bar_kind kind[PCI_BARS];
    u64 bar_bytes[PCI_BARS];
    u8 last_link; /* where the next capability's address goes */
    u8 used;      /* up to the end of the last capability */
};

/* An empty header: no BARs, no capabilities, no interrupt pin; everything disabled. */
void vpci_config_init(struct vpci_config *config, const struct vpci_ident *ident);

/* Adds BAR `index`, and its upper half behind it. bytes: a power of two, at least 16 (I/O: 4, at
 * most 256). Context: builder. */
void vpci_config_add_bar(struct vpci_config *config, unsigned index, enum vpci_bar_kind kind,
                         u64 bytes);

/*
 * Adds a capability; its first two bytes are filled in. writable: mask of the same size, or NULL
 * for none. Context: builder. Return: its offset.
 */
u8 vpci_config_add_capability(struct vpci_config *config, u8 id, const u8 *body, const u8 *writable,
                              u8 bytes);

/* Gives the function INTA# on a line of the board. Context: builder. */
void vpci_config_set_interrupt(struct vpci_config *config, u8 line);

/* offset: 0 to 4095; size: 1, 2 or 4. An access that is not aligned reads all ones and writes
 * nothing. */
u32 vpci_config_read(const struct vpci_config *config, u32 offset, unsigned size);
void vpci_config_write(struct vpci_config *config, u32 offset, unsigned size, u32 value);

/* A little-endian field, without regard to what software may write. */
u32 vpci_config_get(const struct vpci_config *config, u32 offset, unsigned size);
void vpci_config_set(struct vpci_config *config, u32 offset, unsigned size, u32 value);

/* The address in a BAR, without its type. */
u64 vpci_config_bar(const struct vpci_config *config, unsigned index);
void vpci_config_set_bar(struct vpci_config *config, unsigned index, u64 base);

#endif
